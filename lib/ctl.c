// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Units, regions and the TPT as the administrator sees them: which command has
 * which attributes. Knows no socket and no message.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include <npmu/checkpoint.h>
#include <npmu/grants.h>

#include "ctl_tables.h"
#include "error.h"

struct npmu_ctl {
	struct nl *nl;
};

/* At least one more than the most that a request has. */
#define MAX_ARGS	8

struct request {
	struct nl_arg args[MAX_ARGS];
	size_t n;
};

static void put_string(struct request *r, uint16_t attr, const char *value)
{
	if (value)
		r->args[r->n++] = (struct nl_arg){ attr, NL_STRING, 0, value };
}

static void put_u32(struct request *r, uint16_t attr, uint32_t value)
{
	r->args[r->n++] = (struct nl_arg){ attr, NL_U32, value, NULL };
}

static void put_u64(struct request *r, uint16_t attr, uint64_t value)
{
	r->args[r->n++] = (struct nl_arg){ attr, NL_U64, value, NULL };
}

static void put_force(struct request *r, uint16_t attr, uint32_t flags)
{
	if (flags & NPMU_CTL_FORCE)
		r->args[r->n++] = (struct nl_arg){ attr, NL_FLAG, 0, NULL };
}

int npmu_ctl_open(struct npmu_ctl **out, struct npmu_error *err)
{
	struct npmu_ctl *ctl;
	int code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the handle");
	*out = NULL;
	ctl = calloc(1, sizeof(*ctl));
	if (!ctl)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	code = npmu_nl_open(&ctl->nl, NPMU_FAMILY_NAME, "npmu", err);
	if (code) {
		free(ctl);
		return code;
	}
	*out = ctl;
	return 0;
}

void npmu_ctl_close(struct npmu_ctl *ctl)
{
	if (!ctl)
		return;
	npmu_nl_close(ctl->nl);
	free(ctl);
}

const char *npmu_ctl_error(const struct npmu_ctl *ctl)
{
	return npmu_nl_error(ctl->nl);
}

static int ask(struct npmu_ctl *ctl, uint8_t cmd, const struct request *r,
	       const struct nl_struct *desc, void *out)
{
	return npmu_nl_do(ctl->nl, cmd, r->args, r->n, desc, out);
}

/* What a list is handed to, item by item: the one that call_*() knows. */
struct each {
	union {
		npmu_unit_fn *unit;
		npmu_region_fn *region;
		npmu_bad_fn *bad;
		npmu_reader_fn *reader;
		npmu_tpt_fn *tpt;
		npmu_grant_fn *grant;
	};
	void *ctx;
};

static int call_unit(const struct each *each, const void *item)
{
	return each->unit(each->ctx, item);
}

static int call_region(const struct each *each, const void *item)
{
	return each->region(each->ctx, item);
}

static int call_bad(const struct each *each, const void *item)
{
	return each->bad(each->ctx, item);
}

static int call_reader(const struct each *each, const void *item)
{
	return each->reader(each->ctx, item);
}

static int call_tpt(const struct each *each, const void *item)
{
	return each->tpt(each->ctx, item);
}

static int call_grant(const struct each *each, const void *item)
{
	return each->grant(each->ctx, item);
}

/* Until one of the callbacks says that it is enough, or the list is through. */
static int list(struct npmu_ctl *ctl, uint8_t cmd, const struct request *r,
		const struct nl_struct *desc,
		int (*call)(const struct each *each, const void *item),
		const struct each *each)
{
	size_t i, count;
	void *items;
	int code;

	code = npmu_nl_dump(ctl->nl, cmd, r->args, r->n, desc, &items, &count);
	if (code)
		return code;
	for (i = 0; i < count && !code; i++)
		code = call(each, (const char *)items + i * desc->size);
	free(items);
	return code;
}

/* Unknown flags and missing names are refused as the kernel would. */
static int bad_request(struct npmu_ctl *ctl, const char *why)
{
	return npmu_nl_refuse(ctl->nl, -EINVAL, why);
}

static int check(struct npmu_ctl *ctl, const char *name, uint32_t flags)
{
	if (!name)
		return bad_request(ctl, "no name");
	if (flags & ~NPMU_CTL_FORCE)
		return bad_request(ctl, "unknown flag");
	return 0;
}

