// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel tells of a checkpoint from outside: of each form, of damage, and of
 * readers. The checkpoints are written by the test itself.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include <npmu/checkpoint.h>

#include "ckptimage.h"
#include "vmtest.h"

#define INSTANCE	0xabcdef0123456789ULL
#define SIZE		(64 * KIB)

static struct ckpt_image img;
static struct npmu_checkpoint_info info;
static int writer = -1;

static int get(void)
{
	return vm_note(npmu_ctl_checkpoint_get(vm_ctl(), "t", "r", &info));
}

static int up(uint32_t form)
{
	int ret = vm_any("t", 32 * MIB, 16) ?: vm_region("t", "r", SIZE);
	void *map;

	if (ret)
		return ret;
	writer = vm_open("t", "r", O_RDWR);
	if (writer < 0)
		return writer;
	map = vm_map(writer, 0, SIZE, PROT_READ | PROT_WRITE);
	if (!map)
		return -errno;
	ckpt_make(&img, map, form, INSTANCE);
	return 0;
}

static void down(void)
{
	munmap(img.map, SIZE);
	close(writer);
	EXPECT(vm_drop("t"), 0);
}

static void overwrite__tells_the_newest_state(void)
{
	REQUIRE(!up(NPMU_CKPT_FORM_OVERWRITE), "%s", vm_why());
	EXPECT(get(), 0);
	CHECK(info.form == NPMU_CHECKPOINT_FORM_OVERWRITE && info.instance == INSTANCE &&
	      info.generation == 1 && info.capacity == CKPT_SLOT - 64 && !info.has &&
	      info.created == 1700000000, "of an empty one: other values");
	ckpt_base(&img, 0, 1, 100, 11);
	ckpt_base(&img, 1, 2, 200, 12);
	EXPECT(get(), 0);
	CHECK(info.has == NPMU_CHECKPOINT_HAS_BASE && info.base_sequence == 2 &&
	      info.base_length == 200 && info.base_tag == 12 && info.base_fence_epoch == 1 &&
	      info.base_offset == NPMU_CKPT_SLOTS_START + CKPT_SLOT + 64, "other values");
	CHECK(!strcmp(info.unit, "t") && !strcmp(info.region, "r"), "other names");
	/* A torn one does not count. */
	img.map[info.base_offset + 7] ^= 1;
	EXPECT(get(), 0);
	CHECK(info.base_sequence == 1 && info.base_length == 100, "a torn state counts");
	img.map[NPMU_CKPT_SLOTS_START + 64] ^= 1;
	EXPECT(get(), 0);
	CHECK(!info.has, "two torn states");
	down();
}

static void append__tells_base_and_updates(void)
{
	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	EXPECT(get(), 0);
	CHECK(info.form == NPMU_CHECKPOINT_FORM_APPEND && !info.has && info.free == CKPT_RING &&
	      info.ring_size == CKPT_RING && info.ring_offset == CKPT_RING_AT && !info.end,
	      "of an empty one: other values");
	ckpt_base(&img, 0, 1, 100, 11);
	EXPECT(get(), 0);
	CHECK(info.has == NPMU_CHECKPOINT_HAS_BASE && !info.updates && info.free == CKPT_RING,
	      "without updates: other values");
	ckpt_update(&img, 1, 21);
	ckpt_update(&img, 65, 22);
	EXPECT(get(), 0);
	CHECK(info.has == (NPMU_CHECKPOINT_HAS_BASE | NPMU_CHECKPOINT_HAS_UPDATE) &&
	      info.update_sequence == 3 && info.update_length == 65 && info.update_tag == 22 &&
	      info.update_offset == CKPT_RING_AT + 128 + 64 && info.updates == 2 &&
	      info.end == 320 && info.free == CKPT_RING - 320, "other values");
	/* A new base stands behind them. */
	ckpt_base(&img, 1, 2, 50, 12);
	EXPECT(get(), 0);
	CHECK(info.base_sequence == 4 && info.base_position == 320 && !info.updates &&
	      info.end == 320 && info.free == CKPT_RING, "after a base: other values");
	down();
}

static void append__goes_round_the_ring(void)
{
	unsigned int i;

	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	for (i = 0; i < 3; i++)
		ckpt_update(&img, 4096, i);
	ckpt_base(&img, 0, 1, 100, 11);
	ckpt_update(&img, 100, 20);
	ckpt_pad(&img);
	EXPECT(get(), 0);
	CHECK(info.updates == 1 && info.end == CKPT_RING, "a pad: %lu updates, end %lu",
	      info.updates, info.end);
	ckpt_update(&img, 8000, 21);
	EXPECT(get(), 0);
	CHECK(info.updates == 2 && info.update_tag == 21 && info.end == CKPT_RING + 8064 &&
	      info.update_offset == CKPT_RING_AT + 64, "behind the pad: other values");
	CHECK(info.free == CKPT_RING - (info.end - info.base_position), "free %lu", info.free);
	down();
}

