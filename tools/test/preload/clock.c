/* SPDX-License-Identifier: MIT */
/*
 * In front of the C library's clock_gettime: each handler of SIGTERM reads a
 * time that is before the last one's, as one does that has looked at the clock
 * and is overtaken by the handler of another thread.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *t)
{
	static int handlers;
	const int result = (int)syscall(SYS_clock_gettime, clock, t);
	sigset_t blocked;

	(void)sigemptyset(&blocked);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	if (result == 0 && sigismember(&blocked, SIGTERM) == 1)
		t->tv_sec -= 10 * ++handlers;
	return result;
}
