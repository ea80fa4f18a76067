/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region over the wire through the public calls of the library: opened by its URL, and a
 * checkpoint in it whose bytes are known. Client and unit are one host; the wire is soft RoCE.
 */
#ifndef NPMU_REMOTEHOST_H
#define NPMU_REMOTEHOST_H

#include <npmu/append.h>

#include "nihost.h"

#define REMOTE_URL	"npmu://alice@" NI_ADDRESS "/u/r"
#define REMOTE_KEY	"/tmp/remote.key"

/* Why the last of these failed. They also say so on stderr. */
extern struct npmu_error remote_err;

/*
 * A listening unit "u" with a region "r" of so many bytes, which alice may write; her key is
 * in NPMU_KEY_FILE. 0 or a negative errno; vm_why().
 */
int remote_up(uint64_t size);
int remote_down(void);

/* The key of @principal, as a file that others may use by @mode. 0 or a negative errno. */
int remote_write_key(const char *path, const char *principal, mode_t mode);

/*
 * For vm_child(): @args, the first of which is ignored, to this program. After a fork alone
 * RDMA cannot be used.
 */
int remote_program(void *args);

/* NULL: see remote_err. With NPMU_OPEN_WRITE in @flags it is mapped for writing. */
struct npmu_region *remote_open(const char *name, unsigned int flags);
struct npmu_region *remote_mapped(const char *name, unsigned int flags);

/* A writer with a ring of 1 MiB. */
struct npmu_append_writer *remote_writer(struct npmu_region *region, unsigned int flags);

/* Update number @n of @len bytes, at most 8192; its tag is its number. */
int remote_update(struct npmu_append_writer *w, uint64_t n, size_t len);
void remote_make_update(char *buf, size_t len, uint64_t n);
int remote_base(struct npmu_append_writer *w, size_t len, uint64_t seed);

/* All updates that are there are number @from and those after it. Return: how many. */
int remote_read_updates(struct npmu_append_reader *r, uint64_t from);
int remote_read_base(struct npmu_append_reader *r, size_t len, uint64_t seed);

#endif /* NPMU_REMOTEHOST_H */
