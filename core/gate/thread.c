/* SPDX-License-Identifier: MIT */
/*
 * Threads: the world they run in, their records, and waiting for sections.
 *
 * Records form a list that only grows, at its head; a record is taken and
 * given back by its flag `taken`, so that nobody needs a lock and waiters walk
 * the list at any time.
 *
 * Ordering. A writer unpublishes a pointer, waits, and frees what it pointed
 * to. Two things must hold for each reader:
 *  1. Either the waiter sees the reader's word, or the reader sees the
 *     pointer unpublished. Between the store of its word and its loads the
 *     reader has only a compiler barrier; the waiter executes gate_barrier
 *     between its store and its loads of the words, which puts a full
 *     barrier into every running thread at that moment. If it falls behind
 *     the reader's store, the waiter sees the word; if it falls before, the
 *     reader's loads come later than the writer's store. A reader whose
 *     record says so has a seq_cst fence of his own there; with that of the
 *     waiter the same follows from their order, and no barrier is needed for
 *     him. What a record says may be out of date: whoever claims it has a
 *     fence behind what he writes to it, so a waiter who does not see that
 *     has his own fence before, and all sections of the new thread come later.
 *  2. The reader's loads come before the free: the store that ends the
 *     section is a release, which the waiter's acquire load reads; or it
 *     reads a later store of this thread, which belongs to the release
 *     sequence (C11 5.1.2.4; the machines order it likewise: Arm by its rule
 *     "po; [L]; coi", RISC-V by the fence in front of the release).
 * model/ checks both, with and without store buffers and reordering.
 */
#include "internal.h"

#include <base/compiler.h>

/* Set once, before the first thread and gate. */
const struct gate_world *gate_the_world;

static struct tn_gate_thread *threads; /* atomic; grows at its head */
static uint32_t nthreads;              /* atomic; the next number */
static uint64_t in_crowd;              /* atomic; sections without a record */
static uint32_t closing;               /* atomic; the lock of closers */

void gate_start(const struct gate_world *world)
{
	/* release: pairs with gate_world, if threads are there already */
	__atomic_store_n(&gate_the_world, world, __ATOMIC_RELEASE);
}

const struct gate_world *gate_world(void)
{
	return world_here();
}

struct tn_gate_thread *gate_threads(void)
{
	/* acquire: pairs with the release that listed the record */
	return __atomic_load_n(&threads, __ATOMIC_ACQUIRE);
}

/* --- records */

