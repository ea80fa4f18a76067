// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All that can be seen of a unit, for the sweep (nth.h) to compare: what netlink
 * lists, the device nodes, and the media: superblock, records, list blocks and the
 * bytes of regions. Bytes that no region owns are nobody's.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/stat.h>

#include "format.h"
#include "nth.h"

#define REGIONS	12
#define ENTRIES	16
#define NODES	"/dev/npmu/" NTH_UNIT

const char *nth_path;
bool nth_mending;

struct node {
	char name[64];
	uint32_t mode, uid, gid;
	uint64_t device;
};

struct nth_state {
	struct npmu_unit_info unit;	/* all zero: not attached */
	struct npmu_region_info region[REGIONS];
	struct npmu_tpt_info entry[ENTRIES];
	struct node node[REGIONS];
	unsigned int regions, entries, nodes;
	uint64_t digest;
	bool sound;
};

/* Of regions in so many pieces the records count, not the bytes: it would take long. */
#define PIECES	16

/* Where bytes are that count. */
struct span {
	uint64_t start, len;
};

struct spans {
	struct span at[512];
	unsigned int nr;
};

static uint64_t digest(uint64_t sum, const void *bytes, size_t len)
{
	const uint64_t *word = bytes;

	for (; len >= 8; len -= 8)
		sum = (sum ^ *word++) * 0x9e3779b97f4a7c15ULL + (sum >> 29);
	return sum;
}

static int by_start(const void *a, const void *b)
{
	const struct span *l = a, *r = b;

	return l->start < r->start ? -1 : l->start > r->start;
}

static void add(struct spans *spans, uint64_t start, uint64_t len)
{
	if (spans->nr < sizeof(spans->at) / sizeof(spans->at[0]))
		spans->at[spans->nr++] = (struct span){ start, len };
}

static void add_record(int fd, const struct npmu_region_record *rec, struct spans *spans,
		       void *block)
{
	const struct npmu_list_block *blk = block;
	struct npmu_list_ref ref = rec->list;
	uint32_t i, inl = rec->nr_extents;

	if (inl > NPMU_INLINE_EXTENTS)
		inl = NPMU_INLINE_EXTENTS;
	for (i = 0; i < inl && rec->nr_extents <= PIECES; i++)
		add(spans, rec->extents[i].start, rec->extents[i].len);
	while (npmu_list_ref_present(&ref)) {
		add(spans, ref.addr[0], 4096);
		add(spans, ref.addr[1], 4096);
		if (pread(fd, block, 4096, ref.addr[0]) != 4096 ||
		    blk->magic != NPMU_LIST_MAGIC)
			return;
		ref = blk->next;
	}
}

static void digest_spans(int fd, struct spans *spans, char *buf, size_t room,
			 struct nth_state *s)
{
	unsigned int i = 0;

	qsort(spans->at, spans->nr, sizeof(spans->at[0]), by_start);
	while (i < spans->nr) {
		uint64_t start = spans->at[i].start;
		uint64_t len = 0;

		while (i < spans->nr && spans->at[i].start == start + len &&
		       len + spans->at[i].len <= room)
			len += spans->at[i++].len;
		if (!len || pread(fd, buf, len, start) != (ssize_t)len) {
			s->sound = false;
			return;
		}
		s->digest = digest(s->digest, &start, 8);
		s->digest = digest(s->digest, buf, len);
	}
}

