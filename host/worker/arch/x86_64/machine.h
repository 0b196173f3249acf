/* SPDX-License-Identifier: MIT */
/*
 * What a worker must know of its processor and of Linux on it: numbers of
 * system calls, what a signal frame looks like, how to wait politely.
 */
#pragma once

#include <stdint.h>

enum {
	SYS_READ = 0,
	SYS_CLOSE = 3,
	SYS_MMAP = 9,
	SYS_MPROTECT = 10,
	SYS_RT_SIGACTION = 13,
	SYS_RT_SIGPROCMASK = 14,
	SYS_RT_SIGRETURN = 15,
	SYS_PREAD64 = 17,
	SYS_GETPID = 39,
	SYS_EXIT = 60,
	SYS_FCNTL = 72,
	SYS_SETSID = 112,
	SYS_SIGALTSTACK = 131,
	SYS_PRCTL = 157,
	SYS_FUTEX = 202,
	SYS_EXIT_GROUP = 231,
	SYS_PRLIMIT64 = 302,
	SYS_SECCOMP = 317,
	SYS_CLOSE_RANGE = 436,
};

#define MACHINE_AUDIT    0xc000003eu /* AUDIT_ARCH_X86_64 */
#define MACHINE_PC       168u        /* in ucontext: gregs[REG_RIP] */
/* struct sigaction has a restorer, and the kernel wants one. */
#define MACHINE_RESTORER 1

static inline long machine_call(long nr, const long a[6])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			 "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void machine_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* What has been written there may be executed. */
static inline void machine_sync_code(uint64_t addr, uint64_t size)
{
	(void)addr;
	(void)size;
}