static void append__a_full_ring_ends(void)
{
	unsigned int i;

	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	ckpt_base(&img, 0, 1, 100, 11);
	for (i = 0; i < CKPT_RING / 128; i++)
		ckpt_update(&img, 64, i);
	EXPECT(get(), 0);
	CHECK(info.updates == CKPT_RING / 128 && !info.free && info.end == CKPT_RING,
	      "%lu updates, %lu free", info.updates, info.free);
	down();
}

static void append__ends_at_what_is_not_there(void)
{
	struct npmu_ckpt_update *u;

	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	ckpt_base(&img, 0, 1, 100, 11);
	ckpt_update(&img, 64, 1);
	u = ckpt_update(&img, 64, 2);
	ckpt_update(&img, 64, 3);
	EXPECT(get(), 0);
	CHECK(info.updates == 3, "%lu updates", info.updates);
	((char *)(u + 1))[5] ^= 1;
	EXPECT(get(), 0);
	CHECK(info.updates == 1 && info.end == 128, "%lu updates", info.updates);
	((char *)(u + 1))[5] ^= 1;
	u->length = UINT64_MAX;
	EXPECT(get(), 0);
	CHECK(info.updates == 1, "%lu updates", info.updates);
	memset(u, 0xff, sizeof(*u));
	EXPECT(get(), 0);
	CHECK(info.updates == 1, "%lu updates", info.updates);
	down();
}

static void append__a_seal_cuts_the_older_epoch(void)
{
	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	ckpt_base(&img, 0, 1, 100, 11);
	ckpt_update(&img, 64, 1);
	ckpt_update(&img, 64, 2);
	ckpt_seal(&img, 0, 2, 128);
	EXPECT(get(), 0);
	CHECK(info.has & NPMU_CHECKPOINT_HAS_SEAL && info.seal_fence_epoch == 2 &&
	      info.seal_end == 128 && info.seal_sequence == 3 && info.seal_base == 1,
	      "the seal: other values");
	CHECK(info.updates == 1 && info.end == 128, "%lu updates", info.updates);
	/* The seal of the higher epoch counts; the new writer goes on. */
	ckpt_seal(&img, 1, 3, 256);
	EXPECT(get(), 0);
	CHECK(info.updates == 2 && info.seal_fence_epoch == 3, "%lu updates", info.updates);
	img.epoch = 3;
	ckpt_update(&img, 64, 3);
	EXPECT(get(), 0);
	CHECK(info.updates == 3 && info.update_fence_epoch == 3, "%lu updates", info.updates);
	down();
}

static void append__without_crc_is_sealed_by_its_header(void)
{
	struct npmu_ckpt_header h = ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE, 2);

	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	h.append.flags = NPMU_CKPT_APPEND_F_NO_CRC;
	ckpt_put_header(img.map, h);
	/* Of no data at all both sums are the same. */
	ckpt_base(&img, 0, 1, 0, 11);
	ckpt_update(&img, 0, 1);
	ckpt_update(&img, 1, 2);
	EXPECT(get(), 0);
	CHECK(info.no_crc && info.updates == 1, "%lu updates", info.updates);
	down();
}

static void get__what_is_no_checkpoint(void)
{
	struct npmu_ckpt_header h;

	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	h = ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE, 1);
	h.version = 9;
	ckpt_put_header(img.map, h);
	REFUSED(npmu_ctl_checkpoint_get(vm_ctl(), "t", "r", &info), -EPROTONOSUPPORT);
	h = ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE, 1);
	h.slot_size = 1ULL << 63;
	ckpt_put_header(img.map, h);
	REFUSED(npmu_ctl_checkpoint_get(vm_ctl(), "t", "r", &info), -EUCLEAN);
	img.map[9] ^= 1;
	img.map[NPMU_CKPT_HEADER1 + 9] ^= 1;
	REFUSED(npmu_ctl_checkpoint_get(vm_ctl(), "t", "r", &info), -EUCLEAN);
	memset(img.map, 0, 8192);
	REFUSED(npmu_ctl_checkpoint_get(vm_ctl(), "t", "r", &info), -EMEDIUMTYPE);
	EXPECT(vm_region("t", "small", 4096), 0);
	REFUSED(npmu_ctl_checkpoint_get(vm_ctl(), "t", "small", &info), -EMEDIUMTYPE);
	REFUSED(npmu_ctl_checkpoint_get(vm_ctl(), "t", "none", &info), -ENOENT);
	REFUSED(npmu_ctl_checkpoint_get(vm_ctl(), "none", "r", &info), -ENOENT);
	down();
}

