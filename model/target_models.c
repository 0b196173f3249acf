/* SPDX-License-Identifier: MIT */
/*
 * Two targets that are closed together, as those of a set of modules: the
 * first refers to the second, so that one has a reference which does not count
 * against it. Each has a thread that gets, uses and puts it. All are closed or
 * none; what a scan of handles would say is left open, so all that it may say
 * is tried. The closer tries twice.
 */
#include <stddef.h>

#include "models.h"

enum {
	TARGET,           /* of two: the word, as in target.c */
	USED = TARGET + 2 /* likewise: events */
};

enum {
	CLOSING = 0x40,
	LIVE = 0x80
};

/* ghosts */
enum {
	FREED,               /* of two */
	DECIDED = FREED + 2, /* all are dead, so a get may fail */
	USES                 /* of two threads */
};

enum {
	WAS, /* of getters: what was loaded last */
	ROUND,
	NEXT = WAS, /* of the closer: the target that is shut next */
	SHUT,       /* how many before it are CLOSING */
	TRY,
	ERROR /* this attempt comes to nothing */
};

static const char *const locations[] = { "TARGET0", "TARGET1", "USED0",
	"USED1" };
static const char *const threads[] = { "getter 0", "getter 1", "closer" };
static const uint8_t memory[MAX_LOCS] = { LIVE, LIVE + 1 };

/* --- the getters */

static void use(struct run *r, bool begins)
{
	check(r, !r->s->ghost[FREED + r->t], "uses what is freed");
	r->s->ghost[USES + r->t] = begins;
	if (!begins)
		mark(r, USED + r->t);
}

static void get_step(struct run *r)
{
	struct thread_state *t = self(r);
	const unsigned was = t->reg[WAS];

	if ((was & LIVE) != 0) {
		const bool done = swap_if(r, TARGET + r->t, was, was + 1);

		go(r, done ? 2 : 0);
	} else if ((was & CLOSING) != 0) {
		go(r, 0);
	} else {
		check(r, r->s->ghost[DECIDED],
		    "is refused by an attempt that is busy");
		go(r, DONE);
	}
}

static void getter_step(struct run *r)
{
	switch (self(r)->pc) {
	case 0:
		self(r)->reg[WAS] = load(r, TARGET + r->t, PLAIN);
		go(r, 1);
		break;
	case 1: get_step(r); break;
	case 2:
		use(r, true);
		go(r, 3);
		break;
	case 3:
		use(r, false);
		go(r, 4);
		break;
	default:
		(void)add(r, TARGET + r->t, -1);
		if (!r->blocked)
			go(r, ++self(r)->reg[ROUND] < 2 ? 0 : DONE);
		break;
	}
}

/* --- the closer */

enum {
	SHUT_NEXT = 0,
	BARRIER = 1,
	SCAN = 2,
	DECIDE = 3, /* those that are shut, one after the other */
	FREE = 4    /* the first, its reference, the second */
};

/* The references that others of the set hold; the mutant lets one more be. */
static unsigned allowed(struct run *r, unsigned target)
{
	const unsigned more = r->mutant == COUNT_IGNORED ? choose(r, 2) : 0;

	return target + more;
}

static void shut_step(struct run *r)
{
	struct thread_state *c = self(r);
	const unsigned i = c->reg[NEXT], n = allowed(r, i);
	const bool done = swap_if(r, TARGET + i, LIVE + n, CLOSING + n);

	if (r->blocked)
		return;
	c->reg[ERROR] = !done;
	c->reg[NEXT] = (uint8_t)(i + done);
	c->reg[SHUT] = (uint8_t)(c->reg[SHUT] + done);
	if (!done)
		go(r, DECIDE);
	else if (c->reg[NEXT] < 2 && r->mutant != CLOSE_ONE_BY_ONE)
		go(r, SHUT_NEXT);
	else
		go(r, BARRIER);
}

static void scan_step(struct run *r)
{
	struct thread_state *c = self(r);

	c->reg[ERROR] = (uint8_t)choose(r, 2);
	if (!c->reg[ERROR] && c->reg[NEXT] == 2)
		r->s->ghost[DECIDED] = 1;
	go(r, DECIDE);
}

static void attempt_ends(struct run *r)
{
	struct thread_state *c = self(r);

	if (!c->reg[ERROR]) {
		go(r, c->reg[NEXT] == 2 ? FREE : SHUT_NEXT);
		return;
	}
	c->reg[NEXT] = 0;
	c->reg[ERROR] = 0;
	go(r, ++c->reg[TRY] == 2 ? DONE : SHUT_NEXT);
}

static void decide_step(struct run *r)
{
	struct thread_state *c = self(r);

	if (c->reg[ERROR] && r->mutant == REOPEN_FORGETS)
		c->reg[SHUT] = 0;
	if (c->reg[SHUT] == 0) {
		attempt_ends(r);
		return;
	}
	(void)add(r, TARGET + c->reg[NEXT] - c->reg[SHUT],
	    c->reg[ERROR] ? LIVE - CLOSING : -CLOSING);
	if (!r->blocked)
		c->reg[SHUT]--;
}

static void free_target(struct run *r, unsigned i)
{
	r->s->ghost[FREED + i] = 1;
	check(r, !r->s->ghost[USES + i], "frees what is in use");
	check(r, ordered(r, USED + i),
	    "frees what an earlier use may still read");
}

static void free_step(struct run *r)
{
	switch (self(r)->pc) {
	case FREE: free_target(r, 0); break;
	case FREE + 1: (void)add(r, TARGET + 1, -1); break;
	default:
		free_target(r, 1);
		go(r, DONE);
		return;
	}
	if (!r->blocked)
		go(r, self(r)->pc + 1u);
}

static void close_step(struct run *r)
{
	switch (self(r)->pc) {
	case SHUT_NEXT: shut_step(r); break;
	case BARRIER:
		barrier(r);
		go(r, SCAN);
		break;
	case SCAN: scan_step(r); break;
	case DECIDE: decide_step(r); break;
	default: free_step(r); break;
	}
}

static void step(struct run *r)
{
	if (r->t + 1 == r->model->nthreads)
		close_step(r);
	else
		getter_step(r);
}

const struct model two_targets = { "two targets", 3, 4, threads, locations,
	NULL, step, memory };
