/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests and answers of a family as tables: which attribute goes into
 * which member of which plain structure. Behind it is libnl, which only nl.c
 * knows.
 */
#ifndef NPMU_LIB_NL_H
#define NPMU_LIB_NL_H

#include <stddef.h>
#include <stdint.h>

#include <npmu/npmu.h>

enum nl_type { NL_U16, NL_U32, NL_U64, NL_STRING, NL_BYTES, NL_UUID, NL_FLAG };

/* An attribute of an answer. */
struct nl_field {
	uint16_t attr;
	uint16_t offset;	/* of the member */
	uint16_t size;		/* of the member */
	uint8_t type;		/* enum nl_type; a flag is a uint32_t, 0 or 1 */
	uint8_t has;		/* 1 + bit of the member at has_offset, or 0 */
};

/* A structure that an answer becomes. */
struct nl_struct {
	size_t size;
	const struct nl_field *fields;
	size_t nr_fields;
	size_t has_offset;	/* a uint32_t of bits, where a field has one */
};

/* An attribute of a request. */
struct nl_arg {
	uint16_t attr;
	uint8_t type;
	uint64_t number;	/* of NL_BYTES: how many */
	const char *string;
};

struct nl;

/* Return: 0 or a negative errno, -ENOENT: no @family: no @module. */
int npmu_nl_open(struct nl **out, const char *family, const char *module,
		 struct npmu_error *err);
void npmu_nl_close(struct nl *nl);

/*
 * Ask, and take the one answer into @out, which @desc describes; NULL: an
 * acknowledgment will do. Takes the lock of @nl. Return: 0 or a negative errno.
 */
int npmu_nl_do(struct nl *nl, uint8_t cmd, const struct nl_arg *args, size_t n,
	       const struct nl_struct *desc, void *out);

/*
 * Ask for a list: *items is an array of *count structures, to be freed by the
 * caller. It is asked again while it changes, a bounded number of times.
 */
int npmu_nl_dump(struct nl *nl, uint8_t cmd, const struct nl_arg *args, size_t n,
		 const struct nl_struct *desc, void **items, size_t *count);

/* Note that a request was refused before it was sent. Return: @code. */
int npmu_nl_refuse(struct nl *nl, int code, const char *why);

/* Why the last call failed; empty when it did not. */
const char *npmu_nl_error(const struct nl *nl);

/* A subscription is a handle of its own; only these three may be used on it. */
int npmu_nl_subscribe(struct nl **out, const char *family, const char *module,
		      const char *group, struct npmu_error *err);
int npmu_nl_fd(const struct nl *nl);

/*
 * Take a message into @out, as @desc_of says for its command; messages for which
 * it says NULL are passed over. Return: 0; -EAGAIN: none; -ENOBUFS: some were lost.
 */
int npmu_nl_next(struct nl *nl, const struct nl_struct *(*desc_of)(uint8_t cmd),
		 void *out);

#endif /* NPMU_LIB_NL_H */
