/* SPDX-License-Identifier: MIT */
/*
 * A timer that calls an interface, while its owner is unloaded and while the
 * provider of the interface is: fire.c and timer.c of core/mod. The service
 * takes what is due, lists a frame, gives the lock, calls through the gate, and
 * takes the frame off; the operation sets the timer once more. The owner's
 * teardown takes the timer out of the ledger and waits for its frames, then
 * frees what the operation is handed. The provider's closes the gate, waits
 * for sections and frees the code.
 *
 * All that is the timer's lies in one word, under the lock of the ledger.
 */
#include <stddef.h>

#include "models.h"

enum {
	LOCK,
	TIMER,
	EVENT, /* a frame has ended */
	BIND,
	WORD,     /* of the service's thread */
	USED_ARG, /* events: what the owner, ... */
	USED_CODE /* ... and what the provider has given was used */
};

/* TIMER */
enum {
	SET = 1,
	LEFT = 2, /* it is not in the ledger any more */
	FRAME = 4
};

enum {
	OPEN,
	CLOSED
};

/* ghosts */
enum {
	NOW, /* what TIMER holds in the end: what a bell would tell */
	ARG_FREED,
	CODE_FREED,
	RUNS
};

enum {
	SEEN,
	GOT,
	FIRED, /* how often */
};

static const char *const locations[] = { "LOCK", "TIMER", "EVENT", "BIND",
	"WORD", "USED_ARG", "USED_CODE" };
static const char *const threads[] = { "service", "owner", "provider" };
static const uint8_t memory[MAX_LOCS] = { [TIMER] = SET };

static void timer_load(struct run *r)
{
	self(r)->reg[SEEN] = load(r, TIMER, PLAIN);
	go(r, self(r)->pc + 1u);
}

static void timer_store(struct run *r, unsigned clear, unsigned set)
{
	const unsigned word = (self(r)->reg[SEEN] & ~clear) | set;

	store(r, TIMER, word, PLAIN);
	if (r->blocked)
		return;
	r->s->ghost[NOW] = (uint8_t)word;
	go(r, self(r)->pc + 1u);
}

static void take(struct run *r)
{
	mutex_take(r, LOCK);
	if (!r->blocked)
		go(r, self(r)->pc + 1u);
}

static void give(struct run *r, unsigned next)
{
	mutex_give(r, LOCK);
	if (!r->blocked)
		go(r, next);
}

/* --- the service */

enum {
	IDLE = 0,
	ENTER = 4,
	RUN = 6,
	SET_AGAIN = 9,
	LEAVE = 13,
	UNLIST = 14
};

static void use(struct run *r, bool begins)
{
	check(r, !r->s->ghost[ARG_FREED], "is handed what is freed");
	check(r, !r->s->ghost[CODE_FREED], "runs code that is freed");
	r->s->ghost[RUNS] = begins;
	go(r, self(r)->pc + 1u);
}

static void run_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case ENTER:
		store(r, WORD, 1 + 4u * t->reg[FIRED], PLAIN);
		if (!r->blocked)
			go(r, ENTER + 1);
		break;
	case ENTER + 1:
		t->reg[GOT] = load(r, BIND, ACQUIRE);
		go(r, t->reg[GOT] == OPEN ? RUN : LEAVE);
		break;
	case RUN: use(r, true); break;
	case RUN + 1:
		use(r, false);
		mark(r, USED_ARG);
		break;
	default:
		mark(r, USED_CODE);
		go(r, t->reg[FIRED] == 0 ? SET_AGAIN : LEAVE);
		break;
	}
}

/* The operation sets its own timer, unless it has left the ledger. */
static void set_step(struct run *r)
{
	switch (self(r)->pc) {
	case SET_AGAIN: take(r); break;
	case SET_AGAIN + 1: timer_load(r); break;
	case SET_AGAIN + 2:
		if ((self(r)->reg[SEEN] & LEFT) != 0)
			go(r, SET_AGAIN + 3);
		else
			timer_store(r, 0, SET);
		break;
	default: give(r, LEAVE); break;
	}
}

