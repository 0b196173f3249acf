/* SPDX-License-Identifier: MIT */
/*
 * Counted calls and a closer who exchanges the provider: BIND goes from old
 * over DRAINING to new; while nobody is inside the state is moved; then the
 * old code is freed. Thread t < closer is a reader with the word WORD + t.
 *
 * In `nesting` each section holds another one, and a signal handler with a
 * section of its own may come between any two accesses. In `gate_fences`
 * readers have a fence, and the closer has no barrier but his own.
 */
#include <stddef.h>

#include "models.h"

enum {
	BIND,
	WORD,           /* of three readers */
	USED = WORD + 3 /* likewise: events */
};

enum {
	OLD,
	DRAINING,
	NEW
};

/* ghosts */
enum {
	MOVING,
	FREED
};

/* registers of readers; a signal handler has its own MINE, GOT and INSIDE */
enum {
	MINE,    /* the word, as its thread knows it */
	GOT,     /* the binding */
	INSIDE,  /* runs the code of this binding + 1 */
	ROUNDS,  /* sections to go */
	RETURN,  /* where the signal handler returns to */
	SIGNALS, /* how many may come */
	BANK,    /* registers of the handler */
};

#define HANDLER 16 /* its first pc */

static const char *const locations[] = { "BIND", "WORD0", "WORD1", "WORD2",
	"USED0", "USED1", "USED2" };
static const char *const two[] = { "reader 0", "reader 1", "closer" };
static const char *const three[] = { "reader 0", "reader 1", "reader 2",
	"closer" };

/* word = finished sections * 4 + depth */
static unsigned left_word(const struct run *r, unsigned word)
{
	const bool ends = (word & 3) == 1 || r->mutant == MISSED_NESTING;

	return ends ? (word | 3) + 1 : word - 1;
}

static unsigned closer_of(const struct run *r)
{
	return r->model->nthreads - 1;
}

static uint8_t *reg(struct run *r, unsigned n)
{
	return &self(r)->reg[self(r)->pc >= HANDLER ? BANK + n : n];
}

/* What runs code may not be true of that code. */
static void check_use(struct run *r, unsigned binding)
{
	const uint8_t *ghost = r->s->ghost;

	check(r, binding == NEW || !ghost[FREED], "runs code that is freed");
	check(r, binding == NEW || !ghost[MOVING],
	    "runs while its state is moved");
}

static void use_begin(struct run *r)
{
	*reg(r, INSIDE) = *reg(r, GOT) == NEW ? NEW + 1 : OLD + 1;
	check_use(r, *reg(r, INSIDE) - 1u);
}

static void use_end(struct run *r)
{
	const unsigned binding = *reg(r, INSIDE) - 1u;

	check_use(r, binding);
	*reg(r, INSIDE) = 0;
	if (binding == OLD)
		mark(r, USED + r->t);
}

static void word_store(struct run *r, unsigned word, enum order order)
{
	*reg(r, MINE) = (uint8_t)word;
	store(r, WORD + r->t, word, order);
}

static void word_enter(struct run *r)
{
	word_store(r, *reg(r, MINE) + 1u, PLAIN);
}

static void word_exit(struct run *r)
{
	word_store(r, left_word(r, *reg(r, MINE)),
	    r->mutant == RELAXED_EXIT ? PLAIN : RELEASE);
}

static void binding_load(struct run *r)
{
	*reg(r, GOT) = load(r, BIND, ACQUIRE);
}

static bool is_open(struct run *r)
{
	return *reg(r, GOT) != DRAINING || r->mutant == SKIP_RECHECK;
}

static void reader_next(struct run *r)
{
	go(r, --self(r)->reg[ROUNDS] > 0 ? 0 : DONE);
}

static void reader_step(struct run *r)
{
	const bool swapped = r->mutant == LOAD_OPS_BEFORE_RECHECK;
	const unsigned pc = self(r)->pc;

	switch (pc) {
	case 0:
		swapped ? binding_load(r) : word_enter(r);
		go(r, r->model == &gate_fences ? 1 : 2);
		break;
	case 1:
		fence(r);
		go(r, 2);
		break;
	case 2:
		swapped ? word_enter(r) : binding_load(r);
		go(r, is_open(r) ? 3 : 5);
		break;
	case 3:
		use_begin(r);
		go(r, 4);
		break;
	case 4:
		use_end(r);
		go(r, 5);
		break;
	default:
		word_exit(r);
		reader_next(r);
		break;
	}
}

/* --- the closer */

enum {
	READER = 0, /* whom he waits for */
	FIRST = 1   /* the word when he began to */
};

