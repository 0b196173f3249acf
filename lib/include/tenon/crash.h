/* SPDX-License-Identifier: MIT */
/*
 * Reports of crashes in a process with modules: docs/debugging.md.
 *
 * Once enabled, a fatal signal (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT)
 * writes what has happened where: the backtrace with functions of modules, the
 * modules that are loaded and the one that was unloaded last. Then the handler
 * that was there before runs, or the process ends as it would have.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Adds the source line of each frame, which addr2line(1) from $PATH finds in
 * the module's file, unless that is packed. Without it the report has the
 * commands that would.
 * Needs TN_HOST_KEEP_SYMBOLS, as the names of local functions do.
 */
#define TN_CRASH_LINES 1u

/*
 * Reports go to @fd, or to standard error when it is below 0. Handlers are
 * process-wide and ask every open system, but not more than 64 at a time. The
 * calling thread gets an alternate stack, see tn_crash_thread. Calling it again
 * changes @flags and @fd. Any thread. -TN_EINVAL: unknown flags; -TN_ENOMEM.
 */
int tn_crash_enable(unsigned flags, int fd);

/*
 * Puts back the handlers that were there before, but not in the place of one
 * that has been installed since. Any thread.
 */
void tn_crash_disable(void);

/*
 * Gives the calling thread an alternate signal stack, unless it has one, so
 * that an overflow of its stack is reported too; freed when it ends.
 * -TN_ENOMEM.
 */
int tn_crash_thread(void);

#ifdef __cplusplus
}
#endif
