/* SPDX-License-Identifier: MIT */
/*
 * Handlers of fatal signals: they report and then do what was there before.
 *
 * Handlers run on the alternate stack of a thread that has one, since the
 * stack may be what has overflowed. A second crash, inside of the report, ends
 * it. One thread reports at a time. Process-wide, as signals are (decision 13).
 *
 * A handler that is installed over ours may call ours, and be called by it when
 * reports are turned off and on again: a ring. So what ours meets again while
 * it has called that one goes on to the handler that was there before both:
 *
 *   on_crash -> before (theirs) -> on_crash -> origin -> on_crash -> default
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <base/compiler.h>
#include <host/crash.h>
#include <host/process.h>
#include <tenon/err.h>

#include "crash_text.h"

#define STACK_SIZE ((size_t)64 << 10)

static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

static struct tn_system *_Atomic systems[CRASH_SYSTEMS];

/* Protects what crash_enable and crash_disable change. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool enabled; /* lock */
/* Set before the handlers are; handlers read it without the lock. */
static struct sigaction before[ARRAY_SIZE(signals)];
/* The last ones of before that cannot call ours. */
static struct sigaction origin[ARRAY_SIZE(signals)];
static bool is_called[ARRAY_SIZE(signals)]; /* lock: perhaps by another one */
static struct crash_report report = { .systems = systems };
static char addr2line[256];

static atomic_int reporter;  /* thread that reports, or 0 */
static atomic_int reporting; /* handlers that may look at a system */

/* --- forks: whoever reports stays in the parent */

static unsigned generation; /* of the process that forks */

static void before_fork(struct process_member *m)
{
	(void)m;
	pthread_mutex_lock(&lock);
	generation = process_generation();
}

static void after_fork(struct process_member *m)
{
	(void)m;
	if (process_generation() != generation) {
		atomic_store(&reporter, 0);
		atomic_store(&reporting, 0);
	}
	pthread_mutex_unlock(&lock);
}

static struct process_member member = { .before = before_fork,
	.after = after_fork };

static void join(void)
{
	process_join(&member);
}

/* --- systems */

void crash_join(struct tn_system *sys)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, join);
	for (int i = 0; i < CRASH_SYSTEMS; i++) {
		struct tn_system *none = NULL;

		if (atomic_compare_exchange_strong(&systems[i], &none, sys))
			return;
	}
}

void crash_leave(struct tn_system *sys)
{
	const struct timespec nap = { 0, 1000000 };

	for (int i = 0; i < CRASH_SYSTEMS; i++) {
		struct tn_system *mine = sys;

		(void)atomic_compare_exchange_strong(&systems[i], &mine, NULL);
	}
	while (atomic_load(&reporting) != 0)
		nanosleep(&nap, NULL);
}

/* --- what was there before */

static size_t position_of(int number)
{
	size_t i = 0;

	while (signals[i] != number)
		i++;
	return i;
}

/*
 * Returning runs the faulting instruction again, and what is there now ends
 * the process; a signal that somebody has sent is sent again.
 */
static void leave_to_system(const siginfo_t *info)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	const int number = info->si_signo;

	(void)sigaction(number, &standard, NULL);
	if (info->si_code <= 0)
		(void)syscall(SYS_rt_tgsigqueueinfo, (long)getpid(),
		    syscall(SYS_gettid), (long)number, info);
}

