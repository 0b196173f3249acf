/* SPDX-License-Identifier: MIT */
/*
 * References and handles against a closer who tries twice.
 *
 * reference: get, use, put by a count in the target's word; what the scan of
 * handles would say is left open, so all that it may say is tried.
 * handles: slots of two threads; the first hands its handle over, and takes
 * another one with the same slot. double_put: one thread owns the slot, two
 * others put the same handle, at the same time or long after the owner has
 * taken and put the next ones.
 */
#include <stddef.h>

#include "models.h"

enum {
	TARGET,
	SEQ, /* of two slots */
	RET = SEQ + 2,
	HAND = RET + 2, /* the number of the handle that is handed over */
	USED            /* of three threads */
};

/* The target's word: LIVE + count, as in target.c. */
enum {
	DEAD = 0,
	CLOSING = 0x40,
	LIVE = 0x80
};

enum {
	FREED,
	DECIDED, /* dead, so a get may fail */
	USES     /* of three threads */
};

enum {
	WAS,    /* what was loaded last */
	NUMBER, /* of the handle */
	ROUND,
	TRY, /* of the closer */
	FOUND
};

static const char *const locations[] = { "TARGET", "SEQ0", "SEQ1", "RET0",
	"RET1", "HAND", "USED0", "USED1", "USED2" };
static const uint8_t memory[MAX_LOCS] = { LIVE };

static void use_begin(struct run *r)
{
	check(r, !r->s->ghost[FREED], "uses what is freed");
	r->s->ghost[USES + r->t] = 1;
}

static void use_end(struct run *r)
{
	check(r, !r->s->ghost[FREED], "uses what is freed");
	r->s->ghost[USES + r->t] = 0;
	mark(r, USED + r->t);
}

static void refused(struct run *r)
{
	check(r, r->s->ghost[DECIDED], "is refused by an attempt that is busy");
	go(r, DONE);
}

static enum order put_order(const struct run *r)
{
	return r->mutant == RELAXED_PUT ? PLAIN : RELEASE;
}

/* --- the closer */

static void free_target(struct run *r)
{
	r->s->ghost[FREED] = 1;
	for (unsigned t = 0; t + 1 < r->model->nthreads; t++) {
		check(r, !r->s->ghost[USES + t], "frees what is in use");
		check(r, ordered(r, USED + t),
		    "frees what an earlier use may still read");
	}
}

enum {
	CAS = 0,
	BARRIER = 1,
	SCAN = 2, /* two loads for each slot */
	DECIDE = 6,
	FREE = 7
};

static void scan_step(struct run *r)
{
	struct thread_state *c = self(r);
	const unsigned n = c->pc - SCAN, slot = n / 2;
	const bool scans_first = r->mutant == HANDLE_SCAN_BEFORE_CLOSE;

	if (n % 2 == 0) {
		c->reg[WAS] = load(r, SEQ + slot, ACQUIRE);
	} else if (load(r, RET + slot, ACQUIRE) != c->reg[WAS]) {
		c->reg[FOUND] = 1;
	}
	if (c->pc + 1 < DECIDE)
		go(r, c->pc + 1u);
	else
		go(r, scans_first ? CAS : DECIDE);
}

/* Busy: once more, from the beginning. */
static void try_again(struct run *r)
{
	struct thread_state *c = self(r);
	const bool scans_first = r->mutant == HANDLE_SCAN_BEFORE_CLOSE;

	c->reg[FOUND] = 0;
	c->reg[TRY]++;
	if (c->reg[TRY] == 2)
		go(r, DONE);
	else
		go(r, scans_first ? SCAN : CAS);
}

static void decide(struct run *r)
{
	const bool held = r->model == &reference ? choose(r, 2) == 1
						 : self(r)->reg[FOUND] != 0;

	store(r, TARGET, held ? LIVE : DEAD, RELEASE);
	if (r->blocked)
		return;
	r->s->ghost[DECIDED] = !held;
	if (held)
		try_again(r);
	else
		go(r, FREE);
}

