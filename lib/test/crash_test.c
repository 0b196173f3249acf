/* SPDX-License-Identifier: MIT */
/*
 * Crash reports among handlers of others: a child crashes, and its parent sees
 * how often it has reported and what has ended it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/crash.h>
#include <tenon/tenon.h>
#include <test/sandbox.h>
#include <test/test.h>

#define CALLS_MAX 20

static struct sigaction theirs;
static int calls;

/* Calls who was there before, as a well-behaved handler does. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	if (++calls > CALLS_MAX)
		_exit(9);
	theirs.sa_sigaction(number, info, context);
}

static void crash(void)
{
	(void)raise(SIGSEGV);
}

static void install_over(void)
{
	struct sigaction act = { .sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_NODEFER };

	(void)sigaction(SIGSEGV, &act, &theirs);
}

static void crash_in_a_ring(int fd)
{
	if (tn_crash_enable(0, fd) != 0)
		_exit(8);
	install_over();
	tn_crash_disable();
	if (tn_crash_enable(0, fd) != 0)
		_exit(8);
	crash();
}

/* Reports are on, off and on again; nobody else is there. */
static void crash_alone(int fd)
{
	if (tn_crash_enable(0, fd) != 0)
		_exit(8);
	tn_crash_disable();
	if (tn_crash_enable(0, fd) != 0)
		_exit(8);
	crash();
}

/* Puts ours back by itself, which is then nobody's before. */
static void crash_put_back(int fd)
{
	if (tn_crash_enable(0, fd) != 0)
		_exit(8);
	install_over();
	tn_crash_disable();
	(void)sigaction(SIGSEGV, &theirs, NULL);
	if (tn_crash_enable(0, fd) != 0)
		_exit(8);
	crash();
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

static size_t read_all(int fd, char *buf, size_t cap)
{
	size_t n = 0;
	ssize_t got = 1;

	while (got > 0 && n < cap - 1) {
		got = read(fd, buf + n, cap - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	buf[n] = '\0';
	return n;
}

static void child(void (*fn)(int fd), int fd)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	const struct rlimit none = { 0, 0 };

	alarm(60); /* a hang is a failure */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)sigaction(SIGSEGV, &standard, NULL);
	fn(fd);
	_exit(7);
}

/* The status of a child that runs @fn, and its number of reports. */
static int run(void (*fn)(int fd), unsigned *reports)
{
	static char text[1 << 16];
	int ends[2], status = -1;

	if (pipe(ends) != 0)
		return -1;
	const pid_t pid = fork();

	if (pid == 0)
		child(fn, ends[1]);
	close(ends[1]);
	(void)read_all(ends[0], text, sizeof(text));
	close(ends[0]);
	(void)waitpid(pid, &status, 0);
	*reports = count(text, "tenon: crash: SIGSEGV");
	return status;
}

static bool died(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

TEST(crash, a_ring_of_handlers_ends)
{
	unsigned reports = 0;

	CHECK(died(run(crash_in_a_ring, &reports)));
	CHECK_EQ(reports, 1);
}

TEST(crash, on_off_and_on_reports_once)
{
	unsigned reports = 0;

	CHECK(died(run(crash_alone, &reports)));
	CHECK_EQ(reports, 1);
}

TEST(crash, ours_put_back_by_another_is_not_its_own_before)
{
	unsigned reports = 0;

	CHECK(died(run(crash_put_back, &reports)));
	CHECK_EQ(reports, 1);
}

/* --- a handler that does not return */

static sigjmp_buf out;

static void jump_out(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	siglongjmp(out, 1);
}

/* Every crash is a new one, after whose report theirs jumps out again. */
static void crash_thrice(int fd)
{
	struct sigaction act = { .sa_sigaction = jump_out,
		.sa_flags = SA_SIGINFO };
	static volatile int n;

	(void)sigaction(SIGSEGV, &act, NULL);
	if (tn_crash_enable(0, fd) != 0)
		_exit(8);
	while (n < 3)
		if (sigsetjmp(out, 1) == 0) {
			n++;
			crash();
		}
	_exit(0);
}

TEST(crash, a_handler_that_jumps_out_is_called_each_time)
{
	unsigned reports = 0;

	CHECK_EQ(run(crash_thrice, &reports), 0);
	CHECK_EQ(reports, 3);
}

/* --- a fork while another thread reports */

static atomic_bool has_reported;

/* The signal is ignored once it has been reported. */
static void *crash_on(void *arg)
{
	(void)arg;
	crash();
	atomic_store(&has_reported, true);
	return NULL;
}

#define HEAD_ROOM 64 /* for the first line of a report, and no other */

/* A pipe in which a report stops behind its first line; bytes in it. */
static int narrow_pipe(int ends[2])
{
	static char filler[1 << 20];
	int room;

	if (pipe(ends) != 0)
		return -1;
	room = fcntl(ends[1], F_SETPIPE_SZ, 4096) - HEAD_ROOM;
	return room > 0 && write(ends[1], filler, (size_t)room) == room ? room
									: -1;
}

static int close_in_child(struct tn_system *sys)
{
	const pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		alarm(60); /* a hang is a failure */
		_exit(tn_close(sys) == 0 ? 0 : 1);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void fork_beside_a_report(int fd)
{
	struct tn_system *sys;
	int ends[2], there = 0, status;
	const int full = narrow_pipe(ends);
	pthread_t thread;
	char c;

	(void)fd;
	(void)signal(SIGSEGV, SIG_IGN);
	if (full < 0 || tn_open(NULL, &sys) != 0 ||
	    tn_crash_enable(0, ends[1]) != 0 ||
	    pthread_create(&thread, NULL, crash_on, NULL) != 0)
		_exit(8);
	while (there <= full)
		if (sched_yield() != 0 || ioctl(ends[0], FIONREAD, &there) != 0)
			_exit(8);
	status = close_in_child(sys);
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while (!atomic_load(&has_reported))
		(void)!read(ends[0], &c, 1);
	pthread_join(thread, NULL);
	_exit(tn_close(sys) != 0 || status != 0);
}

TEST(crash, a_child_of_fork_does_not_wait_for_a_report_of_its_parent)
{
	unsigned reports;

	CHECK_EQ(run(fork_beside_a_report, &reports), 0);
}

/* No room for an alternate stack. */
static int without_memory(void)
{
	const stack_t none = { .ss_flags = SS_DISABLE };
	const struct rlimit nothing = { 1, 1 };
	int err;

	if (sigaltstack(&none, NULL) != 0 ||
	    setrlimit(RLIMIT_AS, &nothing) != 0 ||
	    mmap(NULL, 1u << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0) != MAP_FAILED)
		return SANDBOX_NONE;
	err = tn_crash_thread();
	return err == -TN_ENOMEM && tn_crash_enable(0, -1) == err ? 0 : 1;
}

TEST(crash, what_cannot_be_is_refused)
{
	CHECK_EQ(tn_crash_enable(TN_CRASH_LINES << 1, -1), -TN_EINVAL);
	CHECK_IN_CHILD(without_memory);
}
