/* SPDX-License-Identifier: MIT */
/*
 * A tour of all processors: see tour.h.
 *
 * Why it is a barrier. Take a thread T that shall have passed one between the
 * beginning and the end of the tour. Either it was not running at some moment
 * of the tour, or it moved to another processor: then the system has switched
 * from it or to it meanwhile, and a switch is a full barrier on every machine
 * (membarrier(2) itself passes over threads that do not run, for that reason).
 * Or it was running all the time on one processor. That one was not visited,
 * since nobody else runs there while we do. So it is not in the set of those
 * that were visited, T may run outside of that set, and the tour has failed.
 *
 * That a thread may run where another one of its process may not takes a
 * cpuset of its own for some threads. Then it is decided by asking for the
 * processors of each thread that matters.
 */
#include "tour.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gate/world.h>

#define MAX_PROCESSORS 8192u
#define WORD_BITS      (sizeof(unsigned long) * CHAR_BIT)

/* As the system calls have it; libc's is smaller than large machines. */
struct processors {
	unsigned long word[MAX_PROCESSORS / WORD_BITS];
};

/* Where thread @tid may run; how many there are at most, or below 0. */
static long processors_of(pid_t tid, struct processors *out)
{
	const long bytes = (memset(out, 0, sizeof(*out)),
	    syscall(SYS_sched_getaffinity, tid, sizeof(*out), out));

	return bytes < 0 ? -errno : bytes * CHAR_BIT;
}

static bool move_to(const struct processors *where)
{
	return syscall(SYS_sched_setaffinity, 0, sizeof(*where), where) == 0;
}

/* False: it is not there, or not for us. */
static bool visit(unsigned i)
{
	struct processors one = { { 0 } };

	one.word[i / WORD_BITS] = 1ul << i % WORD_BITS;
	return move_to(&one) && sched_getcpu() == (int)i;
}

/*
 * Whoever was bound to nothing is bound to nothing again, so that it also runs
 * on processors that come later.
 */
static void return_to(
    const struct processors *home, const struct processors *seen)
{
	struct processors all;

	memset(&all, 0xff, sizeof(all));
	if (memcmp(home, seen, sizeof(all)) != 0 || !move_to(&all))
		(void)move_to(home); /* else it stays where it may be */
}

/* A thread that has ended does not run. */
static bool is_within(void *arg, uint32_t tid)
{
	const struct processors *seen = arg;
	struct processors its;
	const long n = processors_of((pid_t)tid, &its);

	if (n < 0)
		return n == -ESRCH;
	for (size_t i = 0; i < MAX_PROCESSORS / WORD_BITS; i++)
		if ((its.word[i] & ~seen->word[i]) != 0)
			return false;
	return true;
}

bool tour_processors(void)
{
	struct processors home, seen = { { 0 } };
	const long n = processors_of(0, &home);

	if (n < 0)
		return false;
	/* Pairs with the switches: what was stored before is seen after. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < (unsigned long)n; i++)
		if (visit(i))
			seen.word[i / WORD_BITS] |= 1ul << i % WORD_BITS;
	return_to(&home, &seen);
	atomic_thread_fence(memory_order_seq_cst);
	return gate_each_unfenced(is_within, &seen);
}
