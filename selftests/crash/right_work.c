// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rights of principals: grants of regions and the right to create them, given and taken
 * with a writer under them and without. Owns the operations on rights and their
 * sequences.
 */
#include "evict.h"
#include "rights.h"
#include "unit_ops.h"
#include "workload.h"

uint32_t rights(struct explore *x, struct explore_stat *stat);
uint32_t random_rights(struct explore *x, struct explore_stat *stat);

#define UNIT_SIZE	(4ULL << 20)
#define PAGE		NPMU_GRANULE_SIZE

static struct npmu_grant grant_of(const char *principal, u64 offset, u64 len, u32 access)
{
	struct npmu_grant grant = { .offset = offset, .len = len, .access = access };

	strcpy(grant.principal, principal);
	return grant;
}

static struct npmu_creator creator_of(const char *principal, u64 quota, u32 max_regions)
{
	struct npmu_creator creator = { .quota = quota, .max_regions = max_regions };

	strcpy(creator.principal, principal);
	return creator;
}

/* --- operations --- */

int run_grant(struct unit_run *run, const char *name, const struct npmu_grant *grant)
{
	struct run_op *op = run_op_begin(run, "grant %s to %s", name, grant->principal);
	struct netlink_ext_ack ack;
	struct npmu_region *region;
	struct snap_region *r;
	struct snap want;
	int ret;

	region = run_subject(run, op, name, &want, &r);
	SHIM_ASSERT(region);
	ret = npmu_evict_grant(region, grant, &ack);
	if (!ret)
		r->grants[r->nr_grants++] = *grant;
	run_op_end(run, ret, &want);
	npmu_region_put(region);
	return ret;
}

int run_revoke(struct unit_run *run, const char *name, const char *principal)
{
	struct run_op *op = run_op_begin(run, "revoke %s from %s", name, principal);
	struct netlink_ext_ack ack;
	struct npmu_region *region;
	struct snap_region *r;
	struct snap want;
	u32 i;
	int ret;

	region = run_subject(run, op, name, &want, &r);
	SHIM_ASSERT(region);
	for (i = 0; i < r->nr_grants && strcmp(r->grants[i].principal, principal); i++)
		;
	if (i < r->nr_grants) {
		memmove(&r->grants[i], &r->grants[i + 1],
			(r->nr_grants - i - 1) * sizeof(r->grants[0]));
		memset(&r->grants[--r->nr_grants], 0, sizeof(r->grants[0]));
	}
	/* Its writer is fenced by the very same commit. */
	if (region->writer && !strcmp(region->writer->principal, principal))
		r->fence_epoch++;
	ret = npmu_evict_revoke(region, principal, &ack);
	run_op_end(run, ret, &want);
	for (i = 0; i < RUN_OPENS && !ret; i++)
		if (run->open[i].entry && run->open[i].entry->region == region &&
		    run->open[i].entry->dead != !strcmp(run->open[i].entry->principal, principal) &&
		    !run->was_dead[i])
			run_wrong(run, "an open lives on, or another's died");
	for (i = 0; i < RUN_OPENS; i++)
		run->was_dead[i] = run->open[i].entry && run->open[i].entry->dead;
	npmu_region_put(region);
	return ret;
}

int run_allow(struct unit_run *run, const struct npmu_creator *creator)
{
	struct netlink_ext_ack ack;
	struct snap want;
	int ret;

	run_op_begin(run, "allow %s to create", creator->principal);
	snap_copy(&want, run_snap(run));
	ret = npmu_creator_add(run->unit, creator, &ack);
	if (!ret)
		want.creators.of[want.creators.nr++] = *creator;
	run_op_end(run, ret, &want);
	return ret;
}

int run_disallow(struct unit_run *run, const char *principal)
{
	struct netlink_ext_ack ack;
	struct npmu_creators *c;
	struct snap want;
	int ret;
	u32 i;

	run_op_begin(run, "disallow %s to create", principal);
	snap_copy(&want, run_snap(run));
	c = &want.creators;
	i = npmu_creators_find(c, principal);
	if (i < c->nr) {
		memmove(&c->of[i], &c->of[i + 1], (c->nr - i - 1) * sizeof(c->of[0]));
		memset(&c->of[--c->nr], 0, sizeof(c->of[0]));
	}
	ret = npmu_creator_remove(run->unit, principal, &ack);
	run_op_end(run, ret, &want);
	return ret;
}

