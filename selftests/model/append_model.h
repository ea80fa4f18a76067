/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the actors of append-model did in a run, and what must hold from then on. */
#ifndef MODEL_APPEND_MODEL_H
#define MODEL_APPEND_MODEL_H

#include <npmu/append.h>

#include "machine.h"

#define MOST		16	/* bases and updates of an actor */
#define APPLIED		32
#define SNAPS		256

/* What an actor wrote: the n-th has tag actor * 100 + n. */
struct written {
	bool base[MOST];
	uint16_t len[MOST];
	int nr;			/* begun */
};

/* What must hold from here on, whatever comes. */
struct snap {
	int committed[ACTORS];
	int begun[ACTORS];
	int accepted;		/* of the first writer, by its successor; or -1 */
	int successor;		/* or NOBODY */
	int seen;		/* tag that a reader has applied and kept, 0: none */
};

/* Tags of what there is, in order. */
struct list {
	uint64_t tag[2 * MOST];
	int nr;
};

extern struct written written[ACTORS];
extern struct snap snaps[SNAPS];
extern unsigned int nr_snaps;
extern struct npmu_append_writer *writer[ACTORS];
extern struct npmu_append_reader *reader[ACTORS];
/* Of the checkpoint. */
extern bool no_crc;
/* Named, and waited for by writers of these options; or NOBODY. */
extern int named;
extern const struct npmu_append_options writer_waits;
/* What went wrong first, or NULL. */
extern const char *failure;

void bad(const char *what, uint64_t tag);
void list_make(struct list *list, int accepted, int successor);
int index_of(const struct list *list, uint64_t tag);
bool tag_is_base(uint64_t tag);
/* Are these the bytes that were written under its tag? */
bool is_whole(const struct npmu_append_item *item);

/* Nothing was done yet. */
void actors_fresh(void);
/* Do what the script says; its letters are in append_model.c. */
void actor_do(int actor, const char *script);
/* What @actor applied, against what there is at the end. */
void judge_applied(int actor, const struct snap *s);

#endif /* MODEL_APPEND_MODEL_H */
