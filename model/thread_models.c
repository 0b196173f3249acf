/* SPDX-License-Identifier: MIT */
/*
 * Records that come and go, and the question whether the waiter is alone.
 *
 * threads_end: each thread claims one of two records, enters, runs the old
 * code or none, and ends inside; the records are used again. crowd: threads
 * without a record share one counter. The closer first asks whether anybody
 * is there, and does without barrier and waiting if not.
 */
#include <stddef.h>

#include "models.h"

enum {
	BIND,
	WORD, /* of two records */
	TAKEN = WORD + 2,
	CROWD = TAKEN + 2,
	USED /* of two threads */
};

enum {
	OLD,
	CLOSED
};

enum {
	FREED /* ghost */
};

enum {
	RECORD,
	GOT,
	INSIDE,
	FIRST = GOT, /* of the closer */
};

static const char *const locations[] = { "BIND", "WORD0", "WORD1", "TAKEN0",
	"TAKEN1", "CROWD", "USED0", "USED1" };
static const char *const threads[] = { "thread 0", "thread 1", "closer" };

static void use(struct run *r, bool begins)
{
	check(r, !r->s->ghost[FREED], "runs code that is freed");
	self(r)->reg[INSIDE] = begins;
	if (!begins)
		mark(r, USED + r->t);
}

static void binding_load(struct run *r, unsigned if_closed)
{
	self(r)->reg[GOT] = load(r, BIND, ACQUIRE);
	go(r, self(r)->reg[GOT] == OLD ? self(r)->pc + 1u : if_closed);
}

/* gate_thread_claim: the first that is free. */
static void claim(struct run *r)
{
	struct thread_state *t = self(r);

	if (!swap_if(r, TAKEN + t->reg[RECORD], 0, 1))
		t->reg[RECORD] ^= 1;
	else
		go(r, r->mutant == CLAIM_WITHOUT_RELEASE ? 3 : 1);
}

/* A section of two steps of use, which the thread does not leave. */
static void member_step(struct run *r)
{
	struct thread_state *t = self(r);
	const unsigned word = WORD + t->reg[RECORD];

	switch (t->pc) {
	case 0: claim(r); break;
	case 1: /* the word now carries what its last thread has done */
		t->reg[FIRST] = load(r, word, PLAIN);
		go(r, 2);
		break;
	case 2:
		store(r, word, t->reg[FIRST], RELEASE);
		go(r, r->mutant == CLAIM_WITHOUT_FENCE ? 4 : 3);
		break;
	case 3:
		fence(r);
		go(r, 4);
		break;
	case 4:
		t->reg[FIRST] = load(r, word, PLAIN);
		go(r, 5);
		break;
	case 5:
		store(r, word, t->reg[FIRST] + 1u, PLAIN);
		go(r, 6);
		break;
	case 6: binding_load(r, 9); break;
	case 7:
		use(r, true);
		go(r, 8);
		break;
	case 8:
		use(r, false);
		go(r, 9);
		break;
	case 9:
		t->reg[GOT] = load(r, word, PLAIN);
		go(r, r->mutant == THREAD_EXIT_FORGETS ? 11 : 10);
		break;
	case 10: /* gate_thread_release */
		store(r, word, (t->reg[GOT] | 3u) + 1, RELEASE);
		go(r, 11);
		break;
	default:
		store(r, TAKEN + t->reg[RECORD], 0, RELEASE);
		go(r, DONE);
		break;
	}
}

static void crowd_step(struct run *r)
{
	switch (self(r)->pc) {
	case 0:
		(void)add(r, CROWD, 1);
		go(r, 1);
		break;
	case 1:
		fence(r);
		go(r, 2);
		break;
	case 2: binding_load(r, 5); break;
	case 3:
		use(r, true);
		go(r, 4);
		break;
	case 4:
		use(r, false);
		go(r, 5);
		break;
	default:
		(void)add(r, CROWD, -1);
		go(r, DONE);
		break;
	}
}

/* --- the closer */

/* 8: wait for a record; 9: the same, again. */
static void wait_step(struct run *r)
{
	struct thread_state *c = self(r);
	const unsigned word = load(r, WORD + c->reg[RECORD], ACQUIRE);

	if ((word & 3) == 0 ||
	    (c->pc == 9 && (word | 3) != (c->reg[FIRST] | 3u))) {
		c->reg[RECORD]++;
		go(r, c->reg[RECORD] == 2 ? 10 : 8);
		return;
	}
	c->reg[FIRST] = (uint8_t)word;
	go(r, 9);
}

/* gate_is_alone: 0 takes the next step, anything else ends in a wait. */
static void alone_step(struct run *r, unsigned loc, unsigned next)
{
	go(r, load(r, loc, ACQUIRE) == 0 ? next : 7);
}

static void close_step(struct run *r)
{
	const bool late = r->mutant == LOOK_BEFORE_FENCE;

	switch (self(r)->pc) {
	case 0:
		store(r, BIND, CLOSED, RELEASE);
		go(r, late ? 2 : 1);
		break;
	case 1:
	case 5:
		fence(r);
		go(r, self(r)->pc == 1 ? 2 : 6);
		break;
	case 2: alone_step(r, CROWD, 3); break;
	case 3: alone_step(r, TAKEN, 4); break;
	case 4: alone_step(r, TAKEN + 1, late ? 5 : 6); break;
	case 6: free_for_readers(r, FREED, INSIDE, USED); break;
	case 7:
		barrier(r);
		go(r, 8);
		break;
	case 8:
	case 9: wait_step(r); break;
	case 10: go(r, load(r, CROWD, ACQUIRE) == 0 ? 6 : 10); break;
	default: break;
	}
}

static void members_step(struct run *r)
{
	if (r->t + 1 == r->model->nthreads)
		close_step(r);
	else if (r->model == &crowd)
		crowd_step(r);
	else
		member_step(r);
}

const struct model threads_end = { "threads end inside", 3, 8, threads,
	locations, NULL, members_step, NULL };
const struct model crowd = { "crowd", 3, 8, threads, locations, NULL,
	members_step, NULL };
