/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in the region u/r of the tests with several hosts: at its start the number of
 * the last record that is committed, then records, each in its slot.
 */
#ifndef NPMU_HOSTS_H
#define NPMU_HOSTS_H

#include <endian.h>

#include "nihost.h"

#define HOSTS_SLOTS	16
#define HOSTS_RECORD	4096ULL
#define HOSTS_SIZE	(2 * MIB)

static inline uint64_t hosts_slot(uint64_t i)
{
	return (1 + i % HOSTS_SLOTS) * HOSTS_RECORD;
}

/* 0, or as ni_commit(). */
static inline int hosts_commit(struct ni_open *o, uint64_t i)
{
	int code;

	vm_fill(o->buf, HOSTS_RECORD, 0, i);
	code = ni_write(o, hosts_slot(i), 0, HOSTS_RECORD);
	return code ?: ni_commit(o, hosts_slot(i), HOSTS_RECORD, 0, i);
}

static inline int hosts_last(struct ni_open *o, uint64_t *i)
{
	int code = ni_read(o, 0, 0, 8);

	*i = *(uint64_t *)o->buf;
	return code;
}

/* Reads record @i; the offset of its first wrong byte, or -1. */
static inline ssize_t hosts_wrong(struct ni_open *o, uint64_t i)
{
	if (ni_read(o, hosts_slot(i), 0, HOSTS_RECORD))
		return 0;
	return vm_compare(o->buf, HOSTS_RECORD, 0, i);
}

#endif /* NPMU_HOSTS_H */