int run_open_as(struct unit_run *run, u32 i, const char *name, const char *principal,
		bool write)
{
	struct npmu_region *region = npmu_region_find(run->unit, name);
	struct npmu_tpt_entry *entry;

	SHIM_ASSERT(region && !run->open[i].entry);
	mutex_lock(&region->lock);
	entry = npmu_tpt_open_principal(region, principal,
					NPMU_ACCESS_READ | (write ? NPMU_ACCESS_WRITE : 0),
					&run_revoke_ops, run);
	mutex_unlock(&region->lock);
	npmu_region_put(region);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	run->open[i].entry = entry;
	run->was_dead[i] = false;
	return 0;
}

/* --- sequences --- */

static uint32_t explore(struct unit_run *run, struct explore *x, struct explore_stat *stat)
{
	u32 wrong, i;

	run_end(run);
	wrong = run->wrong;
	x->log = &run->log;
	x->ops = &unit_explore_ops;
	x->first = run->first;
	explore_run(x, stat);
	if (stat->failed || wrong)
		for (i = run->first; i < run->nr; i++)
			printf("#   operation %u: %s\n", i, run->op[i].text);
	run_free(run);
	return wrong;
}

static struct unit_run *begin(struct explore *x)
{
	struct unit_run *run = run_begin(UNIT_SIZE, 0, x->seed, true);

	run_format(run, 8, true);
	run_attach(run);
	run->first = run->nr;
	return run;
}

/* What must be refused, and is compared with what there was before. */
static void demand(struct unit_run *run, int ret, int want)
{
	if (ret != want)
		run_wrong(run, "another answer than it must be");
}

uint32_t rights(struct explore *x, struct explore_stat *stat)
{
	struct npmu_grant all = grant_of("host1", 0, 0, NPMU_GRANT_ALL);
	struct npmu_grant some = grant_of("host2", PAGE, PAGE, NPMU_GRANT_READ);
	struct npmu_grant beyond = grant_of("host3", PAGE, 4 * PAGE, NPMU_GRANT_READ);
	struct npmu_creator maker = creator_of("maker", 4 * PAGE, 2);
	struct npmu_creator other = creator_of("other@site", UNIT_SIZE, 10000);
	struct unit_run *run = begin(x);

	run_create(run, "a", 3 * PAGE, 0600);
	run->first = run->nr;
	demand(run, run_grant(run, "a", &all), 0);
	demand(run, run_grant(run, "a", &some), 0);
	demand(run, run_grant(run, "a", &all), -EEXIST);
	demand(run, run_grant(run, "a", &beyond), -EINVAL);
	demand(run, run_open_as(run, 0, "a", "host1", true), 0);
	demand(run, run_open_as(run, 1, "a", "host2", false), 0);
	demand(run, run_open_as(run, 2, "a", "host2", true), -EACCES);
	demand(run, run_open_as(run, 2, "a", "host3", false), -EACCES);
	run_open(run, 2, "a", true);
	run_claim(run, 0);
	demand(run, run_resize(run, "a", PAGE, true), -EBUSY);
	run_takeover(run, 2, 0);
	run_takeover(run, 0, 0);
	demand(run, run_revoke(run, "a", "host1"), 0);
	demand(run, run_revoke(run, "a", "host1"), -ENOENT);
	demand(run, run_revoke(run, "a", "host2"), 0);
	run_close(run, 0);
	run_close(run, 1);
	run_close(run, 2);
	demand(run, run_allow(run, &maker), 0);
	demand(run, run_allow(run, &other), 0);
	demand(run, run_allow(run, &maker), -EEXIST);
	demand(run, run_create_as(run, "nobody", "x", PAGE, 0600), -EACCES);
	demand(run, run_create_as(run, "maker", "b", 2 * PAGE, 0600), 0);
	demand(run, run_create_as(run, "maker", "c", 3 * PAGE, 0600), -EDQUOT);
	demand(run, run_create_as(run, "maker", "c", 2 * PAGE, 0600), 0);
	demand(run, run_create_as(run, "maker", "d", PAGE, 0600), -EDQUOT);
	run_detach(run);
	run_attach(run);
	demand(run, run_create_as(run, "maker", "d", PAGE, 0600), -EDQUOT);
	run_delete(run, "b", false);
	demand(run, run_disallow(run, "maker"), 0);
	demand(run, run_disallow(run, "maker"), -ENOENT);
	demand(run, run_create_as(run, "maker", "d", PAGE, 0600), -EACCES);
	demand(run, run_open_as(run, 0, "c", "maker", true), 0);
	run_claim(run, 0);
	demand(run, run_revoke(run, "c", "maker"), 0);
	run_fail(run, NPMU_CREATORS_COPY0);
	run_fail(run, NPMU_CREATORS_COPY1);
	demand(run, run_disallow(run, "other@site"), 0);
	run_delete(run, "c", true);
	return explore(run, x, stat);
}

