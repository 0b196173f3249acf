/* SPDX-License-Identifier: MIT */
/*
 * Read sections by per-thread words.
 *
 *	word = (number of finished outer sections << 8) | depth of nesting
 *
 * so that a section is running when the low byte is not 0, and it has ended
 * when the word shows another number or depth 0. One word, so that a signal
 * handler that enters and leaves between any two instructions of enter or
 * exit does no harm: it leaves depth as it was, and at worst the interrupted
 * enter repeats an older number, which lets a waiter wait for longer.
 *
 * Records are never freed, only used again by later threads, so that waiters
 * look at them without a lock. The list only grows, at its head.
 *
 * Ordering. A writer unpublishes a pointer, waits, and frees what it pointed
 * to. Two things must hold for each reader:
 *  1. Either the waiter sees the reader's word, or the reader sees the
 *     pointer unpublished. Between the store of its word and its loads the
 *     reader has only a compiler barrier; the waiter executes membarrier
 *     between its store and its loads of the words, which puts a full
 *     barrier into every running thread at that moment. If it falls behind
 *     the reader's store, the waiter sees the word; if it falls before, the
 *     reader's loads come later than the writer's store. Without membarrier
 *     both sides have a seq_cst fence, and the same follows from their order.
 *  2. The reader's loads come before the free: the store that ends the
 *     section is a release, which the waiter's acquire load reads.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <base/compiler.h>
#include <host/epoch.h>
#include <host/process.h>

#define DEPTH 0xffull

struct reader {
	_Alignas(64) atomic_ullong word; /* written by its thread only */
	struct reader *next;             /* set before the record is listed */
	bool taken;                      /* lock */
};

/* Protects: the head of the list, taken, and the key's creation. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct reader *) readers;
static pthread_key_t key;
static bool have_key; /* lock */

/* Sections of threads that could get no record; costs them a shared line. */
static atomic_ullong crowd;

static __thread struct reader *self __attribute__((tls_model("initial-exec")));
static __thread unsigned crowd_depth __attribute__((tls_model("initial-exec")));

/* The thread ends, perhaps inside of a section. */
static void leave_thread(void *arg)
{
	struct reader *r = arg;
	const uint64_t word =
	    atomic_load_explicit(&r->word, memory_order_relaxed);

	self = NULL;
	atomic_store_explicit(
	    &r->word, (word | DEPTH) + 1, memory_order_release);
	pthread_mutex_lock(&lock);
	r->taken = false;
	pthread_mutex_unlock(&lock);
}

static struct reader *reader_take_locked(void)
{
	struct reader *r;

	if (!have_key && pthread_key_create(&key, leave_thread) != 0)
		return NULL;
	have_key = true;
	for (r = atomic_load(&readers); r && r->taken; r = r->next)
		;
	if (!r) {
		r = aligned_alloc(_Alignof(struct reader), sizeof(*r));
		if (!r)
			return NULL;
		atomic_init(&r->word, 0);
		r->next = atomic_load(&readers);
		atomic_store(&readers, r);
	}
	if (pthread_setspecific(key, r) != 0)
		return NULL;
	r->taken = true;
	return r;
}

/* The first section of a thread; apart, so that epoch_enter stays small. */
static __attribute__((noinline)) struct reader *reader_take(void)
{
	pthread_mutex_lock(&lock);
	self = reader_take_locked();
	pthread_mutex_unlock(&lock);
	return self;
}

void epoch_enter(bool fence)
{
	struct reader *r = self;
	uint64_t word;

	if (UNLIKELY(crowd_depth || (!r && !(r = reader_take())))) {
		crowd_depth++;
		atomic_fetch_add(&crowd, 1);
		atomic_thread_fence(memory_order_seq_cst);
		return;
	}
	word = atomic_load_explicit(&r->word, memory_order_relaxed);
	atomic_store_explicit(&r->word, word + 1, memory_order_relaxed);
	if (fence)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
}

void epoch_exit(void)
{
	struct reader *r = self;
	uint64_t word;

	if (UNLIKELY(crowd_depth)) {
		crowd_depth--;
		atomic_fetch_sub_explicit(&crowd, 1, memory_order_release);
		return;
	}
	if (UNLIKELY(!r))
		return; /* the thread is ending and its record is given back */
	word = atomic_load_explicit(&r->word, memory_order_relaxed);
	/* The outermost one also counts; inner ones only reduce the depth. */
	word = (word & DEPTH) == 1 ? (word | DEPTH) + 1 : word - 1;
	atomic_store_explicit(&r->word, word, memory_order_release);
}

/* Lets others run: at once at first, then in growing naps up to 1 ms. */
static void back_off(unsigned *round)
{
	struct timespec nap = { 0, 1000L << (*round < 10 ? *round : 10) };

	if ((*round)++ < 4)
		sched_yield();
	else
		nanosleep(&nap, NULL);
}

/*
 * Membarrier worked when the port was made and has been forbidden since. No
 * barrier is left that readers without fences would notice; stores leave a
 * processor's buffer long before this time is over.
 */
static const struct timespec last_resort = { 0, 20000000 };

static void wait_for(struct reader *r)
{
	const uint64_t first =
	    atomic_load_explicit(&r->word, memory_order_acquire);
	uint64_t word = first;
	unsigned round = 0;

	while ((word & DEPTH) && (word | DEPTH) == (first | DEPTH)) {
		back_off(&round);
		word = atomic_load_explicit(&r->word, memory_order_acquire);
	}
}

/*
 * True when no other thread has a record. A thread that gets one later takes
 * the lock after us, and so sees what was unpublished before this call.
 */
static bool alone(void)
{
	const struct reader *r;
	bool found = atomic_load(&crowd) != 0;

	pthread_mutex_lock(&lock);
	for (r = atomic_load(&readers); r && !found; r = r->next)
		found = r->taken && r != self;
	pthread_mutex_unlock(&lock);
	return !found;
}

void epoch_wait(bool fence)
{
	unsigned round = 0;

	if (alone())
		return;
	atomic_thread_fence(memory_order_seq_cst);
	if (!fence && !process_barrier(BARRIER_MEMORY))
		nanosleep(&last_resort, NULL);
	for (struct reader *r = atomic_load(&readers); r; r = r->next) {
		if (r != self)
			wait_for(r);
	}
	while (atomic_load_explicit(&crowd, memory_order_acquire) != 0)
		back_off(&round);
}

void epoch_before_fork(void)
{
	pthread_mutex_lock(&lock);
}

/* In the child the other threads are gone, and with them their sections. */
void epoch_after_fork(bool child)
{
	for (struct reader *r = atomic_load(&readers); r && child;
	     r = r->next) {
		if (r != self) {
			atomic_store(&r->word, 0);
			r->taken = false;
		}
	}
	if (child)
		atomic_store(&crowd, crowd_depth);
	pthread_mutex_unlock(&lock);
}