static void unlist_step(struct run *r)
{
	struct thread_state *t = self(r);
	const bool again = t->reg[GOT] == CLOSED && t->reg[FIRED] == 0 &&
			   (t->reg[SEEN] & LEFT) == 0;

	switch (t->pc) {
	case UNLIST: take(r); break;
	case UNLIST + 1: timer_load(r); break;
	case UNLIST + 2: timer_store(r, FRAME, again ? SET : 0); break;
	case UNLIST + 3:
		(void)add(r, EVENT, 1);
		if (!r->blocked)
			go(r, UNLIST + 4);
		break;
	case UNLIST + 4:
		if (r->mutant != DROP_WAKE)
			wake_all(r, EVENT);
		go(r, UNLIST + 5);
		break;
	default:
		give(r, IDLE);
		t->reg[FIRED] += !r->blocked;
		break;
	}
}

static void service_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case IDLE: /* until its bell rings */
		r->blocked = (r->s->ghost[NOW] & (SET | LEFT)) == 0;
		if (!r->blocked)
			take(r);
		break;
	case IDLE + 1: timer_load(r); break;
	case IDLE + 2:
		if ((t->reg[SEEN] & LEFT) != 0)
			give(r, DONE);
		else
			timer_store(r, SET, FRAME);
		break;
	case IDLE + 3: give(r, ENTER); break;
	case LEAVE:
		store(r, WORD, 4u * (t->reg[FIRED] + 1u), RELEASE);
		if (!r->blocked)
			go(r, UNLIST);
		break;
	default:
		if (t->pc < SET_AGAIN)
			run_step(r);
		else if (t->pc < LEAVE)
			set_step(r);
		else
			unlist_step(r);
		break;
	}
}

/* --- the teardowns */

static void free_arg(struct run *r)
{
	r->s->ghost[ARG_FREED] = 1;
	check(r, !r->s->ghost[RUNS], "frees what an operation is handed");
	check(r, ordered(r, USED_ARG),
	    "frees what an earlier use may still read");
	go(r, DONE);
}

enum {
	WAIT = 4,
	SLEEP = 7,
	FREE = 9
};

/* Shutdown: it can not be set again. The mutant merely deletes it. */
static void detach_step(struct run *r)
{
	const bool merely = r->mutant == DELETE_ONLY;

	switch (self(r)->pc) {
	case 0: take(r); break;
	case 1: timer_load(r); break;
	case 2: timer_store(r, SET, merely ? 0 : LEFT); break;
	default: give(r, r->mutant == NO_SHUTDOWN_SYNC ? FREE : WAIT); break;
	}
}

/* firing_revoke */
static void owner_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case WAIT: take(r); break;
	case WAIT + 1:
		timer_load(r);
		if ((t->reg[SEEN] & FRAME) == 0)
			go(r, SLEEP + 1);
		break;
	case WAIT + 2: /* before the lock is given, so no end is missed */
		t->reg[GOT] = load(r, EVENT, ACQUIRE);
		go(r, SLEEP);
		break;
	case SLEEP: give(r, FREE + 1); break;
	case SLEEP + 1: give(r, FREE); break;
	case FREE: free_arg(r); break;
	case FREE + 1:
		go(r, WAIT);
		sleep_on(r, EVENT, t->reg[GOT]);
		break;
	default: detach_step(r); break;
	}
}

static void free_code(struct run *r)
{
	r->s->ghost[CODE_FREED] = 1;
	check(r, !r->s->ghost[RUNS], "frees code that runs");
	check(r, ordered(r, USED_CODE),
	    "frees what an earlier use may still read");
	go(r, DONE);
}

static void provider_step(struct run *r)
{
	struct thread_state *t = self(r);
	unsigned word;

	switch (t->pc) {
	case 0:
		store(r, BIND, CLOSED, RELEASE);
		if (!r->blocked)
			go(r, r->mutant == DROP_MEMBARRIER ? 2 : 1);
		break;
	case 1:
		barrier(r);
		go(r, r->mutant == EARLY_FREE ? 4 : 2);
		break;
	case 2:
	case 3:
		word = load(r, WORD, ACQUIRE);
		if ((word & 3) == 0 || (t->pc == 3 && word != t->reg[SEEN]))
			go(r, 4);
		else
			go(r, 3);
		t->reg[SEEN] = (uint8_t)word;
		break;
	default: free_code(r); break;
	}
}

static void step(struct run *r)
{
	switch (r->t) {
	case 0: service_step(r); break;
	case 1: owner_step(r); break;
	default: provider_step(r); break;
	}
}

static void init(struct state *s)
{
	s->ghost[NOW] = SET;
}

const struct model timer = { "timer and unloads", 3, 7, threads, locations,
	init, step, memory };
