/* SPDX-License-Identifier: MIT */
/*
 * A call that may sleep inside of another: the caller is in gate 0 and calls
 * through gate 1, while a closer without a deadline drains gate 1 and then gate
 * 0, as whoever unloads the provider of both does. Waiting is the futex of
 * gate.c. A caller that waits for gate 1 waits for the closer, who waits for
 * it: a run that cannot end.
 */
#include <stddef.h>

#include "models.h"

enum {
	BIND,
	ENTER = BIND + 2,
	EXIT = ENTER + 2,
	PHASE = EXIT + 2,
	LEFT = PHASE + 2,
	LOCS = LEFT + 2
};

enum {
	OLD,
	DRAINING,
	CLOSED
};

enum {
	FREED,
	INSIDE /* of two gates */
};

enum {
	GOT,
	NUMBER, /* of left */
	SUM
};

static const char *const locations[] = { "BIND0", "BIND1", "ENTER0", "ENTER1",
	"EXIT0", "EXIT1", "PHASE0", "PHASE1", "LEFT0", "LEFT1" };
static const char *const threads[] = { "caller", "closer" };

/* --- the caller */

enum {
	USE = 2,   /* of a gate */
	LEAVE = 3, /* four steps */
	WAIT = 7,  /* the mutant's */
	OUTER = 16 /* these steps for gate 0; below, for gate 1 */
};

/* leave(): the exit, the phase, left and the wake; then @next. */
static void leave_step(struct run *r, unsigned g, unsigned n, unsigned next)
{
	const unsigned pc = self(r)->pc;

	if (n == 0) {
		add_and_fence(r, EXIT + g, 1);
		go(r, pc + 1);
	} else if (n == 1) {
		go(r, (load(r, PHASE + g, ACQUIRE) & 1) != 0 ? pc + 1 : next);
	} else if (n == 2) {
		(void)add(r, LEFT + g, 1);
		go(r, pc + 1);
	} else {
		wake_all(r, LEFT + g);
		go(r, next);
	}
}

static void use(struct run *r, unsigned g)
{
	check(r, !r->s->ghost[FREED], "runs code that is freed");
	r->s->ghost[INSIDE + g] = 1;
}

/* What comes after gate @g has been left, or was not entered. */
static unsigned after(const struct run *r, unsigned g)
{
	const bool refused = r->s->thread[r->t].reg[GOT] != OLD;

	if (g == 0)
		return DONE;
	return r->mutant == NESTED_WAITS && refused ? WAIT : OUTER + LEAVE;
}

static void gate_step(struct run *r, unsigned g, unsigned n)
{
	struct thread_state *t = self(r);

	switch (n) {
	case 0: add_and_fence(r, ENTER + g, 1); break;
	case 1:
		t->reg[GOT] = load(r, BIND + g, ACQUIRE);
		if (t->reg[GOT] == OLD)
			break;
		go(r, t->pc + LEAVE - 1u);
		return;
	case USE:
		use(r, g);
		if (g == 1)
			break;
		go(r, 0); /* the inner call */
		return;
	case WAIT:
		sleep_on(r, PHASE + g, 1);
		go(r, OUTER + LEAVE);
		return;
	default:
		if (n == LEAVE)
			r->s->ghost[INSIDE + g] = 0;
		leave_step(r, g, n - LEAVE, after(r, g));
		return;
	}
	go(r, t->pc + 1u);
}

static void caller_step(struct run *r)
{
	const unsigned pc = self(r)->pc;

	if (pc >= OUTER)
		gate_step(r, 0, pc - OUTER);
	else
		gate_step(r, 1, pc);
}

static void start_outside(struct state *s)
{
	s->thread[0].pc = OUTER;
}

/* --- the closer */

enum {
	SUMS = 3, /* left, exits, enters */
	JUDGE = SUMS + 3,
	SLEEP,
	DRAIN_STEPS,
	PUBLISH = 2 * DRAIN_STEPS
};

static void close_gate(struct run *r, unsigned g, unsigned n)
{
	struct thread_state *c = self(r);

	switch (n) {
	case 0: store(r, PHASE + g, 1, RELEASE); break;
	case 1: store(r, BIND + g, DRAINING, RELEASE); break;
	case 2: barrier(r); break;
	case SUMS: c->reg[NUMBER] = load(r, LEFT + g, ACQUIRE); break;
	case SUMS + 1: c->reg[SUM] = load(r, EXIT + g, ACQUIRE); break;
	case SUMS + 2:
		c->reg[SUM] =
		    (uint8_t)(load(r, ENTER + g, PLAIN) - c->reg[SUM]);
		break;
	case JUDGE:
		go(r, c->pc + (c->reg[SUM] == 0 ? 2u : 1u));
		c->reg[SUM] = 0;
		return;
	default:
		go(r, c->pc - (SLEEP - SUMS));
		sleep_on(r, LEFT + g, c->reg[NUMBER]);
		return;
	}
	go(r, c->pc + 1u);
}

static void publish_step(struct run *r, unsigned n)
{
	const unsigned g = n / 3;

	switch (n % 3) {
	case 0: store(r, BIND + g, CLOSED, RELEASE); break;
	case 1: store(r, PHASE + g, 2, RELEASE); break;
	default: wake_all(r, PHASE + g); break;
	}
	go(r, n == 5 ? DONE : self(r)->pc + 1u);
	if (n != 5)
		return;
	r->s->ghost[FREED] = 1;
	check(r, !r->s->ghost[INSIDE] && !r->s->ghost[INSIDE + 1],
	    "frees code that runs");
}

static void step(struct run *r)
{
	const unsigned pc = self(r)->pc;

	if (r->t == 0)
		caller_step(r);
	else if (pc < DRAIN_STEPS)
		close_gate(r, 1, pc);
	else if (pc < PUBLISH)
		close_gate(r, 0, pc - DRAIN_STEPS);
	else
		publish_step(r, pc - PUBLISH);
}

const struct model sleepers_nest = { "calls that sleep nest", 2, LOCS, threads,
	locations, start_outside, step, NULL };
