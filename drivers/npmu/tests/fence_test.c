// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fence promises, with threads that hammer the region meanwhile: once it
 * answered, nobody of the former writer is inside, enters, or translates. And what it
 * answers when somebody stays inside past its bound.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "fixture.h"

#define SIZE	(8 * MIB)
#define THREADS	3

static struct npmu_unit *unit;

static int fence_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, NULL);
	return 0;
}

/* --- threads of a writer --- */

/* What the threads work on and found. */
struct hammer {
	struct npmu_tpt_entry *entry;
	bool reading;
	u64 size;		/* bytes of the region that there are */
	struct completion ended;
	atomic_t running;
	bool stop;
	bool answered;		/* whoever is inside from then on is a defect */
	atomic64_t sections;
	atomic_t late;		/* those that began or went on after the answer */
	atomic_t astray;	/* translations that were wrong */
};

static void one_section(struct hammer *h, u64 *seed)
{
	struct npmu_gate *gate = h->reading ? &h->entry->read : &h->entry->write;
	u64 offset = seeded_random(seed) % READ_ONCE(h->size);
	u64 where, len = 0;
	u64 stamp;

	if (!npmu_gate_enter(gate)) {
		cond_resched();
		return;
	}
	if (READ_ONCE(h->answered))
		atomic_inc(&h->late);
	where = npmu_tpt_translate(h->entry, offset & ~7ULL, &len);
	if (where != NPMU_NOWHERE &&
	    (len < 8 || where < le64_to_cpu(unit->media->sb->data_start) || where > SIZE - 8))
		atomic_inc(&h->astray);
	else if (where != NPMU_NOWHERE && h->reading)
		npmu_backing_read(unit->backing, where, &stamp, sizeof(stamp));
	else if (where != NPMU_NOWHERE)
		npmu_backing_write(unit->backing, where, &offset, sizeof(offset));
	if (READ_ONCE(h->answered))
		atomic_inc(&h->late);
	npmu_gate_leave(gate);
	if (atomic64_inc_return(&h->sections) % 16 == 0)
		cond_resched();
}

static int hammer(void *arg)
{
	struct hammer *h = arg;
	u64 seed = (unsigned long)current;

	while (!READ_ONCE(h->stop))
		one_section(h, &seed);
	if (atomic_dec_and_test(&h->running))
		complete(&h->ended);
	return 0;
}

static void hammer_begin(struct kunit *test, struct hammer *h, struct npmu_tpt_entry *entry,
			 bool reading)
{
	int i;

	memset(h, 0, sizeof(*h));
	init_completion(&h->ended);
	h->entry = entry;
	h->size = entry->region->size;
	h->reading = reading;
	atomic_set(&h->running, 1);
	for (i = 0; i < THREADS; i++) {
		atomic_inc(&h->running);
		if (IS_ERR(kthread_run(hammer, h, "npmu-hammer-%d", i)))
			atomic_dec(&h->running);
	}
	while (atomic_read(&h->running) > 1 && atomic64_read(&h->sections) < 20)
		cond_resched();
}

static void hammer_end(struct kunit *test, struct hammer *h)
{
	/* Whoever would still get in has the time to. */
	usleep_range(500, 1000);
	WRITE_ONCE(h->stop, true);
	if (!atomic_dec_and_test(&h->running))
		wait_for_completion(&h->ended);
	CHECK(!atomic_read(&h->late), "%d sections after the answer", atomic_read(&h->late));
	CHECK(!atomic_read(&h->astray), "%d translations astray", atomic_read(&h->astray));
	CHECK(atomic64_read(&h->sections) >= 20, "nobody was inside");
}

static struct hammer writer_hammer, reader_hammer;

