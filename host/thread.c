/* SPDX-License-Identifier: MIT */
/*
 * Waiting, waking and threads of the host port. Waiting is futex(2) on the
 * engine's own words, private to the process, with an absolute deadline on the
 * monotonic clock, which is the port's now_ns.
 */
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <base/compiler.h>
#include <host/process.h>
#include <tenon/err.h>

#define NAME_MAX_BYTES 16 /* of pthread_setname_np, with its NUL */

struct thread {
	pthread_t id;
	void (*fn)(void *arg);
	void *arg;
	char name[NAME_MAX_BYTES];
	unsigned generation; /* of the process that it runs in */
};

int thread_wait(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};
	long err;

	(void)ctx;
	/* BITSET, because its time-out is absolute. */
	err = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
	    value, deadline_ns == UINT64_MAX ? NULL : &until, NULL,
	    FUTEX_BITSET_MATCH_ANY);
	return err < 0 && errno == ETIMEDOUT ? -TN_ETIMEDOUT : 0;
}

void thread_wake(void *ctx, const uint32_t *word)
{
	(void)ctx;
	(void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX,
	    NULL, NULL, 0);
}

void thread_relax(void *ctx)
{
	(void)ctx;
	sched_yield();
}

uintptr_t thread_self(void *ctx)
{
	(void)ctx;
	return (uintptr_t)pthread_self();
}

static void *run(void *arg)
{
	struct thread *t = arg;

	/* A name is for debuggers; without one the thread works as well. */
	(void)pthread_setname_np(pthread_self(), t->name);
	t->fn(t->arg);
	return NULL;
}

/* The process's signals are for the threads that it has made itself. */
static int create_masked(struct thread *t)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&t->id, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

int thread_create(void *ctx, const char *name, void (*fn)(void *arg), void *arg,
    void **thread)
{
	struct thread *t = calloc(1, sizeof(*t));

	(void)ctx;
	if (!t)
		return -TN_ENOMEM;
	t->generation = process_generation();
	t->fn = fn;
	t->arg = arg;
	strncpy(t->name, name, sizeof(t->name) - 1);
	if (create_masked(t) != 0) {
		free(t);
		return -TN_EAGAIN;
	}
	*thread = t;
	return 0;
}

void thread_join(void *ctx, void *thread)
{
	struct thread *t = thread;

	(void)ctx;
	/* In a child of fork it has never run. */
	if (t->generation == process_generation())
		pthread_join(t->id, NULL);
	free(t);
}
