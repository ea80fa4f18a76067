// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The offline media check tells of the checkpoints in regions: of each form, in one extent
 * and in many, and of what is damaged. The checkpoints are written byte by byte.
 */
#include "../vm/ckptimage.h"
#include "check_image.h"

#define INSTANCE	0xabcdef0123456789ULL

/* What was told of the last checkpoint. */
static struct npmu_check_checkpoint told;
static struct npmu_checkpoint_info info;
static struct npmu_reader_info readers[NPMU_CKPT_NR_READERS];
static unsigned int nr_told;

/* The region as it is contiguous, before it goes to where its extents are. */
static u8 bytes[CKPT_BYTES] __attribute__((aligned(4096)));
static struct ckpt_image img;

static void note(void *ctx, const struct npmu_check_checkpoint *found)
{
	(void)ctx;
	nr_told++;
	told = *found;
	info = *found->info;
	memcpy(readers, found->readers, found->nr_readers * sizeof(readers[0]));
}

/* Return: findings. */
static unsigned int look(struct npmu_check_summary *sum)
{
	struct npmu_media_source src = { UNIT, mem_read, image };
	struct log log = { 0 };
	const struct npmu_check_report report = {
		.finding = record,
		.checkpoint = note,
		.ctx = &log,
	};

	nr_told = 0;
	CHECK(!npmu_mediacheck(&src, &report, sum), "run");
	return log.nr;
}

/* The offset in the image of a byte of the region with one extent, or with many. */
static u64 place(int many, u64 off)
{
	return many ? 2 * MIB + off / G * 2 * G + off % G : MIB + off;
}

static void put(int many)
{
	u64 off;

	for (off = 0; off < sizeof(bytes); off += G)
		memcpy(image + place(many, off), bytes + off, G);
}

static void fresh(uint32_t form)
{
	build();
	memset(bytes, 0, sizeof(bytes));
	ckpt_make(&img, bytes, form, INSTANCE);
}

static void add_reader(int slot, const char *name, u64 position)
{
	struct npmu_ckpt_reader_entry *entry = ckpt_reader(bytes, slot);

	memset(entry, 0, sizeof(*entry));
	entry->instance = cpu_to_le64(INSTANCE);
	strncpy((char *)entry->name, name, sizeof(entry->name) - 1);
	entry->uid = cpu_to_le32(7);
	entry->crc = cpu_to_le32(npmu_crc32c(0, entry, offsetof(struct npmu_ckpt_reader_entry, crc)));
	entry->position = cpu_to_le64(position);
}

static void is_told(int many)
{
	struct npmu_check_summary s;
	unsigned int findings;

	fresh(NPMU_CKPT_FORM_APPEND);
	ckpt_base(&img, 0, 1, 8000, 11);
	ckpt_update(&img, 1, 21);
	ckpt_update(&img, 9000, 22);
	img.epoch = 4;
	ckpt_update(&img, 65, 23);
	ckpt_seal(&img, 1, 4, 128 + 64 + 9024);
	add_reader(0, "first", 128);
	add_reader(9, "second", 0);
	add_reader(10, "second..", 1);
	put(many);
	findings = look(&s);
	CHECK(nr_told == 1 && !findings && !s.errors && !s.warnings, "told %u times, %u findings",
	      nr_told, findings);
	CHECK(!told.code && told.slot == (many ? LIST_SLOT : SMALL_SLOT), "code %d slot %u",
	      told.code, told.slot);
	CHECK(!strcmp(info.unit, "unit0") && *info.region, "names");
	CHECK(info.form == NPMU_CKPT_FORM_APPEND && info.instance == INSTANCE && info.generation == 1 &&
	      info.has == (NPMU_CHECKPOINT_HAS_BASE | NPMU_CHECKPOINT_HAS_UPDATE |
			   NPMU_CHECKPOINT_HAS_SEAL), "header, has %x", info.has);
	CHECK(info.base_sequence == 1 && info.base_length == 8000 && info.base_tag == 11 &&
	      info.base_offset == NPMU_CKPT_SLOTS_START + 64 && info.base_fence_epoch == 1, "base");
	CHECK(info.updates == 3 && info.update_sequence == 4 && info.update_tag == 23 &&
	      info.update_fence_epoch == 4 && info.update_length == 65, "update");
	CHECK(info.end == img.position && info.free == CKPT_RING - img.position &&
	      info.ring_size == CKPT_RING && info.ring_offset == CKPT_RING_AT, "ring");
	CHECK(info.seal_fence_epoch == 4 && info.seal_end == 128 + 64 + 9024, "seal");
	CHECK(told.nr_readers == 2 && !strcmp(readers[0].name, "first") && readers[0].uid == 7 &&
	      readers[0].position == 128 && readers[1].slot == 9 && !readers[1].pid,
	      "%u readers", told.nr_readers);
}

static void append__is_told(void)
{
	is_told(0);
}

static void append__is_told_across_extents(void)
{
	is_told(1);
}

