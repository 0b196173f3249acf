/* SPDX-License-Identifier: MIT */
/*
 * See signals.h. The first signal is one atomic word, its time and its number,
 * since handlers may run in any thread.
 *
 * System calls are restarted, so no file is half read; sleeps and poll end
 * early whatever the flags.
 */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <base/compiler.h>

#define NUMBER_BITS 8
#define ECHO_MS     1000 /* between two kill(2) of one loaded program */

static signals_fn *heed;       /* set before the handlers are */
static _Atomic uint64_t first; /* ms << NUMBER_BITS | number, or 0 */

static int number_of(uint64_t word)
{
	return (int)(word & ((1u << NUMBER_BITS) - 1));
}

static uint64_t word_of(int number)
{
	struct timespec t;
	uint64_t ms;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	return ms << NUMBER_BITS | (uint64_t)number;
}

/*
 * What is typed comes from the kernel, and is meant each time. @now may be before
 * @before: in a handler that another thread's has overtaken.
 */
static bool is_echo(uint64_t before, uint64_t now, const siginfo_t *info)
{
	const int64_t ms =
	    (int64_t)(now >> NUMBER_BITS) - (int64_t)(before >> NUMBER_BITS);

	return number_of(before) == number_of(now) &&
	       (number_of(now) == SIGHUP ||
		   (info->si_code <= 0 && ms < ECHO_MS));
}

static void handle(int number, siginfo_t *info, void *context)
{
	const uint64_t now = word_of(number);
	const int err = errno;
	uint64_t before = 0;

	(void)context;
	if (atomic_compare_exchange_strong(&first, &before, now))
		heed(number, false);
	else if (!is_echo(before, now, info))
		heed(number, number != SIGHUP);
	errno = err;
}

void signals_catch(signals_fn *fn)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_sigaction = handle,
		.sa_flags = SA_RESTART | SA_SIGINFO };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction old;

	heed = fn;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i] != SIGHUP ||
		    sigaction(SIGHUP, NULL, &old) != 0 ||
		    old.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &act, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

int signals_first(void)
{
	return number_of(atomic_load(&first));
}

void signals_forget(void)
{
	atomic_store(&first, 0);
}
