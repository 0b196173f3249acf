/* SPDX-License-Identifier: MIT */
/*
 * Calls that may sleep: split counters in two shards. The first caller's
 * exit is done by another thread; the second caller comes and goes; in
 * sleepers_wake it waits while the gate drains, and comes again. Waiting is
 * the futex of gate.c, so a wake-up that is lost is a run that cannot end.
 */
#include <stddef.h>

#include "models.h"

enum {
	BIND,
	ENTER,
	EXIT = ENTER + 2,
	PHASE = EXIT + 2,
	LEFT,
	HAND, /* the ticket of caller 0 */
	USED  /* of two callers */
};

enum {
	OLD,
	DRAINING,
	NEW
};

enum {
	MOVING,
	FREED,
	SENT,    /* the ticket */
	RUNS_OLD /* of two callers */
};

enum {
	GOT,
	NUMBER, /* a phase, or left */
	SUM,
};

static const char *const locations[] = { "BIND", "ENTER0", "ENTER1", "EXIT0",
	"EXIT1", "PHASE", "LEFT", "HAND", "USED0", "USED1" };
static const char *const threads[] = { "caller 0", "caller 1", "leaver",
	"closer" };

static void check_use(struct run *r)
{
	const bool new = self(r)->reg[GOT] == NEW;

	check(r, new || !r->s->ghost[FREED], "runs code that is freed");
	check(r, new || !r->s->ghost[MOVING], "runs while its state is moved");
}

static void use_begin(struct run *r, unsigned caller)
{
	check_use(r);
	r->s->ghost[RUNS_OLD + caller] = self(r)->reg[GOT] == OLD;
}

static void use_end(struct run *r, unsigned caller)
{
	check_use(r);
	r->s->ghost[RUNS_OLD + caller] = 0;
	if (self(r)->reg[GOT] == OLD)
		mark(r, USED + caller);
}

/* leave() in four steps from @base on; then @next. */
static void leave_step(
    struct run *r, unsigned shard, unsigned base, unsigned next)
{
	const unsigned pc = self(r)->pc;

	switch (pc - base) {
	case 0: /* seq_cst, and so is the load of phase */
		add_and_fence(r, EXIT + shard, 1);
		go(r, pc + 1);
		break;
	case 1:
		go(r, (load(r, PHASE, ACQUIRE) & 1) != 0 ? pc + 1 : next);
		break;
	case 2:
		(void)add(r, LEFT, 1);
		go(r, pc + 1);
		break;
	default:
		wake_all(r, LEFT);
		go(r, next);
		break;
	}
}

enum {
	RUN = 2,
	CLOSED = 8, /* leaves, and in one of the models waits */
	WAIT = CLOSED + 5,
	LEAVE = 20
};

static void enter_step(struct run *r)
{
	switch (self(r)->pc) {
	case 0:
		add_and_fence(r, ENTER + r->t, 1);
		go(r, 1);
		break;
	case 1:
		self(r)->reg[GOT] = load(r, BIND, ACQUIRE);
		go(r, self(r)->reg[GOT] == DRAINING ? CLOSED : RUN);
		break;
	case RUN:
		use_begin(r, r->t);
		go(r, r->t == 0 ? RUN + 1 : RUN + 2);
		break;
	case RUN + 1: /* the leaver goes on with the call */
		store(r, HAND, self(r)->reg[GOT] + 1u, RELEASE);
		r->s->ghost[SENT] = 1;
		go(r, DONE);
		break;
	default:
		use_end(r, r->t);
		go(r, LEAVE);
		break;
	}
}

/* tn_gate_wait: the phase first, then the binding. */
static void wait_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case WAIT:
		t->reg[NUMBER] = load(r, PHASE, ACQUIRE);
		go(r, WAIT + 1);
		break;
	case WAIT + 1:
		t->reg[GOT] = load(r, BIND, ACQUIRE);
		if (t->reg[GOT] != DRAINING)
			go(r, 0);
		else
			go(r, (t->reg[NUMBER] & 1) != 0 ? WAIT + 2 : WAIT);
		break;
	default:
		go(r, WAIT);
		sleep_on(r, PHASE, t->reg[NUMBER]);
		break;
	}
}

static void caller_step(struct run *r)
{
	const unsigned pc = self(r)->pc;

	if (pc < CLOSED)
		enter_step(r);
	else if (pc < WAIT)
		leave_step(
		    r, r->t, CLOSED, r->model == &sleepers_wake ? WAIT : DONE);
	else if (pc < LEAVE)
		wait_step(r);
	else
		leave_step(r, r->t, LEAVE, DONE);
}

