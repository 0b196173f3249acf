/* SPDX-License-Identifier: MIT */
/*
 * Handles that are revoked, by whoever has closed their target by force, while
 * others use, put and take them. One slot; its handle 1 is on the target A.
 *
 * revoking: its holder enters by it (tn_handle_enter), twice if it may, puts
 * it, and takes handle 2 in the same slot, on the target B, which nobody
 * closes. restoring: A is the second target at its address; handle 1 was on the
 * first, and has been revoked for good. The closer of the second revokes its
 * handles and, as it cannot stop, restores them; meanwhile the owner of the slot
 * puts handle 1 and is refused another one on A, and somebody else comes late
 * with a copy of handle 1.
 */
#include <stddef.h>

#include "models.h"

enum {
	WORD, /* of the user's thread: odd inside of a section */
	SEQ,
	RET,
	REV,
	TARGET,
	USED,
	LOCS
};

enum {
	NO_TARGET,
	A,
	B
};

enum {
	FREED, /* what A was */
	USES_A
};

enum {
	NUMBER, /* of the handle; of the closer: of the slot */
	SAW,
	ROUND,
	TARGET_WAS
};

static const char *const locations[] = { "WORD", "SEQ", "RET", "REV", "TARGET",
	"USED" };
static const uint8_t fresh[MAX_LOCS] = { [SEQ] = 1, [TARGET] = A };
static const uint8_t revoked[MAX_LOCS] = { [SEQ] = 1, [REV] = 1, [TARGET] = A };

/* --- using a handle */

enum {
	START,
	ENTER,
	CHECK, /* three loads */
	USE = CHECK + 3,
	USE_END,
	EXIT,
	STALE,
	AFTER
};

static bool section_comes_last(const struct run *r)
{
	return r->mutant == CHECK_BEFORE_SECTION;
}

/* tn_handle_is_held: what makes it stale at each of its loads. */
static void check_step(struct run *r, unsigned n)
{
	static const uint8_t loc[] = { SEQ, RET, REV };
	struct thread_state *t = self(r);
	const unsigned number = t->reg[NUMBER];
	const unsigned saw = load(r, loc[n], n == 0 ? ACQUIRE : PLAIN);
	const bool stale = n == 0   ? saw != number
			   : n == 1 ? saw >= number
				    : saw == number;

	if (stale)
		go(r, section_comes_last(r) ? AFTER : STALE);
	else if (n < 2)
		go(r, t->pc + 1u);
	else
		go(r, section_comes_last(r) ? ENTER : USE);
}

static void word_step(struct run *r, enum order order, unsigned next)
{
	struct thread_state *t = self(r);

	/* Its own word: nobody else writes it. */
	store(r, WORD, ++t->reg[SAW], order);
	go(r, next);
}

static void use_step(struct run *r)
{
	struct thread_state *t = self(r);
	const bool of_a = t->reg[NUMBER] == 1;

	switch (t->pc) {
	case START: go(r, section_comes_last(r) ? CHECK : ENTER); break;
	case ENTER:
		word_step(r, PLAIN, section_comes_last(r) ? USE : CHECK);
		break;
	case USE:
		check(r, !of_a || !r->s->ghost[FREED], "uses what is freed");
		r->s->ghost[USES_A] = of_a;
		go(r, USE_END);
		break;
	case USE_END:
		r->s->ghost[USES_A] = 0;
		if (of_a)
			mark(r, USED);
		go(r, EXIT);
		break;
	case EXIT:
		word_step(
		    r, r->mutant == RELAXED_EXIT ? PLAIN : RELEASE, AFTER);
		break;
	case STALE:
		check(r, of_a, "is stale, and was not revoked");
		word_step(r, RELEASE, AFTER);
		break;
	default: check_step(r, t->pc - CHECK); break;
	}
}

/* --- the holder: uses, puts, takes, uses */

static void holder_step(struct run *r)
{
	struct thread_state *t = self(r);

	switch (t->pc) {
	case AFTER:
		go(r, AFTER + 1);
		if (t->reg[NUMBER] == 2)
			go(r, DONE);
		else if (t->reg[ROUND]++ == 0)
			go(r, START);
		break;
	case AFTER + 1:
		store(r, RET, 1, RELEASE);
		go(r, AFTER + 2);
		break;
	case AFTER + 2: /* behind the fence of tn_handle_take */
		store(r, TARGET, B, RELEASE);
		go(r, AFTER + 3);
		break;
	case AFTER + 3:
		store(r, SEQ, 2, RELEASE);
		t->reg[NUMBER] = 2;
		go(r, START);
		break;
	default: use_step(r); break;
	}
}

/* --- the closer of A */

enum {
	LOOK = 0, /* four loads: slot_holds */
	GROW = 4,
	FORGET,
	FORGET_CAS,
	BARRIER,
	READ_WORD,
	AWAIT,
	FREE
};