/* struct listed - what a list of readers said */
struct listed {
	int count;
	struct npmu_reader_info last;
};

static int list_one(void *ctx, const struct npmu_reader_info *reader)
{
	struct listed *listed = ctx;

	listed->count++;
	listed->last = *reader;
	return 0;
}

static int list(struct listed *listed)
{
	listed->count = 0;
	return vm_note(npmu_ctl_reader_list(vm_ctl(), "t", "r", list_one, listed));
}

static int attach(int fd, const char *name, uint64_t position)
{
	struct npmu_ioc_reader_attach arg = {
		.size = sizeof(arg),
		.flags = NPMU_READER_F_CREATE,
		.instance = INSTANCE,
		.position = position,
	};

	snprintf((char *)arg.name, sizeof(arg.name), "%s", name);
	return vm_ioctl(fd, NPMU_IOC_READER_ATTACH, &arg);
}

static void readers__are_told_with_their_process(void)
{
	struct listed listed;
	char name[16];
	int fd, i;

	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	EXPECT(list(&listed), 0);
	CHECK(!listed.count, "%d readers", listed.count);
	fd = vm_open("t", "r", O_RDONLY);
	EXPECT(attach(fd, "a", 128), 0);
	EXPECT(list(&listed), 0);
	CHECK(listed.count == 1 && !strcmp(listed.last.name, "a") && !listed.last.slot &&
	      !listed.last.uid && listed.last.position == 128 &&
	      listed.last.pid == (uint32_t)getpid(), "other values");
	close(fd);
	EXPECT(list(&listed), 0);
	CHECK(listed.count == 1 && !listed.last.pid, "somebody is still attached");
	/* A full table, which takes more than one message. */
	for (i = 1; i < NPMU_CKPT_NR_READERS; i++) {
		fd = vm_open("t", "r", O_RDONLY);
		snprintf(name, sizeof(name), "long-name-%d", i);
		EXPECT(attach(fd, name, 64 * i), 0);
		close(fd);
	}
	EXPECT(list(&listed), 0);
	CHECK(listed.count == NPMU_CKPT_NR_READERS && listed.last.slot == 31, "%d readers",
	      listed.count);
	ckpt_put_header(img.map, ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE + 1, 2));
	EXPECT(list(&listed), 0);
	CHECK(!listed.count, "%d readers of another instance", listed.count);
	memset(img.map, 0, 8192);
	REFUSED(npmu_ctl_reader_list(vm_ctl(), "t", "r", list_one, &listed), -EMEDIUMTYPE);
	down();
}

static volatile bool stop;

/* Commits for ever: updates until the ring is full, then a base. */
static void *commit(void *ctx)
{
	int slot = 0;

	(void)ctx;
	while (!stop) {
		ckpt_base(&img, slot, 3, 1000, 1);
		slot = !slot;
		while (CKPT_RING - img.position % CKPT_RING > 1088)
			ckpt_update(&img, 1000, 2);
		ckpt_pad(&img);
		vm_sleep_ms(1);
	}
	return NULL;
}

static void get__while_the_writer_commits(void)
{
	unsigned long i, rounds = vm_times(300, 20000);
	unsigned long told = 0;
	uint64_t before = 0;
	pthread_t thread;
	int ret;

	REQUIRE(!up(NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	ckpt_base(&img, 1, 3, 1000, 1);
	stop = false;
	pthread_create(&thread, NULL, commit, NULL);
	for (i = 0; i < rounds; i++) {
		ret = get();
		CHECK(!ret || ret == -EAGAIN, "%s", vm_strerror(ret));
		if (ret)
			continue;
		told++;
		CHECK(info.has & NPMU_CHECKPOINT_HAS_BASE, "no base");
		CHECK(info.base_sequence >= before, "sequence %lu after %lu", info.base_sequence,
		      before);
		CHECK(info.end - info.base_position + info.free == CKPT_RING, "the sum is not right");
		before = info.base_sequence;
	}
	stop = true;
	pthread_join(thread, NULL);
	CHECK(told > rounds / 10, "told only %lu times of %lu", told, rounds);
	down();
}

int main(void)
{
	VM_RUN(overwrite__tells_the_newest_state);
	VM_RUN(append__tells_base_and_updates);
	VM_RUN(append__goes_round_the_ring);
	VM_RUN(append__a_full_ring_ends);
	VM_RUN(append__ends_at_what_is_not_there);
	VM_RUN(append__a_seal_cuts_the_older_epoch);
	VM_RUN(append__without_crc_is_sealed_by_its_header);
	VM_RUN(get__what_is_no_checkpoint);
	VM_RUN(get__while_the_writer_commits);
	VM_RUN(readers__are_told_with_their_process);
	return vm_end();
}
