// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes that share the work. Owns them, their lock and the memory they have in
 * common. It must not know what the work is.
 */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"

static struct shared {
	sem_t lock;
	_Atomic unsigned int next;
	_Atomic bool stop;
} *shared;

void *jobs_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		printf("Bail out! out of memory\n");
		exit(1);
	}
	return memory;
}

static void share(void)
{
	if (shared)
		return;
	shared = jobs_memory(sizeof(*shared));
	sem_init(&shared->lock, 1, 1);
}

void jobs_lock(void)
{
	share();
	while (sem_wait(&shared->lock))
		;
}

void jobs_unlock(void)
{
	sem_post(&shared->lock);
}

static void job(unsigned int nr, bool (*work)(unsigned int i), void (*end)(void))
{
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!shared->stop && (i = shared->next++) < nr)
		if (!work(i))
			shared->stop = true;
	end();
}

bool jobs_run(unsigned int jobs, unsigned int nr, bool (*work)(unsigned int i), void (*end)(void))
{
	bool whole = true;
	int status;
	pid_t pid;

	share();
	shared->next = 0;
	/* What is in the buffer now would come from each of them. */
	fflush(stdout);
	while (jobs--) {
		pid = fork();
		if (!pid) {
			job(nr, work, end);
			exit(0);
		}
		whole &= pid > 0;
	}
	while (wait(&status) > 0)
		whole &= !status;
	return whole;
}