static void cas_step(struct run *r)
{
	const bool done = swap_if(r, TARGET, LIVE, CLOSING);

	if (r->blocked)
		return;
	if (!done)
		try_again(r);
	else if (r->mutant == HANDLE_SCAN_BEFORE_CLOSE)
		go(r, DECIDE);
	else
		go(r, r->mutant == HANDLE_NO_BARRIER ? SCAN : BARRIER);
}

static void close_step(struct run *r)
{
	switch (self(r)->pc) {
	case CAS: cas_step(r); break;
	case BARRIER:
		barrier(r);
		go(r, r->model == &reference ? DECIDE : SCAN);
		break;
	case DECIDE: decide(r); break;
	case FREE:
		free_target(r);
		go(r, DONE);
		break;
	default: scan_step(r); break;
	}
}

/* --- references */

static void get_step(struct run *r)
{
	struct thread_state *t = self(r);
	const unsigned was = t->reg[WAS];

	if ((was & LIVE) != 0) {
		const bool done = swap_if(r, TARGET, was, was + 1);

		go(r, done ? 2 : 0);
	} else if (was == CLOSING && r->mutant != GET_FAILS_WHILE_CLOSING) {
		go(r, 0);
	} else {
		refused(r);
	}
}

static void put_step(struct run *r)
{
	(void)add(r, TARGET, -1);
	go(r, ++self(r)->reg[ROUND] < 2 ? 0 : DONE);
}

static void reference_step(struct run *r)
{
	if (r->t + 1 == r->model->nthreads) {
		close_step(r);
		return;
	}
	switch (self(r)->pc) {
	case 0:
		self(r)->reg[WAS] = load(r, TARGET, PLAIN);
		go(r, 1);
		break;
	case 1: get_step(r); break;
	case 2:
		use_begin(r);
		go(r, 3);
		break;
	case 3:
		use_end(r);
		go(r, 4);
		break;
	default: put_step(r); break;
	}
}

/* --- handles */

enum {
	TAKE = 0,
	LOOK = 1,  /* the target's word */
	BACK = 2,  /* it is not live: the slot is free again */
	AWAIT = 3, /* ... until it is decided */
	USE = 4,
	SEND = 6, /* or put */
	NEXT = 7, /* the slot was put by somebody else */
	CHECK = 10,
	PUT = 12
};

/* tn_handle_take with the slot of this thread. */
static void take_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case TAKE:
		t->reg[NUMBER]++;
		store(r, SEQ + r->t, t->reg[NUMBER], RELEASE);
		go(r, LOOK);
		break;
	case LOOK:
		t->reg[WAS] = load(r, TARGET, ACQUIRE);
		go(r, (t->reg[WAS] & LIVE) != 0 ? USE : BACK);
		break;
	case BACK:
		store(r, RET + r->t, t->reg[NUMBER], RELEASE);
		go(r, AWAIT);
		if (t->reg[WAS] == DEAD || r->mutant == GET_FAILS_WHILE_CLOSING)
			refused(r);
		break;
	default:
		t->reg[WAS] = load(r, TARGET, PLAIN);
		go(r, t->reg[WAS] == CLOSING ? AWAIT : TAKE);
		break;
	}
}

static bool put_just_stores(const struct run *r)
{
	return r->mutant == RELAXED_PUT || r->mutant == PUT_WITHOUT_NUMBER ||
	       r->mutant == PUT_GOES_BACK;
}