/* The target last: then it is that of the number, or of a later one. */
static void look_step(struct run *r)
{
	static const uint8_t right[] = { SEQ, RET, REV, TARGET };
	static const uint8_t target_first[] = { TARGET, SEQ, RET, REV };
	struct thread_state *c = self(r);
	const uint8_t loc = r->mutant == TARGET_BEFORE_NUMBER
				? target_first[c->pc]
				: right[c->pc];
	const uint8_t saw =
	    load(r, loc, loc == SEQ || loc == RET ? ACQUIRE : PLAIN);
	bool held = true;

	if (loc == SEQ)
		c->reg[NUMBER] = saw;
	else if (loc == TARGET)
		held = saw == A;
	else
		held = saw != c->reg[NUMBER];
	go(r, held ? c->pc + 1u : FORGET);
}

static void revoke_step(struct run *r, unsigned next)
{
	struct thread_state *c = self(r);

	switch (c->pc) {
	case GROW: /* number_grow, from 0 */
		(void)swap_if(r, REV, 0, c->reg[NUMBER]);
		if (!r->blocked)
			go(r, next);
		break;
	case FORGET:
		c->reg[TARGET_WAS] = load(r, TARGET, PLAIN);
		go(r, c->reg[TARGET_WAS] == A && r->mutant != RESTORE_EARLIER
			  ? FORGET_CAS
			  : next);
		break;
	case FORGET_CAS:
		(void)swap_if(r, TARGET, A, NO_TARGET);
		if (!r->blocked)
			go(r, next);
		break;
	default: look_step(r); break;
	}
}

/* gate_synchronize, and then what A was is freed. */
static void free_step(struct run *r)
{
	struct thread_state *c = self(r);
	unsigned word;

	switch (c->pc) {
	case BARRIER:
		if (r->mutant != DROP_MEMBARRIER)
			barrier(r);
		go(r, r->mutant == EARLY_FREE ? FREE : READ_WORD);
		break;
	case READ_WORD:
		c->reg[SAW] = load(r, WORD, ACQUIRE);
		go(r, c->reg[SAW] % 2 != 0 ? AWAIT : FREE);
		break;
	case AWAIT:
		word = load(r, WORD, ACQUIRE);
		go(r, word != c->reg[SAW] ? FREE : AWAIT);
		break;
	default:
		r->s->ghost[FREED] = 1;
		check(r, !r->s->ghost[USES_A], "frees what is in use");
		check(r, ordered(r, USED),
		    "frees what an earlier use may still read");
		go(r, DONE);
		break;
	}
}

static void revoking_step(struct run *r)
{
	if (r->t == 0)
		holder_step(r);
	else if (self(r)->pc < BARRIER)
		revoke_step(r, BARRIER);
	else
		free_step(r);
}

/* --- restoring */

/* Puts handle 1; the take of the next one meets a target that is dead. */
static void owner_step(struct run *r)
{
	switch (self(r)->pc) {
	case 0: store(r, RET, 1, RELEASE); break;
	case 1: store(r, TARGET, A, RELEASE); break;
	case 2: store(r, SEQ, 2, RELEASE); break;
	default:
		store(r, RET, 2, RELEASE);
		go(r, DONE);
		return;
	}
	go(r, self(r)->pc + 1u);
}

/* With a copy of handle 1, which must not let him in. */
static void late_step(struct run *r)
{
	if (self(r)->pc == AFTER)
		go(r, DONE);
	else
		use_step(r);
}

enum {
	NUMBER_NOW = BARRIER,
	TARGET_NOW,
	RETURNED_NOW,
	RESTORE
};

static void restore_step(struct run *r)
{
	struct thread_state *c = self(r);

	switch (c->pc) {
	case NUMBER_NOW:
		c->reg[NUMBER] = load(r, SEQ, ACQUIRE);
		go(r, TARGET_NOW);
		break;
	case TARGET_NOW:
		if (load(r, TARGET, ACQUIRE) != A)
			go(r, DONE);
		else
			go(r,
			    r->mutant == RESTORE_PUT ? RESTORE : RETURNED_NOW);
		break;
	case RETURNED_NOW:
		go(r, load(r, RET, PLAIN) >= c->reg[NUMBER] ? DONE : RESTORE);
		break;
	default:
		(void)swap_if(r, REV, c->reg[NUMBER], 0);
		if (!r->blocked)
			go(r, DONE);
		break;
	}
}

static void restoring_step(struct run *r)
{
	switch (r->t) {
	case 0: late_step(r); break;
	case 1: owner_step(r); break;
	default:
		if (self(r)->pc < BARRIER)
			revoke_step(r, NUMBER_NOW);
		else
			restore_step(r);
		break;
	}
}

static void first_handle(struct state *s)
{
	s->thread[0].reg[NUMBER] = 1;
}

static void first_is_revoked(struct state *s)
{
	first_handle(s);
	s->ghost[FREED] = 1;
}

static const char *const users[] = { "holder", "closer" };
static const char *const restorers[] = { "late user", "owner", "closer" };

const struct model revoking = { "handles revoked", 2, LOCS, users, locations,
	first_handle, revoking_step, fresh };
const struct model restoring = { "handles restored", 3, LOCS, restorers,
	locations, first_is_revoked, restoring_step, revoked };