static void wait_step(struct run *r)
{
	struct thread_state *c = self(r);
	const unsigned word = load(r, WORD + c->reg[READER], ACQUIRE);
	const bool again = c->pc == 3;

	if ((word & 3) == 0 || (again && (word | 3) != (c->reg[FIRST] | 3u))) {
		c->reg[READER]++;
		go(r, c->reg[READER] == closer_of(r) ? 4 : 2);
		return;
	}
	c->reg[FIRST] = (uint8_t)word;
	go(r, 3);
}

static bool runs_old(const struct thread_state *t)
{
	return t->reg[INSIDE] == OLD + 1 || t->reg[BANK + INSIDE] == OLD + 1;
}

static void move_begin(struct run *r)
{
	r->s->ghost[MOVING] = 1;
	for (unsigned t = 0; t < closer_of(r); t++)
		check(r, !runs_old(&r->s->thread[t]),
		    "moves state that is in use");
}

static void free_old(struct run *r)
{
	r->s->ghost[FREED] = 1;
	for (unsigned t = 0; t < closer_of(r); t++) {
		check(r, !runs_old(&r->s->thread[t]), "frees code that runs");
		check(r, ordered(r, USED + t),
		    "frees what an earlier use may still read");
	}
}

static void close_step(struct run *r)
{
	switch (self(r)->pc) {
	case 0:
		store(r, BIND, DRAINING, RELEASE);
		go(r, r->mutant == DROP_MEMBARRIER ? 2 : 1);
		break;
	case 1:
		r->model == &gate_fences ? fence(r) : barrier(r);
		go(r, r->mutant == EARLY_FREE ? 4 : 2);
		break;
	case 2:
	case 3: wait_step(r); break;
	case 4:
		move_begin(r);
		go(r, 5);
		break;
	case 5:
		r->s->ghost[MOVING] = 0;
		go(r, 6);
		break;
	case 6:
		store(r, BIND, NEW, RELEASE);
		go(r, 7);
		break;
	default:
		free_old(r);
		go(r, DONE);
		break;
	}
}

static void gate_step(struct run *r)
{
	if (r->t == closer_of(r))
		close_step(r);
	else
		reader_step(r);
}

static void gate_init(struct state *s)
{
	s->thread[0].reg[ROUNDS] = 2;
	s->thread[1].reg[ROUNDS] = 2;
}

static void gate_init_3(struct state *s)
{
	for (unsigned t = 0; t < 3; t++)
		s->thread[t].reg[ROUNDS] = 1;
}

/* --- nesting */

/*
 * Unlike above, the own word is loaded where the code loads it, since the
 * handler may come between that load and the store.
 */
static void word_load(struct run *r)
{
	*reg(r, MINE) = load(r, WORD + r->t, PLAIN);
}

static void handler_step(struct run *r)
{
	const unsigned pc = self(r)->pc;

	switch (pc - HANDLER) {
	case 0:
	case 5: word_load(r); break;
	case 1: word_enter(r); break;
	case 2: binding_load(r); break;
	case 3: use_begin(r); break;
	case 4: use_end(r); break;
	default: word_exit(r); break;
	}
	if (pc == HANDLER + 2 && !is_open(r))
		go(r, HANDLER + 5);
	else
		go(r, pc < HANDLER + 6 ? pc + 1 : self(r)->reg[RETURN]);
}

static void nesting_step(struct run *r)
{
	const unsigned pc = self(r)->pc;

	switch (pc) {
	case 0:
	case 4: /* the inner section, while the code runs */
	case 6:
	case 9: word_load(r); break;
	case 1:
	case 5: word_enter(r); break;
	case 2: binding_load(r); break;
	case 3: use_begin(r); break;
	case 8: use_end(r); break;
	default: word_exit(r); break;
	}
	if (pc == 2 && !is_open(r))
		go(r, 9);
	else
		go(r, pc < 10 ? pc + 1 : DONE);
}

static void nested_step(struct run *r)
{
	struct thread_state *t = self(r);

	if (r->t == closer_of(r)) {
		close_step(r);
	} else if (t->pc >= HANDLER) {
		handler_step(r);
	} else if (t->reg[SIGNALS] > 0 && choose(r, 2) == 1) {
		t->reg[SIGNALS]--;
		t->reg[RETURN] = t->pc;
		go(r, HANDLER);
	} else {
		nesting_step(r);
	}
}

static void nesting_init(struct state *s)
{
	s->thread[0].reg[SIGNALS] = 1;
}

const struct model gate_2_readers = { "gate, 2 readers", 3, 7, two, locations,
	gate_init, gate_step, NULL };
const struct model gate_3_readers = { "gate, 3 readers", 4, 7, three, locations,
	gate_init_3, gate_step, NULL };
const struct model gate_fences = { "gate with fences", 3, 7, two, locations,
	gate_init, gate_step, NULL };
const struct model nesting = { "nesting and signals", 3, 7, two, locations,
	nesting_init, nested_step, NULL };
