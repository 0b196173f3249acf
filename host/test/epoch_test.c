/* SPDX-License-Identifier: MIT */
/*
 * Read sections with threads: a waiter waits for the sections that matter and
 * for no others.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <host/epoch.h>
#include <host/process.h>
#include <test/test.h>

/* A reader that is inside when `inside` is set, until `leave` is. */
struct reader_job {
	atomic_bool inside;
	atomic_bool leave;
	atomic_bool waited;
	bool fence;
	unsigned depth;
};

static void *reader(void *arg)
{
	struct reader_job *job = arg;

	for (unsigned i = 0; i < job->depth; i++)
		epoch_enter(job->fence);
	for (unsigned i = 1; i < job->depth; i++)
		epoch_exit();
	atomic_store(&job->inside, true);
	while (!atomic_load(&job->leave))
		sched_yield();
	epoch_exit();
	return NULL;
}

static void *waiter(void *arg)
{
	struct reader_job *job = arg;

	epoch_wait(job->fence);
	atomic_store(&job->waited, true);
	return NULL;
}

static void check_waits(bool fence, unsigned depth)
{
	struct reader_job job = { .fence = fence, .depth = depth };
	pthread_t r, w;

	CHECK_EQ(pthread_create(&r, NULL, reader, &job), 0);
	while (!atomic_load(&job.inside))
		sched_yield();
	CHECK_EQ(pthread_create(&w, NULL, waiter, &job), 0);
	for (int i = 0; i < 200; i++)
		sched_yield();
	CHECK(!atomic_load(&job.waited));
	atomic_store(&job.leave, true);
	pthread_join(w, NULL);
	pthread_join(r, NULL);
	CHECK(atomic_load(&job.waited));
}

TEST(epoch, a_waiter_waits_for_a_section_that_is_running)
{
	check_waits(true, 1);
	if (process_barrier(BARRIER_MEMORY))
		check_waits(false, 1);
}

TEST(epoch, leaving_an_inner_section_does_not_end_the_outer)
{
	check_waits(true, 3);
}

TEST(epoch, a_thread_outside_of_sections_is_not_waited_for)
{
	epoch_enter(true);
	epoch_exit();
	epoch_wait(true);
	epoch_wait(false);
}

static void *ends_inside(void *arg)
{
	(void)arg;
	epoch_enter(true);
	epoch_enter(true);
	return NULL;
}

TEST(epoch, a_thread_that_ends_inside_does_not_hold_the_waiter)
{
	for (int i = 0; i < 50; i++) {
		pthread_t t;

		CHECK_EQ(pthread_create(&t, NULL, ends_inside, NULL), 0);
		pthread_join(t, NULL);
		epoch_wait(true);
	}
}

static pthread_key_t late_key;

/* Runs when the engine's own destructor may have run already. */
static void late_section(void *arg)
{
	(void)arg;
	epoch_enter(true);
	epoch_exit();
}

static void *enters_late(void *arg)
{
	epoch_enter(true);
	epoch_exit();
	pthread_setspecific(late_key, arg);
	return NULL;
}

TEST(epoch, sections_in_destructors_of_a_thread_are_counted)
{
	int dummy;
	pthread_t t;

	CHECK_EQ(pthread_key_create(&late_key, late_section), 0);
	CHECK_EQ(pthread_create(&t, NULL, enters_late, &dummy), 0);
	pthread_join(t, NULL);
	epoch_wait(true);
	pthread_key_delete(late_key);
}

static void in_signal(int number)
{
	(void)number;
	epoch_enter(true);
	epoch_enter(true);
	epoch_exit();
	epoch_exit();
}

TEST(epoch, sections_nest_in_signal_handlers)
{
	struct sigaction old, act = { .sa_handler = in_signal };
	struct reader_job job = { .fence = true };

	epoch_enter(true);
	CHECK_EQ(sigaction(SIGUSR1, &act, &old), 0);
	for (int i = 0; i < 100; i++)
		raise(SIGUSR1);
	epoch_exit();
	raise(SIGUSR1);
	sigaction(SIGUSR1, &old, NULL);
	waiter(&job);
	CHECK(job.waited);
}

/* A published object is poisoned when the writer believes it to be free. */
#define READERS 3
#define ROUNDS  300

struct shared {
	_Atomic(int *) published;
	atomic_bool stop;
	atomic_int bad;
	bool fence;
};

static void *read_published(void *arg)
{
	struct shared *s = arg;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		epoch_enter(s->fence);
		const int *p =
		    atomic_load_explicit(&s->published, memory_order_acquire);

		for (int i = 0; i < 20; i++) {
			if (*p != 1234)
				atomic_fetch_add(&s->bad, 1);
		}
		epoch_exit();
		sched_yield(); /* outside, mostly, on few processors */
	}
	return NULL;
}

static int *make_object(void)
{
	int *p = malloc(sizeof(*p));

	if (p)
		*p = 1234;
	return p;
}

static void check_grace(bool fence)
{
	struct shared s = { .fence = fence };
	pthread_t t[READERS];

	atomic_store(&s.published, make_object());
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, read_published, &s), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int *old = atomic_exchange(&s.published, make_object());

		epoch_wait(fence);
		*old = 0;
		free(old);
	}
	atomic_store(&s.stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(s.bad, 0);
	free(s.published);
}

TEST(epoch, what_a_reader_holds_is_not_freed_with_fences)
{
	check_grace(true);
}

TEST(epoch, what_a_reader_holds_is_not_freed_with_membarrier)
{
	if (!process_barrier(BARRIER_MEMORY))
		SKIP("no membarrier here");
	check_grace(false);
}
