/* SPDX-License-Identifier: MIT */
/*
 * Numbers of system calls where Linux counts them by its generic table.
 */
#pragma once

enum {
	SYS_FCNTL = 25,
	SYS_CLOSE = 57,
	SYS_READ = 63,
	SYS_PREAD64 = 67,
	SYS_EXIT = 93,
	SYS_EXIT_GROUP = 94,
	SYS_FUTEX = 98,
	SYS_SIGALTSTACK = 132,
	SYS_RT_SIGACTION = 134,
	SYS_RT_SIGPROCMASK = 135,
	SYS_RT_SIGRETURN = 139,
	SYS_SETSID = 157,
	SYS_PRCTL = 167,
	SYS_GETPID = 172,
	SYS_MMAP = 222,
	SYS_MPROTECT = 226,
	SYS_PRLIMIT64 = 261,
	SYS_SECCOMP = 277,
	SYS_CLOSE_RANGE = 436,
};