static void leaver_step(struct run *r)
{
	const unsigned pc = self(r)->pc;

	if (pc == 0) {
		const unsigned ticket = load(r, HAND, ACQUIRE);

		self(r)->reg[GOT] = (uint8_t)(ticket - 1);
		if (ticket != 0)
			go(r, 1);
		else if (r->s->thread[0].pc == DONE && !r->s->ghost[SENT])
			go(r, DONE); /* the call was refused */
	} else if (pc == 1) {
		use_end(r, 0);
		go(r, LEAVE);
	} else {
		leave_step(r, 0, LEAVE, DONE);
	}
}

/* --- the closer */

enum {
	SUMS = 3, /* left, then four loads */
	JUDGE = SUMS + 5,
	SLEEP,
	MOVE
};

/* The exits first; the mutants exchange the order. */
static void sum_step(struct run *r)
{
	static const uint8_t right[] = { LEFT, EXIT, EXIT + 1, ENTER,
		ENTER + 1 };
	static const uint8_t enters_first[] = { LEFT, ENTER, ENTER + 1, EXIT,
		EXIT + 1 };
	static const uint8_t left_last[] = { EXIT, EXIT + 1, ENTER, ENTER + 1,
		LEFT };
	struct thread_state *c = self(r);
	const unsigned n = c->pc - SUMS;
	const uint8_t *locs = r->mutant == ENTERS_BEFORE_EXITS ? enters_first
			      : r->mutant == LEFT_AFTER_SUMS   ? left_last
							       : right;
	const bool exit = locs[n] == EXIT || locs[n] == EXIT + 1;
	const bool enter = locs[n] == ENTER || locs[n] == ENTER + 1;
	const uint8_t value = load(r, locs[n], enter ? PLAIN : ACQUIRE);

	if (locs[n] == LEFT)
		c->reg[NUMBER] = value;
	else
		c->reg[SUM] = (uint8_t)(c->reg[SUM] + (exit ? -value : value));
	go(r, c->pc + 1u);
}

static void drain_step(struct run *r)
{
	struct thread_state *c = self(r);

	if (c->pc < JUDGE) {
		sum_step(r);
	} else if (c->pc == JUDGE) {
		go(r, c->reg[SUM] == 0 ? MOVE : SLEEP);
		c->reg[SUM] = 0;
	} else {
		go(r, SUMS);
		sleep_on(r, LEFT, c->reg[NUMBER]);
	}
}

static void check_idle(struct run *r, const char *wrong)
{
	for (unsigned i = 0; i < 2; i++)
		check(r, !r->s->ghost[RUNS_OLD + i], wrong);
}

static void publish_step(struct run *r)
{
	switch (self(r)->pc) {
	case MOVE:
		r->s->ghost[MOVING] = 1;
		check_idle(r, "moves state that is in use");
		break;
	case MOVE + 1: r->s->ghost[MOVING] = 0; break;
	case MOVE + 2: store(r, BIND, NEW, RELEASE); break;
	case MOVE + 3: store(r, PHASE, 2, RELEASE); break;
	case MOVE + 4: fence(r); break;
	case MOVE + 5:
		if (r->mutant != DROP_WAKE)
			wake_all(r, PHASE);
		break;
	default:
		r->s->ghost[FREED] = 1;
		check_idle(r, "frees code that runs");
		for (unsigned i = 0; i < 2; i++)
			check(r, ordered(r, USED + i),
			    "frees what an earlier use may still read");
		go(r, DONE);
		return;
	}
	go(r, self(r)->pc + 1u);
}

static void close_step(struct run *r)
{
	switch (self(r)->pc) {
	case 0:
		if (r->mutant != MISSED_PHASE_FLIP)
			store(r, PHASE, 1, RELEASE);
		break;
	case 1: store(r, BIND, DRAINING, RELEASE); break;
	case 2: barrier(r); break;
	default:
		if (self(r)->pc < MOVE)
			drain_step(r);
		else
			publish_step(r);
		return;
	}
	go(r, self(r)->pc + 1u);
}

static void step(struct run *r)
{
	switch (r->t) {
	case 0:
	case 1: caller_step(r); break;
	case 2: leaver_step(r); break;
	default: close_step(r); break;
	}
}

/* Nobody but the second caller, who comes again. */
static void wake_init(struct state *s)
{
	s->thread[0].pc = DONE;
	s->thread[2].pc = DONE;
}

const struct model sleepable = { "calls that sleep", 4, 10, threads, locations,
	NULL, step, NULL };
const struct model sleepers_wake = { "sleepers wake", 4, 10, threads, locations,
	wake_init, step, NULL };