static void fence__nobody_inside_after_the_answer(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "r", 2 * MIB);
	struct fixture_open *reader = fixture_open(test, region, NPMU_ACCESS_READ);
	u64 epoch;
	int round;

	hammer_begin(test, &reader_hammer, reader->entry, true);
	for (round = 0; round < 25; round++) {
		struct fixture_open *writer = fixture_open(test, region, RW);
		struct fixture_open *next = fixture_open(test, region, RW);

		CHECK(!npmu_role_claim(writer->entry, true, &epoch), "claim");
		hammer_begin(test, &writer_hammer, writer->entry, false);
		if (round % 2)
			CHECK(!npmu_role_takeover(next->entry, epoch, &epoch), "takeover");
		else
			CHECK(!npmu_evict_fence(region, &epoch, &fixture_ack), "fence");
		WRITE_ONCE(writer_hammer.answered, true);
		CHECK(npmu_gate_is_empty(&writer->entry->write) &&
		      npmu_gate_is_empty(&writer->entry->read), "somebody is inside");
		CHECK(atomic_read(&writer->zaps) == 1, "zapped %d times",
		      atomic_read(&writer->zaps));
		hammer_end(test, &writer_hammer);
		fixture_close(test, writer);
		fixture_close(test, next);
	}
	/* A fence binds the writer; readers keep what they have. */
	CHECK(!reader->entry->dead && !atomic_read(&reader->zaps), "the reader was fenced");
	hammer_end(test, &reader_hammer);
}

static void resign__nobody_writes_after_the_answer(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "r", 2 * MIB);
	struct fixture_open *writer = fixture_open(test, region, RW);
	u64 epoch;
	int round;

	for (round = 0; round < 10; round++) {
		CHECK(!npmu_role_claim(writer->entry, true, &epoch), "claim");
		hammer_begin(test, &writer_hammer, writer->entry, false);
		CHECK(!npmu_role_resign(writer->entry), "resign");
		WRITE_ONCE(writer_hammer.answered, true);
		hammer_end(test, &writer_hammer);
	}
}

static void death__nobody_is_inside_after_it(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "r", 2 * MIB);
	u64 epoch;
	int round;

	for (round = 0; round < 10; round++) {
		struct fixture_open *writer = fixture_open(test, region, RW);

		CHECK(!npmu_role_claim(writer->entry, true, &epoch), "claim");
		hammer_begin(test, &writer_hammer, writer->entry, round % 2);
		npmu_role_death(writer->entry);
		WRITE_ONCE(writer_hammer.answered, true);
		hammer_end(test, &writer_hammer);
		fixture_close(test, writer);
	}
}

/* Growing moves nobody; a cut waits for who is in the part that goes. */
static void resize__readers_translate_meanwhile(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "r", 2 * MIB);
	struct fixture_open *reader;
	int round;

	for (round = 0; round < 10; round++) {
		reader = fixture_open(test, region, NPMU_ACCESS_READ);
		hammer_begin(test, &reader_hammer, reader->entry, true);
		CHECK(!npmu_evict_resize(region, (3 + round % 3) * MIB, false, &fixture_ack),
		      "grow");
		WRITE_ONCE(reader_hammer.size, region->size);
		usleep_range(100, 200);
		CHECK(!npmu_evict_resize(region, 2 * MIB - round * G, true, &fixture_ack), "cut");
		WRITE_ONCE(reader_hammer.answered, true);
		CHECK(reader->entry->dead, "a reader outlived the cut");
		hammer_end(test, &reader_hammer);
		fixture_close(test, reader);
	}
}

/* --- past the bound --- */

/* A region whose writer, or reader, stays inside, and what an operation answers. */
struct held {
	struct npmu_region *region;
	struct fixture_open *open;
	struct fixture_open *next;
	struct completion *ended;
	atomic_t *running;
	int way;
	unsigned long took;
	int ret;
};

enum way { FENCE, TAKEOVER, RESIGN, DEATH, DELETE, CUT, CLOSE_WRITES, KILL_READER, NR_WAYS };

static const char * const way_text[] = {
	"fence", "takeover", "resign", "death", "delete", "cut", "read-only", "delete with a reader",
};

static int operate(struct held *h)
{
	struct npmu_region_attr attr = {
		.valid = NPMU_ATTR_FLAGS, .flags = NPMU_REGION_F_READ_ONLY,
	};
	u64 epoch;

	switch ((enum way)h->way) {
	case FENCE:
		return npmu_evict_fence(h->region, NULL, NULL);
	case TAKEOVER:
		return npmu_role_takeover(h->next->entry, h->region->fence_epoch, &epoch);
	case RESIGN:
		return npmu_role_resign(h->open->entry);
	case DEATH:
		npmu_role_death(h->open->entry);
		return -ETIMEDOUT;
	case CUT:
		return npmu_evict_resize(h->region, G, true, NULL);
	case CLOSE_WRITES:
		return npmu_evict_set(h->region, &attr, true, NULL);
	default:
		return npmu_evict_delete(h->region, true, NULL);
	}
}