int npmu_ctl_unit_format(struct npmu_ctl *ctl, const char *path,
			 const char *name, uint32_t max_regions, uint32_t flags,
			 struct npmu_unit_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, name, flags))
		return -EINVAL;
	put_string(&r, NPMU_A_UNIT_PATH, path);
	put_string(&r, NPMU_A_UNIT_NAME, name);
	if (max_regions)
		put_u32(&r, NPMU_A_UNIT_MAX_REGIONS, max_regions);
	put_force(&r, NPMU_A_UNIT_FORCE, flags);
	return ask(ctl, NPMU_CMD_UNIT_FORMAT, &r, &npmu_unit_struct, out);
}

int npmu_ctl_unit_attach(struct npmu_ctl *ctl, const char *path,
			 const char *name, struct npmu_unit_info *out)
{
	struct request r = { .n = 0 };

	put_u32(&r, NPMU_A_UNIT_BACKING, NPMU_BACKING_KIND_PMEM);
	put_string(&r, NPMU_A_UNIT_PATH, path);
	put_string(&r, NPMU_A_UNIT_NAME, name);
	return ask(ctl, NPMU_CMD_UNIT_ATTACH, &r, &npmu_unit_struct, out);
}

int npmu_ctl_unit_attach_dram(struct npmu_ctl *ctl, const char *name,
			      uint64_t size, uint32_t max_regions,
			      struct npmu_unit_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, name, 0))
		return -EINVAL;
	put_u32(&r, NPMU_A_UNIT_BACKING, NPMU_BACKING_KIND_DRAM);
	put_string(&r, NPMU_A_UNIT_NAME, name);
	put_u64(&r, NPMU_A_UNIT_SIZE, size);
	if (max_regions)
		put_u32(&r, NPMU_A_UNIT_MAX_REGIONS, max_regions);
	return ask(ctl, NPMU_CMD_UNIT_ATTACH, &r, &npmu_unit_struct, out);
}

int npmu_ctl_unit_detach(struct npmu_ctl *ctl, const char *name)
{
	struct request r = { .n = 0 };

	if (check(ctl, name, 0))
		return -EINVAL;
	put_string(&r, NPMU_A_UNIT_NAME, name);
	return ask(ctl, NPMU_CMD_UNIT_DETACH, &r, NULL, NULL);
}

int npmu_ctl_unit_get(struct npmu_ctl *ctl, const char *name,
		      struct npmu_unit_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, name, 0))
		return -EINVAL;
	put_string(&r, NPMU_A_UNIT_NAME, name);
	return ask(ctl, NPMU_CMD_UNIT_GET, &r, &npmu_unit_struct, out);
}

int npmu_ctl_unit_list(struct npmu_ctl *ctl, npmu_unit_fn *fn, void *ctx)
{
	struct request r = { .n = 0 };
	const struct each each = { .unit = fn, .ctx = ctx };

	if (!fn)
		return bad_request(ctl, "no callback");
	return list(ctl, NPMU_CMD_UNIT_GET, &r, &npmu_unit_struct, call_unit, &each);
}

static void put_region(struct request *r, const char *unit, const char *name)
{
	put_string(r, NPMU_A_REGION_UNIT, unit);
	put_string(r, NPMU_A_REGION_NAME, name);
}

static void put_params(struct request *r, const struct npmu_region_params *p)
{
	if (p->mask & NPMU_PARAM_UID)
		put_u32(r, NPMU_A_REGION_UID, p->uid);
	if (p->mask & NPMU_PARAM_GID)
		put_u32(r, NPMU_A_REGION_GID, p->gid);
	if (p->mask & NPMU_PARAM_MODE)
		put_u32(r, NPMU_A_REGION_MODE, p->mode);
	if (p->mask & NPMU_PARAM_FLAGS)
		put_u32(r, NPMU_A_REGION_FLAGS, p->flags);
}

#define CREATE_PARAMS	(NPMU_PARAM_UID | NPMU_PARAM_GID | NPMU_PARAM_MODE | \
			 NPMU_PARAM_FLAGS)

