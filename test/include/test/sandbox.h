/* SPDX-License-Identifier: MIT */
/*
 * Processes in which system calls are forbidden, for tests on a host.
 */
#pragma once

#include <stdbool.h>

#include <test/test.h>

/*
 * From now on system call @number answers EPERM in all threads of this process;
 * false: filters are not to be had here.
 */
bool sandbox_forbid(unsigned number);
/*
 * The same, but the call ends the process; musl makes some with the first
 * thread, so one has been there.
 */
bool sandbox_kill(unsigned number);

/* What @fn returns when the sandbox cannot be had: the test is skipped. */
#define SANDBOX_NONE 77

/*
 * Runs @fn in a child process, which is killed after a minute, and returns
 * what it returned; below 0: it ended otherwise.
 */
int sandbox_run(int (*fn)(void));

/*
 * Runs this program once more, with the tests that contain @filter, whose
 * output is lost; returns its exit status. SANDBOX_NONE: it is that run.
 */
int sandbox_again(const char *filter);

/* In a test: @fn must return 0 there. */
#define CHECK_IN_CHILD(fn)                                                     \
	do {                                                                   \
		const int sandbox_status = sandbox_run(fn);                    \
                                                                               \
		if (sandbox_status == SANDBOX_NONE)                            \
			SKIP("it cannot be forbidden here");                   \
		CHECK_EQ(sandbox_status, 0);                                   \
	} while (0)