static int hold(void *arg)
{
	struct held *h = arg;
	unsigned long began = jiffies;

	h->ret = operate(h);
	h->took = jiffies - began;
	if (atomic_dec_and_test(h->running))
		complete(h->ended);
	return 0;
}

/* Return: whether it held; of what was taken away all the same nothing can be asked. */
static bool check_held(struct kunit *test, struct held *h, const char *what)
{
	struct npmu_tpt_entry *entry = h->open->entry;
	u64 epoch;

	CHECK(h->ret == -ETIMEDOUT, "%s: %d", what, h->ret);
	if (h->ret != -ETIMEDOUT)
		return false;
	CHECK(h->took >= NPMU_FENCE_BOUND, "%s: gave up after %lu ms", what,
	      h->took * 1000 / HZ);
	CHECK(!h->region->writer && !h->region->status->writer, "%s: there is a writer", what);
	CHECK(h->region->state == NPMU_REGION_LIVE && h->region->size == 2 * G &&
	      !h->region->flags, "%s: it was changed all the same", what);
	CHECK(entry->undrained && !atomic_read(&h->open->zaps), "%s: counted as empty", what);
	CHECK(!npmu_gate_is_open(h->way == KILL_READER ? &entry->read : &entry->write),
	      "%s: still open", what);
	CHECK(npmu_role_claim(h->next->entry, false, &epoch) ==
	      (h->way == KILL_READER ? -ESTALE : h->next->entry->dead ? -ESTALE : -EBUSY),
	      "%s: a claim is admitted", what);
	return true;
}

/*
 * Somebody stays inside: each way answers -ETIMEDOUT at its bound, not before, with
 * no writer and nothing taken away; once it is left, the same call succeeds. All at
 * once, each on a region of its own, since each waits its five seconds.
 */
static void fence__somebody_stays_inside(struct kunit *test)
{
	static struct held held[NR_WAYS];
	DECLARE_COMPLETION_ONSTACK(ended);
	atomic_t running = ATOMIC_INIT(1);
	u64 epoch;
	int way;

	memset(held, 0, sizeof(held));
	for (way = 0; way < NR_WAYS; way++) {
		struct held *h = &held[way];
		char name[] = "r0";

		name[1] += way;
		h->way = way;
		h->ended = &ended;
		h->running = &running;
		h->region = fixture_region(test, unit, name, 2 * G);
		h->open = fixture_open(test, h->region, RW);
		h->next = fixture_open(test, h->region, RW);
		if (way != KILL_READER)
			CHECK(!npmu_role_claim(h->open->entry, true, &epoch), "claim");
		CHECK(npmu_gate_enter(way == KILL_READER ? &h->open->entry->read :
				      &h->open->entry->write), "enter");
	}
	for (way = 0; way < NR_WAYS; way++) {
		atomic_inc(&running);
		if (IS_ERR(kthread_run(hold, &held[way], "npmu-held-%d", way)))
			atomic_dec(&running);
	}
	if (!atomic_dec_and_test(&running))
		wait_for_completion(&ended);

	for (way = 0; way < NR_WAYS; way++) {
		struct held *h = &held[way];
		bool was_held = check_held(test, h, way_text[way]);
		int ret;

		npmu_gate_leave(way == KILL_READER ? &h->open->entry->read :
				&h->open->entry->write);
		if (!was_held)
			continue;
		if (way == RESIGN)
			ret = npmu_role_claim(h->open->entry, true, &epoch);
		else if (way == DEATH)
			ret = npmu_role_claim(h->next->entry, true, &epoch);
		else
			ret = operate(h);
		CHECK(!ret, "%s, once it was left: %d", way_text[way], ret);
		CHECK(atomic_read(&h->open->zaps) >= 1 && !h->region->nr_fencing,
		      "%s: not taken away", way_text[way]);
	}
}

static struct kunit_case fence_cases[] = {
	KUNIT_CASE(fence__nobody_inside_after_the_answer),
	KUNIT_CASE(resign__nobody_writes_after_the_answer),
	KUNIT_CASE(death__nobody_is_inside_after_it),
	KUNIT_CASE(resize__readers_translate_meanwhile),
	KUNIT_CASE_SLOW(fence__somebody_stays_inside),
	{}
};

static struct kunit_suite fence_suite = {
	.name = "npmu_fence",
	.init = fence_test_init,
	.test_cases = fence_cases,
};

kunit_test_suite(fence_suite);