static void look_at_media(struct nth_state *s)
{
	const size_t room = 4 << 20;
	static struct spans *spans;
	static char *buf, *block;
	struct npmu_superblock *sb;
	uint32_t slot;
	uint64_t size;
	int fd;

	if (!buf) {
		spans = malloc(sizeof(*spans));
		buf = aligned_alloc(4096, room);
		block = aligned_alloc(4096, 4096);
	}
	fd = open(nth_path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	sb = (void *)buf;
	if (fd < 0 || pread(fd, buf, 4096, 0) != 4096 || npmu_sb_check(sb, size) ||
	    sb->data_start > room ||
	    pread(fd, buf, sb->data_start, 0) != (ssize_t)sb->data_start) {
		s->sound = false;
		close(fd);
		return;
	}
	s->sound = !memcmp(buf, buf + NPMU_SB_COPY1, 4096);
	s->digest = digest(0, buf, sb->data_start);
	spans->nr = 0;
	for (slot = 0; slot < sb->max_regions; slot++) {
		struct npmu_region_record *rec = (void *)(buf + npmu_record_offset(sb, slot, 0));

		if (npmu_region_check(rec, sb, slot) ||
		    memcmp(rec, buf + npmu_record_offset(sb, slot, 1), 4096))
			s->sound = false;
		else if (rec->state == NPMU_SLOT_REGION)
			add_record(fd, rec, spans, block);
	}
	digest_spans(fd, spans, buf, room, s);
	close(fd);
}

static int note_region(void *ctx, const struct npmu_region_info *info)
{
	struct nth_state *s = ctx;
	struct npmu_region_info *r = &s->region[s->regions++];

	*r = *info;
	r->faults_huge = 0;
	r->faults_small = 0;
	return s->regions == REGIONS;
}

static int note_entry(void *ctx, const struct npmu_tpt_info *info)
{
	struct nth_state *s = ctx;

	s->entry[s->entries++] = *info;
	return s->entries == ENTRIES;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

static void look_at_nodes(struct nth_state *s)
{
	DIR *dir = opendir(NODES);
	struct dirent *d;
	struct stat st;

	while (dir && (d = readdir(dir)) && s->nodes < REGIONS) {
		if (d->d_name[0] == '.' && (!d->d_name[1] || d->d_name[1] == '.'))
			continue;
		if (fstatat(dirfd(dir), d->d_name, &st, 0))
			continue;
		snprintf(s->node[s->nodes].name, 64, "%.63s", d->d_name);
		s->node[s->nodes].mode = st.st_mode;
		s->node[s->nodes].uid = st.st_uid;
		s->node[s->nodes].gid = st.st_gid;
		s->node[s->nodes++].device = st.st_rdev;
	}
	if (dir)
		closedir(dir);
	qsort(s->node, s->nodes, sizeof(s->node[0]), by_name);
}

struct nth_state *nth_look(void)
{
	struct nth_state *s = calloc(1, sizeof(*s));

	s->sound = true;
	if (!npmu_ctl_unit_get(vm_ctl(), NTH_UNIT, &s->unit)) {
		npmu_ctl_region_list(vm_ctl(), NTH_UNIT, note_region, s);
		npmu_ctl_tpt_list(vm_ctl(), NTH_UNIT, NULL, note_entry, s);
	}
	look_at_nodes(s);
	if (nth_path)
		look_at_media(s);
	return s;
}

void nth_forget(struct nth_state *state)
{
	free(state);
}

uint64_t nth_digest(const struct nth_state *state)
{
	return state->digest;
}

bool nth_sound(const struct nth_state *state)
{
	return state->sound;
}

/* The region of that slot, to count from. */
static const struct npmu_region_info *region_of(const struct nth_state *s, uint32_t slot)
{
	static const struct npmu_region_info none;
	unsigned int i;

	for (i = 0; s && i < s->regions; i++)
		if (s->region[i].slot == slot)
			return &s->region[i];
	return &none;
}

static const struct node *node_of(const struct nth_state *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < s->nodes; i++)
		if (!strcmp(s->node[i].name, name))
			return &s->node[i];
	return NULL;
}

/*
 * In words, epochs counted from those of @from; without it all that there is, ids and
 * media too.
 */
static char *tell(const struct nth_state *from, const struct nth_state *s)
{
	bool all = !from;
	unsigned int i;
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "unit %s size %lu free %lu regions %u opens %u repaired %u unsound %u gone %u",
		s->unit.name, s->unit.size, s->unit.free, s->unit.regions, s->unit.opens,
		nth_mending ? 0 : s->unit.repaired, s->unit.unsound_regions, s->unit.gone);
	if (s->unit.name[0])
		fprintf(f, " epoch %ld", (long)(s->unit.media_epoch -
						(from ? from->unit.media_epoch : 0)));
	fprintf(f, "\n");
	for (i = 0; i < s->regions; i++) {
		const struct npmu_region_info *r = &s->region[i];
		const struct npmu_region_info *was = region_of(from, r->slot);
		const struct node *node = node_of(s, r->name);

		fprintf(f, "region %s slot %u size %lu owner %u:%u mode %o flags %u", r->name,
			r->slot, r->size, r->uid, r->gid, r->mode, r->flags);
		fprintf(f, " extents %u opens %u role %u health %u epoch %ld", r->extents,
			r->opens, r->role, r->health,
			(long)(r->fence_epoch - was->fence_epoch));
		if (!node)
			fprintf(f, " without a node");
		else
			fprintf(f, " node %u:%u %o%s", node->uid, node->gid, node->mode,
				node->device == r->device ? "" : " of another number");
		if (all)
			fprintf(f, " writer %lu pid %u last %u %lu uuid %lx", r->writer_id,
				r->writer_pid, r->last_writer_pid, r->last_writer_epoch,
				*(uint64_t *)r->uuid);
		fprintf(f, "\n");
	}
	for (i = 0; i < s->entries; i++) {
		const struct npmu_tpt_info *e = &s->entry[i];

		fprintf(f, "entry of %s pid %u access %u%s%s", e->region, e->pid, e->access,
			e->writer ? " writer" : "", e->dead ? " dead" : "");
		if (all)
			fprintf(f, " id %lu epoch %lu", e->id, e->fence_epoch);
		fprintf(f, "\n");
	}
	for (i = 0; i < s->nodes; i++)
		fprintf(f, "node %s\n", s->node[i].name);
	if (all && !nth_mending)
		fprintf(f, "media %lx\n", s->digest);
	fclose(f);
	return text;
}

static bool equal(char *was, char *is, bool say, const char *what)
{
	bool same = !strcmp(was, is);
	char *line, *rest;

	if (!same && say) {
		printf("# %s:\n", what);
		for (rest = was; (line = strsep(&rest, "\n"));)
			printf("#   - %s\n", line);
		for (rest = is; (line = strsep(&rest, "\n"));)
			printf("#   + %s\n", line);
	}
	free(was);
	free(is);
	return same;
}

bool nth_same(const struct nth_state *was, const struct nth_state *is, bool say)
{
	return equal(tell(NULL, was), tell(NULL, is), say, "before and after");
}

bool nth_alike(const struct nth_state *from, const struct nth_state *to,
	       const struct nth_state *was, const struct nth_state *is, bool say)
{
	return equal(tell(from, to), tell(was, is), say, "without and with the failure");
}
