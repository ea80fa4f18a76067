// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer role: a table of states and operations, with what each answers, who is
 * the writer then, by how much the epoch rose in memory and on the media, and who was
 * told. And contenders for one epoch, of whom one wins.
 */
#include <linux/completion.h>
#include <linux/kthread.h>

#include "fixture.h"

#define SIZE	(4 * MIB)

static struct npmu_unit *unit;
static struct npmu_region *region;
static struct fixture_open *me, *other, *reader;

static int role_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, NULL);
	region = fixture_region(test, unit, "r", 8 * G);
	return 0;
}

/* What a region is in before the operation. */
enum state {
	VACANT,
	MINE,		/* the operation's entry is the writer */
	OTHERS,		/* another entry is */
	FENCED,		/* mine was the writer and was fenced */
	RESIGNED,	/* mine was the writer and resigned */
	HELD_UP,	/* the other one was fenced, but somebody is inside */
	BARRED,		/* an eviction is on its way */
	READ_ONLY,
	UNSOUND,
	NR_STATES
};

static const char * const state_text[] = {
	"vacant", "mine", "others", "fenced", "resigned", "held up", "barred", "read-only",
	"unsound",
};

enum op {
	CLAIM,		/* as write(2) and the ioctl */
	CLAIM_NOWAIT,	/* as mmap */
	CLAIM_READER,	/* by an open for reading */
	TAKEOVER,
	TAKEOVER_STALE,
	FENCE,
	FENCE_ANY,
	FENCE_STALE,
	RESIGN,
	KICK,
	DEATH,
	NR_OPS
};

static const char * const op_text[] = {
	"claim", "claim, no waiting", "claim for reading", "takeover", "takeover, stale epoch",
	"fence", "fence of any", "fence, stale epoch", "resign", "kick", "death",
};

/* The writer after: N: nobody, M: mine, O: the other one; by how much the epoch rose. */
enum writer { N, M, O };

struct outcome {
	int ret;
	enum writer writer;
	u32 rose;
	const char *events;
};