/* tn_handle_put of the handle NUMBER in the slot 0. */
static void check_step(struct run *r)
{
	struct thread_state *t = self(r);

	if (t->pc == CHECK) {
		t->reg[WAS] = load(r, SEQ, ACQUIRE);
		go(r, t->reg[WAS] == t->reg[NUMBER] ? CHECK + 1 : DONE);
	} else if (t->pc == CHECK + 1) {
		t->reg[WAS] = load(r, RET, PLAIN);
		go(r, t->reg[WAS] < t->reg[NUMBER] ? PUT : DONE);
	} else if (r->mutant == PUT_WITHOUT_NUMBER && t->pc == PUT) {
		t->reg[NUMBER] = load(r, SEQ, PLAIN);
		go(r, PUT + 1);
	} else if (put_just_stores(r)) {
		store(r, RET, t->reg[NUMBER], put_order(r));
		go(r, DONE);
	} else { /* number_grow */
		const bool done = swap_if(r, RET, t->reg[WAS], t->reg[NUMBER]);

		go(r, done ? DONE : CHECK + 1);
	}
}

static void use_step(struct run *r, unsigned next)
{
	if (self(r)->pc % 2 == 0) {
		use_begin(r);
		go(r, self(r)->pc + 1u);
	} else {
		use_end(r);
		go(r, next);
	}
}

/* How many handles the thread takes, one after the other. */
static unsigned rounds(const struct run *r)
{
	if (r->t != 0)
		return 1;
	return r->model == &double_put ? 3 : 2;
}

/* slot_is_free; from the second one on it was put here. */
static void next_step(struct run *r)
{
	struct thread_state *t = self(r);
	const bool more = t->reg[ROUND] < rounds(r);

	t->reg[WAS] = load(r, RET, ACQUIRE);
	if (r->s->ghost[DECIDED]) {
		go(r, DONE);
	} else if (t->reg[WAS] == t->reg[NUMBER]) {
		go(r, more ? TAKE : DONE);
	} else {
		check(r, t->reg[ROUND] == 1, "is held again after its put");
		go(r, NEXT);
	}
}

/* The first handle is handed over, the others are put here. */
static void owner_step(struct run *r)
{
	struct thread_state *t = self(r);
	const bool hands_over = r->t == 0 && t->reg[ROUND] == 0;

	switch (t->pc) {
	case USE:
	case USE + 1: use_step(r, SEND); break;
	case SEND:
		if (hands_over)
			store(r, HAND, t->reg[NUMBER], RELEASE);
		else
			store(r, RET + r->t, t->reg[NUMBER], put_order(r));
		t->reg[ROUND]++;
		go(r, hands_over || r->model == &double_put ? NEXT : DONE);
		break;
	case NEXT: next_step(r); break;
	default: take_step(r); break;
	}
}

/* Uses the handle that it is given, if it may, and puts it. */
static void receiver_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case 0:
		t->reg[NUMBER] = load(r, HAND, ACQUIRE);
		go(r, t->reg[NUMBER] != 0          ? 4
		      : r->s->thread[0].pc == DONE ? DONE
						   : 0);
		break;
	case 4:
	case 5: use_step(r, CHECK); break;
	default: check_step(r); break;
	}
}

static void handles_step(struct run *r)
{
	switch (r->t) {
	case 0:
	case 1: owner_step(r); break;
	case 2: receiver_step(r); break;
	default: close_step(r); break;
	}
}

/* Both of the others put; the one that comes second may come late. */
static void double_put_step(struct run *r)
{
	struct thread_state *t = self(r);

	if (r->t == 0) {
		owner_step(r);
	} else if (r->t == 3) {
		close_step(r);
	} else if (t->pc == 0) {
		t->reg[NUMBER] = load(r, HAND, ACQUIRE);
		go(r, t->reg[NUMBER] != 0          ? CHECK
		      : r->s->thread[0].pc == DONE ? DONE
						   : 0);
	} else {
		check_step(r);
	}
}

static const char *const getters[] = { "getter 0", "getter 1", "closer" };
static const char *const takers[] = { "taker 0", "taker 1", "receiver",
	"closer" };
static const char *const putters[] = { "taker", "putter 0", "putter 1",
	"closer" };

const struct model reference = { "references", 3, 9, getters, locations, NULL,
	reference_step, memory };
const struct model handles = { "handles", 4, 9, takers, locations, NULL,
	handles_step, memory };
const struct model double_put = { "double put", 4, 9, putters, locations, NULL,
	double_put_step, memory };
