/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one would use instead of npmu.
 */
#ifndef NPMU_BENCH_PEERS_H
#define NPMU_BENCH_PEERS_H

#include <stdint.h>

#include "bench.h"
#include "rounds.h"

#define PEERS_MAX	4

/*
 * @dax_dir, @disk_dir: where files may be made, or NULL: those peers are not measured, and
 * the report says so. Starts the process that is the backup: before threads are. Return: 0 or -1.
 */
int peers_open(struct bench *b, const char *dax_dir, const char *disk_dir);
void peers_close(struct peers *peers);

/*
 * Series of all peers: @len bytes from @data made durable, or taken by the backup.
 * Return: how many were added, or -1.
 */
int peers_series(struct peers *peers, struct series *s, const void *data, uint64_t len);

/* socket.c: the two ends of a TCP connection; a process at the other end of one, which acknowledges. */
int socket_connected(int fds[2]);
struct backup;
struct backup *backup_start(void);
void backup_stop(struct backup *backup);
int backup_send(struct backup *backup, const void *data, uint64_t len);

#endif /* NPMU_BENCH_PEERS_H */
