/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network interface to test: a soft RoCE device on a dummy interface, the module, a
 * listener and principals with keys; and a client of it.
 */
#ifndef NPMU_NIHOST_H
#define NPMU_NIHOST_H

#include <stdatomic.h>

#include <npmu/ni.h>

#include "../../lib/rdma_conn.h"
#include "vmtest.h"

#define NI_ADDRESS	"192.168.99.1"
#define NI_TIMEOUT	30000	/* ms: for a slow host; nothing is timed */

/* Makes the device, loads npmu_rdma, listens. 0 or a negative errno; vm_why(). */
int ni_up(void);
/* Removes the module; the device stays for the next. 0 or -EIO. */
int ni_down(void);

struct npmu_ni *ni_ctl(void);

#define NI_RW	(NPMU_WIRE_READ | NPMU_WIRE_WRITE)

/* What a request returns that the unit answers with an error. */
#define SAYS(status)	(-(int)(NPMU_WIRE_E_##status) - NPMU_RDMA_STATUS)

/* A grant in unit "u". */
int ni_grant(const char *region, const char *principal, uint32_t access, uint64_t offset,
	     uint64_t length);

/* The key of a principal, made of its name; loads it. */
void ni_key(const char *principal, uint8_t key[NPMU_WIRE_KEY_MIN]);
int ni_load_key(const char *principal);

/* From now on clients connect to this host, not to NI_ADDRESS. */
void ni_at(const char *address);

/* A client that has proved who it is. */
int ni_connect(const char *principal, struct rdma_conn **out);

/* Sessions the module has. */
int ni_count_session(void *count, const struct npmu_session_info *info);
unsigned int ni_sessions(void);
/* Waits until all have ended; says so if they do not. */
void ni_settle(void);

/* What a client has open. */
struct ni_open {
	struct rdma_conn *c;
	uint64_t pm_address;
	uint64_t offset;
	uint64_t length;
	uint64_t fence_epoch;
	uint64_t entry;
	uint32_t persist;	/* NPMU_WIRE_PERSIST_* */
	uint32_t nr_keys;
	struct npmu_wire_key keys[NPMU_WIRE_MAX_KEYS];
	void *buf;		/* of @buf_len bytes, registered */
	size_t buf_len;
	struct ibv_mr *mr;
};

/* Connects and opens. 0, or as npmu_rdma_ask(). */
int ni_open(struct ni_open *o, const char *principal, const char *unit, const char *region,
	    uint32_t access);
/* Of these the second step: the connection is there. */
int ni_ask_open(struct ni_open *o, const char *unit, const char *region, uint32_t access);
void ni_close(struct ni_open *o);
int ni_claim(struct ni_open *o);
int ni_takeover(struct ni_open *o, uint64_t expected);

/* Moves bytes between the buffer and the region, by the key that covers them. */
int ni_write(struct ni_open *o, uint64_t offset, size_t at, size_t len);
int ni_read(struct ni_open *o, uint64_t offset, size_t at, size_t len);
/* The same by any address and any key. */
int ni_move(struct ni_open *o, enum ibv_wr_opcode opcode, uint64_t address, uint32_t rkey,
	    size_t at, size_t len);
/*
 * The unit takes no WRITE there. Over iWARP one ends when it is sent: that it was refused is seen
 * by what comes behind it.
 */
bool ni_write_refused(struct ni_open *o, uint64_t address, uint32_t rkey, size_t len);
int ni_commit(struct ni_open *o, uint64_t offset, uint64_t length, uint64_t word_offset,
	      uint64_t word);

/* Bursts of bytes at the beginning of a region, four places for them; all in all so many bytes. */
#define NI_BURST	(256 * KIB)
#define NI_BURSTS	(4 * NI_BURST)

/* A writer that writes bursts as fast as it can; @rounds: so many were begun. */
struct ni_writer {
	struct ni_open o;
	atomic_uint rounds;
};

/* For a thread, of a struct ni_writer that has claimed: until it is refused. */
void *ni_write_on(void *writer);

#endif /* NPMU_NIHOST_H */