/* As the system would have called it, but for the stack. */
static void call(const struct sigaction *to, siginfo_t *info, void *context)
{
	const bool plain = (to->sa_flags & SA_SIGINFO) == 0;
	sigset_t mask = to->sa_mask, old;

	if (plain && to->sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (plain && (to->sa_handler == SIG_DFL || to->sa_handler == SIG_IGN)) {
		leave_to_system(info);
		return;
	}
	if ((to->sa_flags & SA_NODEFER) == 0)
		sigaddset(&mask, info->si_signo);
	(void)pthread_sigmask(SIG_BLOCK, &mask, &old);
	if (plain)
		to->sa_handler(info->si_signo);
	else
		to->sa_sigaction(info->si_signo, info, context);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/*
 * The handler that ours has called last on this thread. It may jump out and
 * never return; but who is called by it has the same context and a frame below
 * ours, which a signal that comes after the jump has not.
 */
struct called {
	const void *context;
	uintptr_t frame; /* of our handler */
	bool again;      /* ours was called by it */
};

static __thread volatile struct called called
    __attribute__((tls_model("initial-exec")));

static bool is_again(const void *context, uintptr_t frame)
{
	return called.context == context && frame < called.frame;
}

static void chain(siginfo_t *info, void *context, uintptr_t frame)
{
	const size_t i = position_of(info->si_signo);
	const struct called outer = { called.context, called.frame,
		called.again };
	const bool again = is_again(context, frame);

	if (again && outer.again) {
		leave_to_system(info);
		return;
	}
	called.context = context;
	called.frame = frame;
	called.again = again;
	call(again ? &origin[i] : &before[i], info, context);
	called.context = outer.context;
	called.frame = outer.frame;
	called.again = outer.again;
}

/* --- the handler */

/* False: this thread has crashed while it was reporting. */
static bool begin(int thread)
{
	const struct timespec nap = { 0, 10000000 };

	for (int i = 0; i < 1000; i++) {
		int other = 0;

		if (atomic_compare_exchange_strong(&reporter, &other, thread))
			return true;
		if (other == thread)
			return false;
		nanosleep(&nap, NULL);
	}
	/* The other one hangs: better two reports than none. */
	return true;
}

static void on_crash(int number, siginfo_t *info, void *context)
{
	(void)number;
	const int thread = (int)syscall(SYS_gettid);
	const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	if (is_again(context, frame)) {
		chain(info, context, frame);
		return;
	}
	if (!begin(thread)) {
		crash_say(&report, "\ntenon: crash inside of the report\n");
		leave_to_system(info);
		return;
	}
	atomic_fetch_add(&reporting, 1);
	crash_write(&report, info, context);
	atomic_fetch_sub(&reporting, 1);
	atomic_store(&reporter, 0);
	chain(info, context, frame);
}

/* --- stacks of threads */

static pthread_key_t stack_key;
static bool have_key;

static void stack_free(void *stack)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	(void)sigaltstack(&none, NULL);
	(void)munmap(stack, STACK_SIZE);
}

static void make_key(void)
{
	have_key = pthread_key_create(&stack_key, stack_free) == 0;
}

int crash_thread(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	stack_t stack;
	void *p;

	if (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE))
		return 0; /* it has one */
	pthread_once(&once, make_key);
	if (!have_key)
		return -TN_ENOMEM;
	p = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -TN_ENOMEM;
	stack = (stack_t){ .ss_sp = p, .ss_size = STACK_SIZE };
	if (pthread_setspecific(stack_key, p) != 0 ||
	    sigaltstack(&stack, NULL) != 0) {
		(void)pthread_setspecific(stack_key, NULL);
		(void)munmap(p, STACK_SIZE);
		return -TN_ENOMEM;
	}
	return 0;
}

/* --- on and off */

/* The handler must not search: it gets the whole path. */
static const char *find_addr2line(void)
{
	const char *path = getenv("PATH");

	for (const char *p = path; p && *p;) {
		const size_t n = strcspn(p, ":");

		if (snprintf(addr2line, sizeof(addr2line), "%.*s/addr2line",
			(int)n, p) < (int)sizeof(addr2line) &&
		    p[0] == '/' && access(addr2line, X_OK) == 0)
			return addr2line;
		p += n + (p[n] == ':');
	}
	return NULL;
}

static bool is_ours(const struct sigaction *act)
{
	return (act->sa_flags & SA_SIGINFO) != 0 &&
	       act->sa_sigaction == on_crash;
}

static int install_locked(void)
{
	const struct sigaction act = { .sa_sigaction = on_crash,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	struct sigaction now[ARRAY_SIZE(signals)];

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], NULL, &now[i]) != 0)
			return -TN_EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		/* Another one may have put ours back since. */
		if (is_ours(&now[i]))
			continue;
		if (!is_called[i])
			origin[i] = now[i];
		before[i] = now[i];
		(void)sigaction(signals[i], &act, NULL);
	}
	enabled = true;
	return 0;
}

int crash_enable(unsigned flags, int fd)
{
	int err;

	if ((flags & ~CRASH_LINES) != 0)
		return -TN_EINVAL;
	err = crash_thread();
	if (err)
		return err;
	pthread_mutex_lock(&lock);
	report.fd = fd < 0 ? STDERR_FILENO : fd;
	report.addr2line = flags & CRASH_LINES ? find_addr2line() : NULL;
	err = enabled ? 0 : install_locked();
	pthread_mutex_unlock(&lock);
	return err;
}

void crash_disable(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; enabled && i < ARRAY_SIZE(signals); i++) {
		struct sigaction now;

		/* Another one's stays, and may go on calling ours. */
		if (sigaction(signals[i], NULL, &now) != 0)
			continue;
		if (is_ours(&now))
			(void)sigaction(signals[i], &before[i], NULL);
		else
			is_called[i] = true;
	}
	enabled = false;
	pthread_mutex_unlock(&lock);
}
