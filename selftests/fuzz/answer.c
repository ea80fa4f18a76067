// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target over what libnpmu makes of the kernel's answers: lib/nl.c's callbacks,
 * fed with messages as libnl hands them on.
 *
 * Input: which table, which callback, flags (2), then the message behind its header.
 */
#include "../../lib/nl.c"

#include <npmu/control.h>

#include "ctl_tables.h"
#include "fuzz.h"

static const struct nl_struct *const tables[] = {
	&npmu_unit_struct, &npmu_region_struct, &npmu_tpt_struct,
	&npmu_unit_event_struct, &npmu_region_event_struct, &npmu_grant_struct,
};

static const struct nl_struct *table;

static const struct nl_struct *table_of(uint8_t cmd)
{
	return cmd ? table : NULL;
}

/* Text must end within its member. */
static void check_strings(const struct nl_struct *desc, const char *item)
{
	size_t i;

	for (i = 0; i < desc->nr_fields; i++)
		if (desc->fields[i].type == NL_STRING)
			MUST(memchr(item + desc->fields[i].offset, 0, desc->fields[i].size));
}

static void deliver(struct nl *nl, struct nl_msg *msg, unsigned int how)
{
	struct exchange x = { .nl = nl, .desc = table, .list = how & 8 };
	struct nlmsghdr *h = nlmsg_hdr(msg);
	size_t i;

	switch (how & 3) {
	case 0:
		on_valid(msg, &x);
		on_valid(msg, &x);
		MUST(x.list || x.count <= 1);
		for (i = 0; i < x.count; i++)
			check_strings(table, x.items + i * table->size);
		break;
	case 1:
		/* libnl passes on none that is shorter. */
		if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(struct nlmsgerr))
			on_error(NULL, nlmsg_data(h), &x);
		MUST(x.code <= 0);
		break;
	case 2:
		on_finish(msg, &x);
		MUST(x.done && x.code <= 0);
	}
	MUST(memchr(nl->text, 0, sizeof(nl->text)));
	MUST(!x.code || nl->text[0] || (how & 3));
	free(x.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct taking t = { .desc_of = table_of };
	struct nl nl = { .family = 30 };
	struct nl_msg *msg;
	struct nlmsghdr *h;

	if (len < 4 || len > 65000)
		return 0;
	table = tables[data[0] % 5];
	h = calloc(1, NLMSG_HDRLEN + len);
	MUST(h);
	h->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len - 4);
	h->nlmsg_type = 30;
	h->nlmsg_flags = (uint16_t)(data[2] | data[3] << 8);
	memcpy(NLMSG_DATA(h), data + 4, len - 4);
	msg = nlmsg_convert(h);
	free(h);
	MUST(msg);
	if ((data[1] & 3) == 3) {
		t.out = malloc(table->size);
		MUST(t.out);
		on_event(msg, &t);
		if (t.taken)
			check_strings(table, t.out);
		free(t.out);
	} else {
		deliver(&nl, msg, data[1]);
	}
	nlmsg_free(msg);
	return 0;
}
