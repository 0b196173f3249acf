/* SPDX-License-Identifier: MIT */
/*
 * The public names of the host's crash reports.
 */
#include <host/crash.h>
#include <tenon/crash.h>

_Static_assert(TN_CRASH_LINES == CRASH_LINES, "handed on as it is");

int tn_crash_enable(unsigned flags, int fd)
{
	return crash_enable(flags, fd);
}

void tn_crash_disable(void)
{
	crash_disable();
}

int tn_crash_thread(void)
{
	return crash_thread();
}