static const struct outcome table[NR_STATES][NR_OPS] = {
	[VACANT] = {
		[CLAIM] = { 0, M, 1, "claimed" },
		[CLAIM_NOWAIT] = { 0, M, 1, "claimed" },
		[CLAIM_READER] = { -EBADF, N, 0, "" },
		[TAKEOVER] = { 0, M, 1, "replaced" },
		[TAKEOVER_STALE] = { -ESTALE, N, 0, "" },
		[FENCE] = { 0, N, 1, "fenced" },
		[FENCE_ANY] = { 0, N, 1, "fenced" },
		[FENCE_STALE] = { -ESTALE, N, 0, "" },
		[RESIGN] = { -EPERM, N, 0, "" },
		[KICK] = { -EPERM, N, 0, "" },
		[DEATH] = { 0, N, 0, "" },
	},
	[MINE] = {
		[CLAIM] = { 0, M, 0, "" },
		[CLAIM_NOWAIT] = { 0, M, 0, "" },
		[CLAIM_READER] = { -EBADF, M, 0, "" },
		[TAKEOVER] = { 0, M, 1, "replaced" },
		[TAKEOVER_STALE] = { -ESTALE, M, 0, "" },
		[FENCE] = { 0, N, 1, "fenced" },
		[FENCE_ANY] = { 0, N, 1, "fenced" },
		[FENCE_STALE] = { -ESTALE, M, 0, "" },
		[RESIGN] = { 0, N, 0, "resigned" },
		[KICK] = { 0, M, 0, "" },
		[DEATH] = { 0, N, 0, "dead" },
	},
	[OTHERS] = {
		[CLAIM] = { -EBUSY, O, 0, "" },
		[CLAIM_NOWAIT] = { -EBUSY, O, 0, "" },
		[CLAIM_READER] = { -EBADF, O, 0, "" },
		[TAKEOVER] = { 0, M, 1, "fenced,replaced" },
		[TAKEOVER_STALE] = { -ESTALE, O, 0, "" },
		[FENCE] = { 0, N, 1, "fenced" },
		[FENCE_ANY] = { 0, N, 1, "fenced" },
		[FENCE_STALE] = { -ESTALE, O, 0, "" },
		[RESIGN] = { -EPERM, O, 0, "" },
		[KICK] = { -EPERM, O, 0, "" },
		[DEATH] = { 0, O, 0, "" },
	},
	[FENCED] = {
		[CLAIM] = { -ESTALE, N, 0, "" },
		[CLAIM_NOWAIT] = { -ESTALE, N, 0, "" },
		[CLAIM_READER] = { -EBADF, N, 0, "" },
		[TAKEOVER] = { -ESTALE, N, 0, "" },
		[TAKEOVER_STALE] = { -ESTALE, N, 0, "" },
		[FENCE] = { 0, N, 1, "fenced" },
		[FENCE_ANY] = { 0, N, 1, "fenced" },
		[FENCE_STALE] = { -ESTALE, N, 0, "" },
		[RESIGN] = { -ESTALE, N, 0, "" },
		[KICK] = { -ESTALE, N, 0, "" },
		[DEATH] = { 0, N, 0, "" },
	},
	[RESIGNED] = {
		[CLAIM] = { 0, M, 1, "claimed" },
		[CLAIM_NOWAIT] = { 0, M, 1, "claimed" },
		[CLAIM_READER] = { -EBADF, N, 0, "" },
		[TAKEOVER] = { 0, M, 1, "replaced" },
		[TAKEOVER_STALE] = { -ESTALE, N, 0, "" },
		[FENCE] = { 0, N, 1, "fenced" },
		[FENCE_ANY] = { 0, N, 1, "fenced" },
		[FENCE_STALE] = { -ESTALE, N, 0, "" },
		[RESIGN] = { -EPERM, N, 0, "" },
		[KICK] = { -EPERM, N, 0, "" },
		[DEATH] = { 0, N, 0, "" },
	},
	/* The others wait their bound: fence_test.c. */
	[HELD_UP] = {
		[CLAIM_NOWAIT] = { -EBUSY, N, 0, "" },
		[CLAIM_READER] = { -EBADF, N, 0, "" },
		[TAKEOVER_STALE] = { -ESTALE, N, 0, "" },
		[FENCE_STALE] = { -ESTALE, N, 0, "" },
		[RESIGN] = { -EPERM, N, 0, "" },
		[KICK] = { -EPERM, N, 0, "" },
	},
	[BARRED] = {
		[CLAIM] = { -EBUSY, N, 0, "" },
		[CLAIM_NOWAIT] = { -EBUSY, N, 0, "" },
		[CLAIM_READER] = { -EBADF, N, 0, "" },
		[RESIGN] = { -EPERM, N, 0, "" },
		[KICK] = { -EPERM, N, 0, "" },
		[DEATH] = { 0, N, 0, "" },
	},
	[READ_ONLY] = {
		[CLAIM] = { -EROFS, N, 0, "" },
		[CLAIM_NOWAIT] = { -EROFS, N, 0, "" },
		[CLAIM_READER] = { -EBADF, N, 0, "" },
		[TAKEOVER] = { -EROFS, N, 0, "" },
		[TAKEOVER_STALE] = { -EROFS, N, 0, "" },
		[FENCE] = { 0, N, 1, "fenced" },
		[FENCE_ANY] = { 0, N, 1, "fenced" },
		[FENCE_STALE] = { -ESTALE, N, 0, "" },
		[RESIGN] = { -EPERM, N, 0, "" },
		[KICK] = { -EPERM, N, 0, "" },
		[DEATH] = { 0, N, 0, "" },
	},
	[UNSOUND] = {
		[CLAIM] = { -EROFS, N, 0, "" },
		[CLAIM_NOWAIT] = { -EROFS, N, 0, "" },
		[CLAIM_READER] = { -EBADF, N, 0, "" },
		[TAKEOVER] = { -EROFS, N, 0, "" },
		[TAKEOVER_STALE] = { -EROFS, N, 0, "" },
		[FENCE] = { -EUCLEAN, N, 0, "" },
		[FENCE_ANY] = { -EUCLEAN, N, 0, "" },
		[FENCE_STALE] = { -ESTALE, N, 0, "" },
		[RESIGN] = { -EPERM, N, 0, "" },
		[KICK] = { -EPERM, N, 0, "" },
		[DEATH] = { 0, N, 0, "" },
	},
};

static void enter_state(struct kunit *test, enum state state)
{
	u64 epoch;
	int ret = 0;

	me = fixture_open(test, region, RW);
	other = fixture_open(test, region, RW);
	reader = fixture_open(test, region, NPMU_ACCESS_READ);
	if (state == MINE || state == FENCED || state == RESIGNED)
		ret = npmu_role_claim(me->entry, true, &epoch);
	if (state == OTHERS || state == HELD_UP)
		ret = npmu_role_claim(other->entry, true, &epoch);
	CHECK(!ret, "%s: claim %d", state_text[state], ret);
	switch (state) {
	case FENCED:
		ret = npmu_evict_fence(region, NULL, &fixture_ack);
		break;
	case RESIGNED:
		ret = npmu_role_resign(me->entry);
		break;
	case HELD_UP:
		/* As a fence leaves it when its bound has passed. */
		CHECK(npmu_gate_enter(&other->entry->write), "enter");
		mutex_lock(&region->lock);
		npmu_role_lose(region);
		mutex_unlock(&region->lock);
		CHECK(region->nr_fencing == 1, "nobody is being fenced");
		break;
	case BARRED:
		region->taking = true;
		break;
	case READ_ONLY:
		region->flags = NPMU_REGION_F_READ_ONLY;
		break;
	case UNSOUND:
		region->health = NPMU_HEALTH_QUARANTINED;
		break;
	default:
		break;
	}
	CHECK(!ret, "%s: %d", state_text[state], ret);
}