static void overwrite__is_told(void)
{
	struct npmu_check_summary s;

	fresh(NPMU_CKPT_FORM_OVERWRITE);
	ckpt_base(&img, 0, 1, 100, 11);
	ckpt_base(&img, 1, 2, 200, 12);
	put(0);
	look(&s);
	CHECK(nr_told == 1 && !told.code && info.form == NPMU_CKPT_FORM_OVERWRITE &&
	      info.base_sequence == 2 && info.base_length == 200 && !told.nr_readers, "the newest");
	image[place(0, NPMU_CKPT_SLOTS_START + CKPT_SLOT + 70)] ^= 1;
	look(&s);
	CHECK(info.base_sequence == 1, "a torn state counts");
}

static void none__is_not_told(void)
{
	struct npmu_check_summary s;

	build();
	look(&s);
	CHECK(!nr_told, "%u of none", nr_told);
}

static void update__torn_ends_it(void)
{
	struct npmu_check_summary s;

	fresh(NPMU_CKPT_FORM_APPEND);
	ckpt_base(&img, 0, 1, 100, 11);
	ckpt_update(&img, 64, 1);
	((u8 *)(ckpt_update(&img, 64, 2) + 1))[5] ^= 1;
	ckpt_update(&img, 64, 3);
	put(0);
	look(&s);
	CHECK(info.updates == 1 && info.end == 128, "%" PRIu64 " updates", info.updates);
}

/* The writer was opened again and sealed further on, into the first place. */
static void seal__of_the_same_epoch_further_on(void)
{
	struct npmu_check_summary s;
	int which;

	for (which = 0; which < 2; which++) {
		fresh(NPMU_CKPT_FORM_APPEND);
		ckpt_base(&img, 0, 1, 100, 11);
		ckpt_update(&img, 64, 1);
		ckpt_seal(&img, !which, 1, 0);
		ckpt_seal(&img, which, 1, 128);
		put(0);
		look(&s);
		CHECK(info.seal_end == 128, "seal %d: end %" PRIu64, which, info.seal_end);
	}
}

static void header__damaged_is_no_finding(void)
{
	struct npmu_check_summary s;
	unsigned int findings;

	fresh(NPMU_CKPT_FORM_APPEND);
	bytes[40] ^= 1;
	put(0);
	findings = look(&s);
	CHECK(nr_told == 1 && !told.code && !findings, "one good copy");
	image[place(0, NPMU_CKPT_HEADER1 + 40)] ^= 1;
	findings = look(&s);
	CHECK(nr_told == 1 && told.code == -EUCLEAN && !findings && !s.errors, "code %d", told.code);
}

static void header__foreign_is_told(void)
{
	struct npmu_ckpt_header h;
	struct npmu_check_summary s;

	fresh(NPMU_CKPT_FORM_APPEND);
	h = ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE, 1);
	h.version = cpu_to_le32(2);
	ckpt_put_header(bytes, h);
	put(0);
	look(&s);
	CHECK(nr_told == 1 && told.code == -EPROTONOSUPPORT, "code %d", told.code);
}

static u64 failing;

static int failing_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	return failing >= off && failing < off + len ? -EIO : mem_read(ctx, off, buf, len);
}

static void memory__that_failed_is_told(void)
{
	struct npmu_media_source src = { UNIT, failing_read, image };
	const struct npmu_check_report report = { .checkpoint = note };
	struct npmu_check_summary s;

	fresh(NPMU_CKPT_FORM_APPEND);
	ckpt_base(&img, 0, 1, 100, 11);
	ckpt_update(&img, 64, 1);
	put(0);
	failing = place(0, CKPT_RING_AT);
	CHECK(!npmu_mediacheck(&src, &report, &s) && told.code == -EIO, "code %d", told.code);
	/* One copy of the header is enough. */
	failing = place(0, NPMU_CKPT_HEADER0);
	CHECK(!npmu_mediacheck(&src, &report, &s), "run");
	CHECK(told.code == -EIO, "the table of readers is there, too: %d", told.code);
	failing = place(0, CKPT_RING_AT + 8192);
	CHECK(!npmu_mediacheck(&src, &report, &s) && !told.code && info.updates == 1,
	      "what is not looked at: %d", told.code);
}

static void region__not_whole_is_passed_over(void)
{
	struct npmu_check_summary s;

	fresh(NPMU_CKPT_FORM_APPEND);
	put(0);
	put(1);
	look(&s);
	CHECK(nr_told == 2, "%u told", nr_told);
	list(1, 0)->nr = 0;
	list(1, 1)->nr = 0;
	look(&s);
	CHECK(nr_told == 1 && told.slot == SMALL_SLOT && s.errors, "%u told", nr_told);
}

int main(void)
{
	image = malloc(UNIT);
	if (!image)
		return 1;
	TAP_RUN(append__is_told);
	TAP_RUN(append__is_told_across_extents);
	TAP_RUN(overwrite__is_told);
	TAP_RUN(none__is_not_told);
	TAP_RUN(update__torn_ends_it);
	TAP_RUN(seal__of_the_same_epoch_further_on);
	TAP_RUN(header__damaged_is_no_finding);
	TAP_RUN(header__foreign_is_told);
	TAP_RUN(memory__that_failed_is_told);
	TAP_RUN(region__not_whole_is_passed_over);
	free(image);
	return tap_end();
}
