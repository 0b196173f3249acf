/* SPDX-License-Identifier: MIT */
/*
 * The same storms where the system forbids membarrier, so that every reader
 * has a fence: this program once more, in a process with a filter.
 */
#include <sys/syscall.h>

#include <host/epoch.h>
#include <test/sandbox.h>

#include "kit.h"

static const char *suite;

static int run_forbidden(void)
{
	return sandbox_forbid(SYS_membarrier) ? sandbox_again(suite)
					      : SANDBOX_NONE;
}

TEST(fence, gates_work_without_membarrier)
{
	static const char *const suites[] = { "gate.", "handle.", "target.",
		"storm." };

	if (epoch_fences())
		SKIP("this is where there is none");
	for (unsigned i = 0; i < 4; i++) {
		suite = suites[i];
		CHECK_IN_CHILD(run_forbidden);
	}
}