static void leave_state(struct kunit *test, enum state state)
{
	if (state == HELD_UP)
		npmu_gate_leave(&other->entry->write);
	region->taking = false;
	region->flags = 0;
	region->health = NPMU_HEALTH_GOOD;
	fixture_close(test, reader);
	fixture_close(test, other);
	fixture_close(test, me);
}

static int operate(enum op op)
{
	u64 epoch = region->fence_epoch;
	u64 stale = epoch + 1;
	u64 now;

	switch (op) {
	case CLAIM:
		return npmu_role_claim(me->entry, true, &now);
	case CLAIM_NOWAIT:
		return npmu_role_claim(me->entry, false, &now);
	case CLAIM_READER:
		return npmu_role_claim(reader->entry, true, &now);
	case TAKEOVER:
		return npmu_role_takeover(me->entry, epoch, &now);
	case TAKEOVER_STALE:
		return npmu_role_takeover(me->entry, stale, &now);
	case FENCE:
		return npmu_evict_fence(region, &epoch, &fixture_ack);
	case FENCE_ANY:
		return npmu_evict_fence(region, NULL, &fixture_ack);
	case FENCE_STALE:
		return npmu_evict_fence(region, &stale, &fixture_ack);
	case RESIGN:
		return npmu_role_resign(me->entry);
	case KICK:
		return npmu_role_kick(me->entry);
	default:
		npmu_role_death(me->entry);
		return 0;
	}
}

static void check_outcome(struct kunit *test, enum state state, enum op op,
			  const struct outcome *want, u64 before, u64 media_before)
{
	struct npmu_tpt_entry *writer = want->writer == M ? me->entry :
					want->writer == O ? other->entry : NULL;
	const char *events = fixture_events();

	CHECK(region->writer == writer, "%s, %s: another writer", state_text[state], op_text[op]);
	CHECK(region->status->writer == (writer ? writer->id : 0), "%s, %s: status page",
	      state_text[state], op_text[op]);
	CHECK(region->fence_epoch == before + want->rose, "%s, %s: the epoch rose by %llu",
	      state_text[state], op_text[op], region->fence_epoch - before);
	CHECK(fixture_media_epoch(region) == media_before + want->rose,
	      "%s, %s: another epoch on the media", state_text[state], op_text[op]);
	CHECK(!strcmp(events, want->events), "%s, %s: told %s", state_text[state], op_text[op],
	      events);
	if (writer)
		CHECK(npmu_gate_is_open(&writer->write) && !writer->dead &&
		      writer->fence_epoch == region->fence_epoch &&
		      region->status->fence_epoch == region->fence_epoch,
		      "%s, %s: the writer cannot write", state_text[state], op_text[op]);
	if (me->entry != writer)
		CHECK(!npmu_gate_is_open(&me->entry->write), "%s, %s: I may write",
		      state_text[state], op_text[op]);
	if (other->entry != writer)
		CHECK(!npmu_gate_is_open(&other->entry->write), "%s, %s: the other may write",
		      state_text[state], op_text[op]);
}

static void role__table_of_states_and_operations(struct kunit *test)
{
	enum state state;
	enum op op;

	fixture_record_events(test);
	for (state = 0; state < NR_STATES; state++) {
		for (op = 0; op < NR_OPS; op++) {
			const struct outcome *want = &table[state][op];
			u64 before, media_before;
			int ret;

			if (!want->events)
				continue;
			enter_state(test, state);
			fixture_events();
			before = region->fence_epoch;
			media_before = fixture_media_epoch(region);
			ret = operate(op);
			CHECK(ret == want->ret, "%s, %s: %d", state_text[state], op_text[op], ret);
			check_outcome(test, state, op, want, before, media_before);
			leave_state(test, state);
		}
	}
}

static void kick__wakes_and_counts(struct kunit *test)
{
	u64 epoch;

	enter_state(test, VACANT);
	CHECK(!npmu_role_claim(me->entry, true, &epoch), "claim");
	npmu_role_want_kick(region);
	CHECK(region->status->kick_wanted == 1, "a kick is not wanted");
	CHECK(!npmu_role_kick(me->entry) && !npmu_role_kick(me->entry), "kick");
	CHECK(region->status->kicks == 2 && !region->status->kick_wanted, "%llu kicks",
	      region->status->kicks);
	npmu_role_want_kick(region);
	npmu_role_stir(region);
	CHECK(region->status->kicks == 3 && region->status->kick_wanted, "%llu kicks",
	      region->status->kicks);
	leave_state(test, VACANT);
}