static const char *const names[] = { "r0", "r1", "r2" };
static const char *const principals[] = { "p0", "p1", "p2@site", "p3" };

static void random_grant(struct unit_run *run, const char *name, uint64_t random)
{
	const struct snap_region *r = snap_find(run_snap(run), name);
	u64 pages = r->size / PAGE, from = random % pages;
	struct npmu_grant grant;

	grant = grant_of(principals[(random >> 8) % 4], from * PAGE,
			 (1 + (random >> 16) % (pages - from)) * PAGE,
			 random >> 24 & 1 ? NPMU_GRANT_READ : NPMU_GRANT_ALL);
	if (random >> 25 & 1) {
		grant.offset = 0;
		grant.len = 0;
	}
	run_grant(run, name, &grant);
}

static void random_open(struct unit_run *run, const char *name, uint64_t random)
{
	u32 i = random % RUN_OPENS;

	if (run->open[i].entry)
		run_close(run, i);
	else if (random >> 8 & 3)
		run_open_as(run, i, name, principals[(random >> 10) % 4], random >> 12 & 1);
	else
		run_open(run, i, name, true);
	run->was_dead[i] = false;
}

static void random_claim(struct unit_run *run, uint64_t random)
{
	u32 i = random % RUN_OPENS;

	if (!run->open[i].entry || run->open[i].entry->region->state != NPMU_REGION_LIVE)
		return;
	if (random >> 8 & 1)
		run_claim(run, i);
	else
		run_takeover(run, i, 0);
	for (i = 0; i < RUN_OPENS; i++)
		run->was_dead[i] = run->open[i].entry && run->open[i].entry->dead;
}

static void random_op(struct unit_run *run, uint64_t random)
{
	struct snap *s = run_snap(run);
	struct npmu_creator creator;
	u64 size = (1 + (random >> 40) % 4) * PAGE;
	const char *who = principals[(random >> 20) % 4];
	char name[NPMU_REGION_NAME_LEN] = "";
	u32 i;

	if (s->nr)
		strcpy(name, s->r[(random >> 32) % s->nr].name);
	if (!*name || random % 16 == 0) {
		run_create_as(run, random >> 8 & 1 ? who : NULL, names[(random >> 12) % 3], size,
			      0600);
		return;
	}
	switch (random % 16) {
	case 1 ... 4:
		random_grant(run, name, random >> 8);
		break;
	case 5 ... 7:
		run_revoke(run, name, who);
		break;
	case 8 ... 10:
		random_open(run, name, random >> 8);
		break;
	case 11 ... 12:
		random_claim(run, random >> 8);
		break;
	case 13:
		creator = creator_of(who, size * 2, 1 + (random >> 44) % 3);
		if (random >> 8 & 1)
			run_allow(run, &creator);
		else
			run_disallow(run, who);
		break;
	case 14:
		if (random >> 8 & 1)
			run_resize(run, name, size, true);
		else
			run_delete(run, name, true);
		break;
	case 15:
		for (i = 0; i < RUN_OPENS; i++)
			run_close(run, i);
		run_detach(run);
		run_attach(run);
		break;
	}
	/* Who was killed by the way is not to be blamed on a revocation. */
	for (i = 0; i < RUN_OPENS; i++)
		run->was_dead[i] = run->open[i].entry && run->open[i].entry->dead;
}

uint32_t random_rights(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x);
	uint64_t random = x->seed;
	u32 i;

	for (i = 0; i < 24; i++)
		random_op(run, model_random(&random));
	return explore(run, x, stat);
}
