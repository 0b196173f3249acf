/* SPDX-License-Identifier: MIT */
/*
 * What keeps a module inside: limits of the process, handlers that report a
 * fault to the host before they end it, and a filter of system calls that
 * leaves the module nothing but what the lane needs.
 *
 * Layouts of the kernel's structs are those of its user ABI (asm-generic
 * signal.h, siginfo.h, linux/filter.h, linux/seccomp.h).
 */
#include "machine.h"
#include "program.h"

/* --- limits */

enum {
	RLIMIT_FSIZE = 1,
	RLIMIT_STACK = 3,
	RLIMIT_CORE = 4,
	RLIMIT_NPROC = 6,
	RLIMIT_NOFILE = 7,
};

static long limit(int what, uint64_t value)
{
	const uint64_t both[2] = { value, value };

	return sys(SYS_PRLIMIT64, 0, what, (long)both);
}

/* The filter says the same of files and processes; this is the second wall. */
long guard_limits(const struct wire_plan *plan)
{
	static const int none[] = { RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_NPROC,
		RLIMIT_NOFILE };
	long err = limit(RLIMIT_STACK, plan->stack_size);

	for (size_t i = 0; i < ARRAY_SIZE(none) && err == 0; i++)
		err = limit(none[i], 0);
	return err;
}

/* --- signals */

enum {
	SIGILL = 4,
	SIGTRAP = 5,
	SIGBUS = 7,
	SIGFPE = 8,
	SIGSEGV = 11,
	SIGSYS = 31,
};

#define SA_SIGINFO  4ul
#define SA_RESTORER 0x04000000ul
#define SA_ONSTACK  0x08000000ul
#define SIG_SETMASK 2
#define SIGSET_SIZE 8

/* siginfo_t */
#define INFO_CODE 8u
#define INFO_ADDR 16u
#define INFO_CALL 24u /* of SIGSYS */

#define EXIT_BY_SIGNAL 128

struct action {
	void (*handler)(int sig, const uint8_t *info, const uint8_t *context);
	unsigned long flags;
#if MACHINE_RESTORER
	void (*restorer)(void);
#endif
	uint64_t mask;
};

struct stack {
	void *addr;
	int flags;
	size_t size;
};

void worker_restorer(void);

/* The kernel's frame may be 12 KiB with all registers of x86_64. */
static _Alignas(16) uint8_t fault_stack[32768];

static uint64_t word_at(const uint8_t *p, size_t offset)
{
	uint64_t w;

	__builtin_memcpy(&w, p + offset, sizeof(w));
	return w;
}

/* Tells the host, whose turn it is then, and ends. */
static void on_fault(int sig, const uint8_t *info, const uint8_t *context)
{
	struct message m = { .kind = WIRE_FAULT };

	m.arg[WIRE_FAULT_SIGNAL] = (uint32_t)sig | word_at(info, INFO_CODE)
						       << 32;
	m.arg[WIRE_FAULT_ADDR] = word_at(info, INFO_ADDR);
	m.arg[WIRE_FAULT_PC] = word_at(context, MACHINE_PC);
	m.arg[WIRE_FAULT_CALL] = (uint32_t)word_at(info, INFO_CALL);
	lane_post(&m);
	leave(EXIT_BY_SIGNAL + sig);
}

long guard_signals(void)
{
	static const int signals[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV,
		SIGSYS };
	const struct stack stack = { fault_stack, 0, sizeof(fault_stack) };
	const uint64_t none = 0;
	long err = sys(SYS_SIGALTSTACK, (long)&stack, 0);

	for (size_t i = 0; i < ARRAY_SIZE(signals) && err == 0; i++) {
		const struct action a = {
			.handler = on_fault,
			.flags = SA_SIGINFO | SA_ONSTACK |
				 (MACHINE_RESTORER ? SA_RESTORER : 0),
#if MACHINE_RESTORER
			.restorer = worker_restorer,
#endif
			.mask = ~none,
		};

		err =
		    sys(SYS_RT_SIGACTION, signals[i], (long)&a, 0, SIGSET_SIZE);
	}
	if (err == 0)
		err = sys(SYS_RT_SIGPROCMASK, SIG_SETMASK, (long)&none, 0,
		    SIGSET_SIZE);
	return err;
}

/* --- the filter */

#define PR_SET_NO_NEW_PRIVS     38
#define SECCOMP_SET_MODE_FILTER 1
#define SECCOMP_KILL            0x80000000u /* RET_KILL_PROCESS */
#define SECCOMP_TRAP            0x00030000u
#define SECCOMP_ALLOW           0x7fff0000u

/* struct seccomp_data */
#define DATA_NR     0u
#define DATA_ARCH   4u
#define DATA_ARG(i) (16u + 8u * (i))

struct instruction {
	uint16_t code;
	uint8_t yes, no;
	uint32_t k;
};

struct program {
	uint16_t n;
	const struct instruction *code;
};

/* Classic BPF: load a word of the data, jump forward, return. */
#define LOAD(at)                                                               \
	{                                                                      \
		0x20, 0, 0, (at)                                               \
	}
#define EQUAL(k, yes, no)                                                      \
	{                                                                      \
		0x15, (yes), (no), (k)                                         \
	}
#define RETURN(k)                                                              \
	{                                                                      \
		0x06, 0, 0, (k)                                                \
	}

/* futex(turn, FUTEX_WAIT or FUTEX_WAKE): no other word of memory, either. */
long guard_filter(const struct wire_plan *plan)
{
	const uint64_t turn = plan->shared_addr +
			      offsetof(struct wire_page, lane) +
			      offsetof(struct wire_lane, turn);
	// clang-format off
	const struct instruction code[] = {
		/* 0 */ LOAD(DATA_ARCH),
		/* 1 */ EQUAL(MACHINE_AUDIT, 1, 0),
		/* 2 */ RETURN(SECCOMP_KILL),
		/* 3 */ LOAD(DATA_NR),
		/* 4 */ EQUAL(SYS_FUTEX, 4, 0),
		/* 5 */ EQUAL(SYS_RT_SIGRETURN, 11, 0),
		/* 6 */ EQUAL(SYS_EXIT_GROUP, 10, 0),
		/* 7 */ EQUAL(SYS_EXIT, 9, 0),
		/* 8 */ RETURN(SECCOMP_TRAP),
		/* 9 */ LOAD(DATA_ARG(0)),
		/* 10 */ EQUAL((uint32_t)turn, 0, 5),
		/* 11 */ LOAD(DATA_ARG(0) + 4),
		/* 12 */ EQUAL((uint32_t)(turn >> 32), 0, 3),
		/* 13 */ LOAD(DATA_ARG(1)),
		/* 14 */ EQUAL(0 /* FUTEX_WAIT */, 2, 0),
		/* 15 */ EQUAL(1 /* FUTEX_WAKE */, 1, 0),
		/* 16 */ RETURN(SECCOMP_TRAP),
		/* 17 */ RETURN(SECCOMP_ALLOW),
	};
	// clang-format on
	const struct program program = { ARRAY_SIZE(code), code };
	long err = sys(SYS_PRCTL, PR_SET_NO_NEW_PRIVS, 1);

	if (err == 0)
		err = sys(
		    SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, 0, (long)&program);
	return (plan->flags & WIRE_UNFILTERED) != 0 ? 0 : err;
}