int npmu_ctl_region_create(struct npmu_ctl *ctl, const char *unit,
			   const char *name, uint64_t size,
			   const struct npmu_region_params *params,
			   struct npmu_region_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? name : NULL, 0))
		return -EINVAL;
	if (params && params->mask & ~CREATE_PARAMS)
		return bad_request(ctl, "a parameter that create does not take");
	put_region(&r, unit, name);
	put_u64(&r, NPMU_A_REGION_SIZE, size);
	if (params)
		put_params(&r, params);
	return ask(ctl, NPMU_CMD_REGION_CREATE, &r, &npmu_region_struct, out);
}

int npmu_ctl_region_set(struct npmu_ctl *ctl, const char *unit,
			const char *name,
			const struct npmu_region_params *params, uint32_t flags,
			struct npmu_region_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? name : NULL, flags))
		return -EINVAL;
	if (!params || !params->mask ||
	    params->mask & ~(CREATE_PARAMS | NPMU_PARAM_NEW_NAME) ||
	    (params->mask & NPMU_PARAM_NEW_NAME && !params->new_name))
		return bad_request(ctl, "nothing to set, or an unknown parameter");
	put_region(&r, unit, name);
	if (params->mask & NPMU_PARAM_NEW_NAME)
		put_string(&r, NPMU_A_REGION_NEW_NAME, params->new_name);
	put_params(&r, params);
	put_force(&r, NPMU_A_REGION_FORCE, flags);
	return ask(ctl, NPMU_CMD_REGION_SET, &r, &npmu_region_struct, out);
}

int npmu_ctl_region_resize(struct npmu_ctl *ctl, const char *unit,
			   const char *name, uint64_t size, uint32_t flags,
			   struct npmu_region_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? name : NULL, flags))
		return -EINVAL;
	put_region(&r, unit, name);
	put_u64(&r, NPMU_A_REGION_SIZE, size);
	put_force(&r, NPMU_A_REGION_FORCE, flags);
	return ask(ctl, NPMU_CMD_REGION_RESIZE, &r, &npmu_region_struct, out);
}

int npmu_ctl_region_delete(struct npmu_ctl *ctl, const char *unit,
			   const char *name, uint32_t flags)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? name : NULL, flags))
		return -EINVAL;
	put_region(&r, unit, name);
	put_force(&r, NPMU_A_REGION_FORCE, flags);
	return ask(ctl, NPMU_CMD_REGION_DELETE, &r, NULL, NULL);
}

int npmu_ctl_region_fence(struct npmu_ctl *ctl, const char *unit,
			  const char *name, const uint64_t *expected_epoch,
			  struct npmu_region_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? name : NULL, 0))
		return -EINVAL;
	put_region(&r, unit, name);
	if (expected_epoch)
		put_u64(&r, NPMU_A_REGION_EXPECTED_EPOCH, *expected_epoch);
	return ask(ctl, NPMU_CMD_REGION_FENCE, &r, &npmu_region_struct, out);
}

int npmu_ctl_region_get(struct npmu_ctl *ctl, const char *unit,
			const char *name, struct npmu_region_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? name : NULL, 0))
		return -EINVAL;
	put_region(&r, unit, name);
	return ask(ctl, NPMU_CMD_REGION_GET, &r, &npmu_region_struct, out);
}

int npmu_ctl_region_list(struct npmu_ctl *ctl, const char *unit,
			 npmu_region_fn *fn, void *ctx)
{
	struct request r = { .n = 0 };
	const struct each each = { .region = fn, .ctx = ctx };

	if (!fn)
		return bad_request(ctl, "no callback");
	put_region(&r, unit, NULL);
	return list(ctl, NPMU_CMD_REGION_GET, &r, &npmu_region_struct, call_region, &each);
}

int npmu_ctl_bad_list(struct npmu_ctl *ctl, const char *unit, npmu_bad_fn *fn, void *ctx)
{
	struct request r = { .n = 0 };
	const struct each each = { .bad = fn, .ctx = ctx };

	if (!fn)
		return bad_request(ctl, "no callback");
	put_string(&r, NPMU_A_BAD_UNIT, unit);
	return list(ctl, NPMU_CMD_BAD_GET, &r, &npmu_bad_struct, call_bad, &each);
}