static bool thread_take(struct tn_gate_thread *t, uint32_t who)
{
	uint32_t free = 0;

	if (__atomic_load_n(&t->taken, __ATOMIC_RELAXED) != 0)
		return false;
	/* acquire: pairs with the release of gate_thread_release, so that
	   the slots are as their last thread has left them */
	return __atomic_compare_exchange_n(
	    &t->taken, &free, who, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static struct tn_gate_thread *thread_find(uint32_t who)
{
	struct tn_gate_thread *t = gate_threads();

	while (t != NULL && !thread_take(t, who))
		t = t->next;
	return t;
}

static struct tn_gate_thread *thread_make(uint32_t who)
{
	struct tn_gate_thread *t = gate_world()->alloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	t->taken = who;
	t->number = __atomic_fetch_add(&nthreads, 1, __ATOMIC_RELAXED);
	t->next = gate_threads();
	/* release: pairs with the acquire of gate_threads */
	while (!__atomic_compare_exchange_n(
	    &threads, &t->next, t, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return t;
}

struct tn_gate_thread *gate_thread_claim(uint32_t who, bool fences)
{
	struct tn_gate_thread *t = thread_find(who);

	if (t == NULL)
		t = thread_make(who);
	if (t == NULL)
		return NULL;
	/*
	 * Release, both: they carry what the last thread of the record has
	 * done, which we have seen (thread_take), on to a waiter that believes
	 * our fences or meets the word in our sections.
	 */
	__atomic_store_n(&t->fences, fences, __ATOMIC_RELEASE);
	__atomic_store_n(&t->word, __atomic_load_n(&t->word, __ATOMIC_RELAXED),
	    __ATOMIC_RELEASE);
	/*
	 * Pairs with the fences of gate_is_alone and gate_barrier: either the
	 * waiter sees that the record is taken, and by whom, or our sections
	 * see what it has unpublished.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return t;
}

void gate_thread_fence(struct tn_gate_thread *t)
{
	__atomic_store_n(&t->fences, 1, __ATOMIC_RELEASE);
	/* As in gate_thread_claim: a section that began before has no fence of
	   its own, but this one. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* --- sleepable calls: how many the thread has begun */

static uint32_t life_of(uint64_t elsewhere)
{
	return (uint32_t)(elsewhere >> 32);
}

/* Of the owner: what has ended on other threads meanwhile. */
static void settle(struct tn_gate_thread *t)
{
	const uint64_t lives = UINT64_C(0xffffffff) << 32;
	uint64_t n = __atomic_load_n(&t->ended_elsewhere, __ATOMIC_RELAXED);

	if (LIKELY((n & ~lives) == 0))
		return;
	n = __atomic_fetch_and(&t->ended_elsewhere, lives, __ATOMIC_RELAXED);
	t->sleepable -= (uint32_t)n;
}

uint32_t gate_sleepable_begin(struct tn_gate_thread *t)
{
	settle(t);
	t->sleepable++;
	return life_of(__atomic_load_n(&t->ended_elsewhere, __ATOMIC_RELAXED));
}

void gate_sleepable_end(struct tn_gate_thread *t, uint32_t life)
{
	uint64_t n = __atomic_load_n(&t->ended_elsewhere, __ATOMIC_RELAXED);

	/* Of a thread that has ended nothing is counted any more. */
	if (t == gate_world()->self(false) && life_of(n) == life) {
		t->sleepable--;
		return;
	}
	while (life_of(n) == life &&
	       !__atomic_compare_exchange_n(&t->ended_elsewhere, &n, n + 1,
		   true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

bool gate_may_wait(void)
{
	struct tn_gate_thread *self = gate_world()->self(false);

	if (gate_is_inside())
		return false;
	if (self == NULL)
		return true;
	settle(self);
	return self->sleepable == 0;
}

/* --- the end of a thread, and threads without a record */

void gate_thread_release(struct tn_gate_thread *t)
{
	const uint64_t word = __atomic_load_n(&t->word, __ATOMIC_RELAXED);
	const uint64_t life =
	    life_of(__atomic_load_n(&t->ended_elsewhere, __ATOMIC_RELAXED));

	t->frames = NULL;
	t->sleepable = 0;
	__atomic_store_n(
	    &t->ended_elsewhere, (life + 1) << 32, __ATOMIC_RELAXED);
	__atomic_store_n(&t->owner, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&t->deadline_ns, 0, __ATOMIC_RELAXED);
	/* Ends the sections that it is in; release as in every exit. */
	__atomic_store_n(
	    &t->word, (word | TN_GATE_DEPTH) + 1, __ATOMIC_RELEASE);
	/* release: pairs with thread_take and with gate_is_alone */
	__atomic_store_n(&t->taken, 0, __ATOMIC_RELEASE);
}

void gate_crowd_enter(void)
{
	(void)__atomic_fetch_add(&in_crowd, 1, __ATOMIC_RELAXED);
	/* Pairs with the fence of gate_is_alone and of gate_barrier. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void gate_crowd_exit(void)
{
	/* release: pairs with the acquire of crowd_is_empty */
	(void)__atomic_fetch_sub(&in_crowd, 1, __ATOMIC_RELEASE);
}

static bool crowd_is_empty(void)
{
	return __atomic_load_n(&in_crowd, __ATOMIC_ACQUIRE) == 0;
}

/* Who is in the crowd takes no record, so it is one or the other. */
bool gate_is_inside(void)
{
	const struct tn_gate_thread *self = gate_world()->self(false);

	if (self == NULL)
		return gate_crowd_depth() != 0;
	return (__atomic_load_n(&self->word, __ATOMIC_RELAXED) &
		   TN_GATE_DEPTH) != 0;
}

/* --- waiting */

/*
 * A thread that gets a record later, or joins the crowd, has a fence behind
 * ours, and so sees what was unpublished before this call. Hence the fence
 * comes before all loads.
 */
bool gate_is_alone(void)
{
	const struct tn_gate_thread *self = gate_world()->self(false);
	const struct tn_gate_thread *t;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!crowd_is_empty())
		return false;
	for (t = gate_threads(); t != NULL; t = t->next) {
		/* acquire: the sections of a thread that has ended */
		if (t != self && __atomic_load_n(&t->taken, __ATOMIC_ACQUIRE))
			return false;
	}
	return true;
}

bool gate_each_unfenced(bool (*fn)(void *arg, uint32_t who), void *arg)
{
	const struct tn_gate_thread *self = gate_world()->self(false);
	const struct tn_gate_thread *t = gate_threads();

	for (; t != NULL; t = t->next) {
		/* acquire, both: the sections of a thread that has ended;
		   fences pairs with gate_thread_claim */
		const uint32_t who =
		    __atomic_load_n(&t->taken, __ATOMIC_ACQUIRE);

		if (t == self || who == 0 ||
		    __atomic_load_n(&t->fences, __ATOMIC_ACQUIRE) != 0)
			continue;
		if (!fn(arg, who))
			return false;
	}
	return true;
}

/*
 * The three words are no snapshot: a thread that leaves one call and enters
 * another meanwhile may be told with the owner of the one and the deadline of
 * the other. Where a call does not end they stand still.
 */
int gate_each_overdue(uint64_t now_ns,
    int (*fn)(void *arg, const struct gate_overdue *o), void *arg)
{
	const struct tn_gate_thread *t = gate_threads();
	int stop = 0;

	for (; t != NULL && stop == 0; t = t->next) {
		const struct gate_overdue o = {
			.who = __atomic_load_n(&t->taken, __ATOMIC_RELAXED),
			.owner = __atomic_load_n(&t->owner, __ATOMIC_RELAXED),
			.deadline_ns =
			    __atomic_load_n(&t->deadline_ns, __ATOMIC_RELAXED),
		};

		if (o.deadline_ns != 0 && o.deadline_ns <= now_ns)
			stop = fn(arg, &o);
	}
	return stop;
}

static bool nobody(void *arg, uint32_t who)
{
	(void)arg;
	(void)who;
	return false;
}

bool gate_barrier(void)
{
	/* Pairs with the fences of readers that have their own. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return gate_each_unfenced(nobody, NULL) || gate_world()->barrier();
}

/* acquire: pairs with the release of the exit */
static bool wait_for(const struct tn_gate_thread *t, uint64_t deadline_ns)
{
	const uint64_t first = __atomic_load_n(&t->word, __ATOMIC_ACQUIRE);
	uint64_t word = first;
	unsigned round = 0;

	while ((word & TN_GATE_DEPTH) != 0 &&
	       (word | TN_GATE_DEPTH) == (first | TN_GATE_DEPTH)) {
		if (gate_deadline_passed(deadline_ns))
			return false;
		gate_world()->relax(round++);
		word = __atomic_load_n(&t->word, __ATOMIC_ACQUIRE);
	}
	return true;
}

bool gate_wait_readers(uint64_t deadline_ns)
{
	const struct tn_gate_thread *t;
	unsigned round = 0;

	for (t = gate_threads(); t != NULL; t = t->next) {
		if (!wait_for(t, deadline_ns))
			return false;
	}
	while (!crowd_is_empty()) {
		if (gate_deadline_passed(deadline_ns))
			return false;
		gate_world()->relax(round++);
	}
	return true;
}

bool gate_can_synchronize(void)
{
	return gate_is_alone() || gate_barrier();
}

void gate_synchronize(void)
{
	unsigned round = 0;

	if (gate_is_alone())
		return;
	while (!gate_barrier())
		gate_world()->relax(round++);
	(void)gate_wait_readers(TN_GATE_FOREVER); /* never times out */
}

/* --- forks */

void gate_closing_lock(void)
{
	unsigned round = 0;

	/* acquire and release: an ordinary lock */
	while (__atomic_exchange_n(&closing, 1, __ATOMIC_ACQUIRE) != 0)
		gate_world()->relax(round++);
}

void gate_closing_unlock(void)
{
	__atomic_store_n(&closing, 0, __ATOMIC_RELEASE);
}

/* No target is half closed in the child. */
void gate_before_fork(void)
{
	gate_closing_lock();
}

/*
 * The other threads are gone, and with them their sections. Their lists of
 * free slots may be torn; without one a thread looks at all of its slots.
 */
static void thread_abandon(struct tn_gate_thread *t)
{
	gate_thread_release(t);
	t->free = NULL;
	t->sweep = NULL;
}

void gate_after_fork(
    bool child, struct tn_gate_thread *self, uint32_t who, unsigned crowd)
{
	struct tn_gate_thread *t = child ? gate_threads() : NULL;

	for (; t != NULL; t = t->next) {
		if (t != self)
			thread_abandon(t);
	}
	if (child && self != NULL)
		__atomic_store_n(&self->taken, who, __ATOMIC_RELAXED);
	if (child)
		__atomic_store_n(&in_crowd, crowd, __ATOMIC_RELAXED);
	gate_closing_unlock();
}
