// SPDX-License-Identifier: GPL-2.0-or-later
/* Coroutines and the search over their orders. It must not know what they do. */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "actors.h"

#define STACK	(128 << 10)
#define CHOICES	4096

int actor_now = NOBODY;
void (*actors_leave)(void);

static struct choice {
	uint8_t taken, n;
	int8_t who;		/* of a turn: the actor; of another choice: NOBODY */
} choice[CHOICES];
static unsigned int nr_choices, at, leave_at;

static ucontext_t loop, context[ACTORS];
static char stack[ACTORS][STACK] __attribute__((aligned(64)));
static bool done[ACTORS];
static unsigned int budget;
static void (*run_body)(int actor);

static unsigned int take(unsigned int n)
{
	struct choice *c = &choice[at];

	if (at == CHOICES) {
		printf("Bail out! too many choices\n");
		exit(1);
	}
	if (at == leave_at && actors_leave)
		actors_leave();
	if (at == nr_choices) {
		nr_choices++;
		c->taken = 0;
		c->n = (uint8_t)n;
	}
	at++;
	return c->taken;
}

unsigned int actor_choose(unsigned int n)
{
	unsigned int taken;

	if (actor_now == NOBODY)
		return 0;
	taken = take(n);
	choice[at - 1].who = NOBODY;
	return taken;
}

void actor_yield(void)
{
	if (actor_now != NOBODY)
		swapcontext(&context[actor_now], &loop);
}

static void start(int actor)
{
	run_body(actor);
	done[actor] = true;
	swapcontext(&context[actor], &loop);
}

/* Who may go on: the one that did first. A preemption is an answer but the first. */
static int next_turn(int before)
{
	unsigned int n = 0, i, taken;
	int who[ACTORS];
	bool free_choice = before == NOBODY || done[before];

	if (!free_choice)
		who[n++] = before;
	for (i = 0; i < ACTORS && (free_choice || budget); i++)
		if (!done[i] && (int)i != before)
			who[n++] = (int)i;
	if (!n)
		return NOBODY;
	taken = n > 1 ? take(n) : 0;
	if (n > 1)
		choice[at - 1].who = (int8_t)who[taken];
	if (!free_choice && taken)
		budget--;
	return who[taken];
}

void actors_run(const char *const *script, void (*body)(int actor), unsigned int bound, bool fresh)
{
	volatile int who = NOBODY;
	unsigned int i;

	if (fresh) {
		nr_choices = 0;
		leave_at = 0;
	}
	at = 0;
	budget = bound;
	run_body = body;
	for (i = 0; i < ACTORS; i++) {
		done[i] = !script[i];
		getcontext(&context[i]);
		context[i].uc_stack.ss_sp = stack[i];
		context[i].uc_stack.ss_size = STACK;
		context[i].uc_link = NULL;
		makecontext(&context[i], (void (*)(void))(void *)start, 1, (int)i);
	}
	while ((who = next_turn(who)) != NOBODY) {
		actor_now = who;
		swapcontext(&loop, &context[who]);
		actor_now = NOBODY;
	}
}

bool actors_more(void)
{
	while (nr_choices && choice[nr_choices - 1].taken + 1 >= choice[nr_choices - 1].n)
		nr_choices--;
	if (!nr_choices)
		return false;
	choice[nr_choices - 1].taken++;
	leave_at = nr_choices - 1;
	return true;
}

void actors_tell(void)
{
	unsigned int i;
	int before = NOBODY;

	printf("#   turns:");
	for (i = 0; i < at; i++) {
		if (choice[i].who == NOBODY)
			printf(" late:%u", choice[i].taken);
		else if (choice[i].who != before)
			printf(" %u:%c", i, "WCR"[choice[i].who]);
		if (choice[i].who != NOBODY)
			before = choice[i].who;
	}
	printf("\n");
}