int npmu_ctl_checkpoint_get(struct npmu_ctl *ctl, const char *unit, const char *region,
			    struct npmu_checkpoint_info *out)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? region : NULL, 0))
		return -EINVAL;
	put_string(&r, NPMU_A_CHECKPOINT_UNIT, unit);
	put_string(&r, NPMU_A_CHECKPOINT_REGION, region);
	return ask(ctl, NPMU_CMD_CHECKPOINT_GET, &r, &npmu_checkpoint_struct, out);
}

int npmu_ctl_reader_list(struct npmu_ctl *ctl, const char *unit, const char *region,
			 npmu_reader_fn *fn, void *ctx)
{
	struct request r = { .n = 0 };
	const struct each each = { .reader = fn, .ctx = ctx };

	if (!fn)
		return bad_request(ctl, "no callback");
	if (check(ctl, unit ? region : NULL, 0))
		return -EINVAL;
	put_string(&r, NPMU_A_READER_UNIT, unit);
	put_string(&r, NPMU_A_READER_REGION, region);
	return list(ctl, NPMU_CMD_READER_GET, &r, &npmu_reader_struct, call_reader, &each);
}

int npmu_ctl_tpt_list(struct npmu_ctl *ctl, const char *unit,
		      const char *region, npmu_tpt_fn *fn, void *ctx)
{
	struct request r = { .n = 0 };
	const struct each each = { .tpt = fn, .ctx = ctx };

	if (!fn || (region && !unit))
		return bad_request(ctl, "no callback, or a region without its unit");
	put_string(&r, NPMU_A_TPT_UNIT, unit);
	put_string(&r, NPMU_A_TPT_REGION, region);
	return list(ctl, NPMU_CMD_TPT_GET, &r, &npmu_tpt_struct, call_tpt, &each);
}

/* @region: NULL for the right to create. */
static void put_grant(struct request *r, const char *unit, const char *region,
		      const char *principal)
{
	put_string(r, NPMU_A_GRANT_UNIT, unit);
	put_string(r, NPMU_A_GRANT_REGION, region);
	put_string(r, NPMU_A_GRANT_PRINCIPAL, principal);
}

int npmu_ctl_grant_add(struct npmu_ctl *ctl, const char *unit, const char *region,
		       const char *principal, uint32_t access, uint64_t offset,
		       uint64_t length)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit && region ? principal : NULL, 0))
		return -EINVAL;
	put_grant(&r, unit, region, principal);
	put_u32(&r, NPMU_A_GRANT_ACCESS, access);
	put_u64(&r, NPMU_A_GRANT_OFFSET, offset);
	put_u64(&r, NPMU_A_GRANT_LENGTH, length);
	return ask(ctl, NPMU_CMD_GRANT_ADD, &r, NULL, NULL);
}

int npmu_ctl_creator_add(struct npmu_ctl *ctl, const char *unit, const char *principal,
			 uint64_t quota, uint32_t max_regions)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? principal : NULL, 0))
		return -EINVAL;
	put_grant(&r, unit, NULL, principal);
	put_u64(&r, NPMU_A_GRANT_QUOTA, quota);
	if (max_regions)
		put_u32(&r, NPMU_A_GRANT_MAX_REGIONS, max_regions);
	return ask(ctl, NPMU_CMD_GRANT_ADD, &r, NULL, NULL);
}

int npmu_ctl_grant_remove(struct npmu_ctl *ctl, const char *unit, const char *region,
			  const char *principal)
{
	struct request r = { .n = 0 };

	if (check(ctl, unit ? principal : NULL, 0))
		return -EINVAL;
	put_grant(&r, unit, region, principal);
	return ask(ctl, NPMU_CMD_GRANT_REMOVE, &r, NULL, NULL);
}

int npmu_ctl_grant_list(struct npmu_ctl *ctl, const char *unit, const char *region,
			npmu_grant_fn *fn, void *ctx)
{
	struct request r = { .n = 0 };
	const struct each each = { .grant = fn, .ctx = ctx };

	if (!fn || (region && !unit))
		return bad_request(ctl, "no callback, or a region without its unit");
	put_grant(&r, unit, region, NULL);
	return list(ctl, NPMU_CMD_GRANT_GET, &r, &npmu_grant_struct, call_grant, &each);
}