/* Its end, which may take a while, is nothing that its successor has to wait for. */
static void end__of_who_resigned_holds_nobody_up(struct kunit *test)
{
	u64 epoch;

	enter_state(test, RESIGNED);
	CHECK(npmu_gate_enter(&me->entry->read), "enter");
	mutex_lock(&region->unit->lock);
	npmu_tpt_kill(me->entry);
	mutex_unlock(&region->unit->lock);
	CHECK(!npmu_role_claim(other->entry, false, &epoch), "a claim has to wait");
	npmu_gate_leave(&me->entry->read);
	leave_state(test, RESIGNED);
}

static void stat__tells_the_role(struct kunit *test)
{
	struct npmu_region_stat stat;
	u64 epoch;

	enter_state(test, OTHERS);
	npmu_region_stat(region, &stat);
	CHECK(stat.role == NPMU_ROLE_HELD && stat.writer_id == other->entry->id &&
	      stat.writer.pid == task_tgid(current) && !stat.last_writer.pid &&
	      stat.nr_live == 3, "held");
	npmu_region_stat_put(&stat);
	CHECK(!npmu_role_takeover(me->entry, region->fence_epoch, &epoch), "takeover");
	CHECK(epoch == region->fence_epoch, "answered another epoch");
	npmu_region_stat(region, &stat);
	CHECK(stat.writer_id == me->entry->id && stat.last_writer.pid == task_tgid(current) &&
	      stat.last_writer_epoch == epoch - 1 && stat.nr_live == 2, "taken over");
	npmu_region_stat_put(&stat);
	leave_state(test, OTHERS);
	enter_state(test, HELD_UP);
	npmu_region_stat(region, &stat);
	CHECK(stat.role == NPMU_ROLE_FENCING && !stat.writer.pid, "held up");
	npmu_region_stat_put(&stat);
	leave_state(test, HELD_UP);
}

/* --- contenders --- */

#define CONTENDERS	4

static struct {
	struct fixture_open *open[CONTENDERS];
	struct completion go, ended;
	atomic_t running, won, refused, odd;
	u64 expected;
} race;

static int contend(void *arg)
{
	struct fixture_open *open = race.open[(long)arg];
	u64 now;
	int ret;

	wait_for_completion(&race.go);
	ret = npmu_role_takeover(open->entry, race.expected, &now);
	if (!ret && now == race.expected + 1)
		atomic_inc(&race.won);
	else if (ret == -ESTALE)
		atomic_inc(&race.refused);
	else
		atomic_inc(&race.odd);
	if (atomic_dec_and_test(&race.running))
		complete(&race.ended);
	return 0;
}

static void takeover__one_of_many_wins(struct kunit *test)
{
	int round, started;
	long i;

	for (round = 0; round < 30; round++) {
		memset(&race, 0, sizeof(race));
		init_completion(&race.go);
		init_completion(&race.ended);
		race.expected = region->fence_epoch;
		for (i = 0; i < CONTENDERS; i++)
			race.open[i] = fixture_open(test, region, RW);
		atomic_set(&race.running, 1);
		for (i = 0, started = 0; i < CONTENDERS; i++) {
			atomic_inc(&race.running);
			if (IS_ERR(kthread_run(contend, (void *)i, "npmu-contend-%ld", i)))
				atomic_dec(&race.running);
			else
				started++;
		}
		complete_all(&race.go);
		if (!atomic_dec_and_test(&race.running))
			wait_for_completion(&race.ended);
		CHECK(atomic_read(&race.won) == 1 && !atomic_read(&race.odd) &&
		      atomic_read(&race.refused) == started - 1, "round %d: %d won, %d refused",
		      round, atomic_read(&race.won), atomic_read(&race.refused));
		CHECK(region->fence_epoch == race.expected + 1, "the epoch rose more than once");
		CHECK(fixture_media_epoch(region) == race.expected + 1, "not on the media");
		for (i = 0; i < CONTENDERS; i++) {
			if (region->writer == race.open[i]->entry)
				CHECK(!npmu_role_resign(race.open[i]->entry), "resign");
			fixture_close(test, race.open[i]);
		}
	}
}

static struct kunit_case role_cases[] = {
	KUNIT_CASE(role__table_of_states_and_operations),
	KUNIT_CASE(kick__wakes_and_counts),
	KUNIT_CASE(end__of_who_resigned_holds_nobody_up),
	KUNIT_CASE(stat__tells_the_role),
	KUNIT_CASE(takeover__one_of_many_wins),
	{}
};

static struct kunit_suite role_suite = {
	.name = "npmu_role",
	.init = role_test_init,
	.test_cases = role_cases,
};

kunit_test_suite(role_suite);
