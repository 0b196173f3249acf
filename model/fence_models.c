/* SPDX-License-Identifier: MIT */
/*
 * Threads of which some have a fence in each section and some have not: the
 * closer looks at their records and does without the barrier if he can. There
 * is one record, so what it says may be of the thread before.
 */
#include <stddef.h>

#include "models.h"

enum {
	BIND,
	WORD,
	TAKEN,
	FENCES,
	USED /* of two threads: events */
};

enum {
	OLD,
	CLOSED
};

enum {
	FREED /* ghost */
};

enum {
	MINE, /* the word */
	GOT,
	INSIDE,
	FIRST = MINE /* of the closer */
};

static const char *const locations[] = { "BIND", "WORD", "TAKEN", "FENCES",
	"USED0", "USED1" };
static const char *const threads[] = { "with fences", "without", "closer" };

static bool has_fences(const struct run *r)
{
	return r->t == 0;
}

/* It carries on what the last thread of the record has done. */
static enum order fences_order(const struct run *r)
{
	return r->mutant == CLAIM_WITHOUT_RELEASE ? PLAIN : RELEASE;
}

static void use(struct run *r, bool begins)
{
	check(r, !r->s->ghost[FREED], "runs code that is freed");
	self(r)->reg[INSIDE] = begins;
	if (!begins)
		mark(r, USED + r->t);
}

enum {
	CLAIM = 0,
	ENTER = 5,
	RUN = 9,
	LEAVE = 11
};

/* gate_thread_claim */
static void claim_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case CLAIM:
		if (!swap_if(r, TAKEN, 0, 1))
			return; /* once more */
		break;
	case CLAIM + 1: store(r, FENCES, has_fences(r), fences_order(r)); break;
	case CLAIM + 2: t->reg[MINE] = load(r, WORD, PLAIN); break;
	case CLAIM + 3: store(r, WORD, t->reg[MINE], RELEASE); break;
	default:
		if (r->mutant != CLAIM_WITHOUT_FENCE)
			fence(r);
		break;
	}
	if (!r->blocked)
		go(r, t->pc + 1u);
}

static void enter_step(struct run *r)
{
	struct thread_state *t = self(r);
	const bool fenced = has_fences(r) && r->mutant != NO_FENCE_INSIDE;

	switch (t->pc) {
	case ENTER: t->reg[MINE] = load(r, WORD, PLAIN); break;
	case ENTER + 1: store(r, WORD, t->reg[MINE] + 1u, PLAIN); break;
	case ENTER + 2:
		if (fenced)
			fence(r);
		break;
	default:
		t->reg[GOT] = load(r, BIND, ACQUIRE);
		go(r, t->reg[GOT] == OLD ? RUN : LEAVE);
		return;
	}
	if (!r->blocked)
		go(r, t->pc + 1u);
}

static void leave_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case LEAVE: t->reg[MINE] = load(r, WORD, PLAIN); break;
	case LEAVE + 1: store(r, WORD, (t->reg[MINE] | 3u) + 1, RELEASE); break;
	default: store(r, TAKEN, 0, RELEASE); break;
	}
	if (!r->blocked)
		go(r, t->pc == LEAVE + 2 ? DONE : t->pc + 1u);
}

static void member_step(struct run *r)
{
	const unsigned pc = self(r)->pc;

	if (pc < ENTER) {
		claim_step(r);
	} else if (pc < RUN) {
		enter_step(r);
	} else if (pc < LEAVE) {
		use(r, pc == RUN);
		go(r, pc + 1);
	} else {
		leave_step(r);
	}
}

/* --- the closer: gate_barrier, gate_wait_readers, free */

enum {
	LOOK = 2,
	BARRIER = 4,
	WAIT = 5,
	FREE = 7
};

static void wait_step(struct run *r)
{
	struct thread_state *c = self(r);
	const unsigned word = load(r, WORD, ACQUIRE);
	const bool later =
	    c->pc == WAIT + 1 && (word | 3) != (c->reg[FIRST] | 3u);

	c->reg[FIRST] = (uint8_t)word;
	go(r, (word & 3) == 0 || later ? FREE : WAIT + 1);
}

static void close_step(struct run *r)
{
	switch (self(r)->pc) {
	case 0:
		store(r, BIND, CLOSED, RELEASE);
		if (!r->blocked)
			go(r, r->mutant == LOOK_BEFORE_FENCE ? LOOK : 1);
		break;
	case 1:
		fence(r);
		if (!r->blocked)
			go(r, LOOK);
		break;
	case LOOK: go(r, load(r, TAKEN, ACQUIRE) != 0 ? LOOK + 1 : WAIT); break;
	case LOOK + 1:
		go(r, load(r, FENCES, ACQUIRE) == 0 ? BARRIER : WAIT);
		break;
	case BARRIER:
		barrier(r);
		go(r, WAIT);
		break;
	case WAIT:
	case WAIT + 1: wait_step(r); break;
	default: free_for_readers(r, FREED, INSIDE, USED); break;
	}
}

static void step(struct run *r)
{
	if (r->t + 1 == r->model->nthreads)
		close_step(r);
	else
		member_step(r);
}

const struct model mixed = { "some have fences", 3, 6, threads, locations, NULL,
	step, NULL };
