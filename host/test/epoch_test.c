/* SPDX-License-Identifier: MIT */
/*
 * Read sections with threads: a waiter waits for the sections that matter and
 * for no others.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gate/close.h>
#include <gate/world.h>
#include <host/epoch.h>
#include <tenon/gate.h>
#include <test/sandbox.h>

/* A reader that is inside when `inside` is set, until `leave` is. */
struct reader_job {
	atomic_bool inside;
	atomic_bool leave;
	atomic_bool waited;
	unsigned depth;
};

static void *reader(void *arg)
{
	struct reader_job *job = arg;

	for (unsigned i = 0; i < job->depth; i++)
		epoch_enter();
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

	gate_synchronize();
	atomic_store(&job->waited, true);
	return NULL;
}

static void check_waits(unsigned depth)
{
	struct reader_job job = { .depth = depth };
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
	check_waits(1);
}

TEST(epoch, leaving_an_inner_section_does_not_end_the_outer)
{
	check_waits(3);
}

TEST(epoch, a_thread_outside_of_sections_is_not_waited_for)
{
	epoch_enter();
	epoch_exit();
	gate_synchronize();
}

static void *ends_inside(void *arg)
{
	(void)arg;
	epoch_enter();
	epoch_enter();
	return NULL;
}

TEST(epoch, a_thread_that_ends_inside_does_not_hold_the_waiter)
{
	for (int i = 0; i < 50; i++) {
		pthread_t t;

		CHECK_EQ(pthread_create(&t, NULL, ends_inside, NULL), 0);
		pthread_join(t, NULL);
		gate_synchronize();
	}
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

/* In a process of its own, which gets no records any more. */
static int crowd_ends_inside(void)
{
	static struct gate_world poor;
	pthread_t t;

	poor = *gate_world();
	poor.alloc = no_memory;
	gate_start(&poor);
	while (gate_thread_claim(1, true))
		;
	if (pthread_create(&t, NULL, ends_inside, NULL) != 0)
		return SANDBOX_NONE;
	pthread_join(t, NULL);
	alarm(60); /* a hang is a failure */
	gate_synchronize();
	return test_failed();
}

TEST(epoch, a_thread_without_a_record_that_ends_inside_does_not_either)
{
	CHECK_IN_CHILD(crowd_ends_inside);
}

static pthread_key_t late_key;

/* Runs when the engine's own destructor may have run already. */
static void late_section(void *arg)
{
	(void)arg;
	epoch_enter();
	epoch_exit();
}

static void *enters_late(void *arg)
{
	epoch_enter();
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
	gate_synchronize();
	pthread_key_delete(late_key);
}

static void in_signal(int number)
{
	(void)number;
	epoch_enter();
	epoch_enter();
	epoch_exit();
	epoch_exit();
}

TEST(epoch, sections_nest_in_signal_handlers)
{
	struct sigaction old, act = { .sa_handler = in_signal };
	struct reader_job job = { .depth = 0 };

	epoch_enter();
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
};

static void *read_published(void *arg)
{
	struct shared *s = arg;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		epoch_enter();
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

static void check_grace(void)
{
	struct shared s = { .stop = false };
	pthread_t t[READERS];

	atomic_store(&s.published, make_object());
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, read_published, &s), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int *old = atomic_exchange(&s.published, make_object());

		gate_synchronize();
		*old = 0;
		free(old);
	}
	atomic_store(&s.stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(s.bad, 0);
	free(s.published);
}

TEST(epoch, what_a_reader_holds_is_not_freed)
{
	check_grace();
}

/* In a process of its own, as there is no way back. */
static int with_fences(void)
{
	epoch_enter(); /* also what is inside already is waited for */
	epoch_use_fences();
	epoch_exit();
	if (!epoch_fences() || tn_gate_self || !sandbox_kill(SYS_membarrier))
		return SANDBOX_NONE;
	check_waits(1);
	check_waits(3);
	check_grace();
	return test_failed();
}

TEST(epoch, with_fences_membarrier_is_not_called)
{
	CHECK_IN_CHILD(with_fences);
}
