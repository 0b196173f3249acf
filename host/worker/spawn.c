/* SPDX-License-Identifier: MIT */
/*
 * Files without a name, and processes that nobody in this program notices: see
 * spawn.h.
 *
 * A process that executes a program becomes a child like any other, whatever
 * signal was asked for at its birth (execve(2)), and so would be found by a
 * program that waits for all its children. Therefore the worker is the child of
 * a child: the *middle* shares our memory, makes the worker and ends at once;
 * it has no exit signal, and only a wait with __WALL finds it. The worker goes
 * to init, or to the subreaper, which may be us: process_release.
 *
 *	this thread --vfork--> middle --vfork--> worker --execve-->
 *
 * Both run on stacks of their own in our memory while this thread stands
 * still, with all signals blocked, and make system calls only. The middle also
 * shares our descriptors and so opens one of the worker, which is its child and
 * can be no other process at that moment.
 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <host/file_limit.h>
#include <tenon/err.h>

#include "wire.h"

/* linux/memfd.h of 6.3 */
#define NOEXEC_SEAL 0x8u
#define EXECUTABLE  0x10u

#define STACK_SIZE   ((size_t)32768)
#define FIRST_FREE   3 /* behind the standard descriptors */
#define KERNEL_SET   8 /* bytes of a signal set */
#define EXEC_FAILED  127
#define PROGRAM_NAME "tenon-worker"

#define GONE_MS       2000 /* until a killed process is gone */
#define REAP_PAUSE_NS 100000
#define REAP_TIMES    1000

/* arch/: 0 or more, or a negative errno; the C library's would be intercepted
   by sanitizers, which cannot know what this is. */
long worker_clone(
    unsigned long flags, void *stack, int (*fn)(void *arg), void *arg);

/* Not to be instrumented: it runs in the memory of another process. */
#define BARE __attribute__((no_sanitize("address", "thread", "undefined")))

bool birth_step(struct birth *b, const char *step)
{
	b->step = step;
	if (++b->steps->made != b->steps->fail_at)
		return true;
	errno = ENOMEM;
	return false;
}

int birth_failed(struct birth *b)
{
	b->os_error = errno;
	switch (errno) {
	case ENOMEM:
	case ENFILE:
	case EMFILE:
	case ENOSPC:
	case EFBIG: return -TN_ENOMEM;
	case EAGAIN: return -TN_EAGAIN;
	default: return -TN_EOPNOTSUPP;
	}
}

/* --- files */

/* A closed standard descriptor is no place for a file of ours. */
static int above_standard(int fd)
{
	int higher;

	if (fd < 0 || fd >= FIRST_FREE)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE);
	close(fd);
	return higher;
}

static int make_memfd(unsigned flags, unsigned extra)
{
	int fd = memfd_create(PROGRAM_NAME, flags | extra);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(PROGRAM_NAME, flags);
	return above_standard(fd);
}

static int make_nameless(void)
{
	static const char *const folders[] = { "/dev/shm", "/tmp" };
	int fd = -1;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && fd < 0; i++)
		fd = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return above_standard(fd);
}

int birth_file(struct birth *b, size_t size, int *fd)
{
	int made = -1;
	int err;

	if (birth_step(b, "memfd_create"))
		made = make_memfd(MFD_CLOEXEC, NOEXEC_SEAL);
	if (made < 0 && birth_step(b, "open"))
		made = make_nameless();
	if (made < 0)
		return birth_failed(b);
	if (!birth_step(b, "ftruncate") || !file_may_grow_to(size) ||
	    ftruncate(made, (off_t)size) != 0) {
		err = birth_failed(b);
		close(made);
		return err;
	}
	*fd = made;
	return 0;
}

int birth_lifeline(struct birth *b, int ends[2])
{
	if (!birth_step(b, "socketpair") ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return birth_failed(b);
	ends[0] = above_standard(ends[0]);
	ends[1] = above_standard(ends[1]);
	if (ends[0] >= 0 && ends[1] >= 0)
		return 0;
	const int err = birth_failed(b);

	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return err;
}

/* The program as a file that can be executed. */
static int program_file(struct birth *b, int *fd)
{
	const size_t size = (size_t)(worker_program_end - worker_program);
	int made = -1;

	if (birth_step(b, "memfd_create"))
		made = make_memfd(MFD_CLOEXEC, EXECUTABLE);
	if (made >= 0 && birth_step(b, "write") &&
	    write(made, worker_program, size) == (ssize_t)size) {
		*fd = made;
		return 0;
	}
	const int err = birth_failed(b);

	if (made >= 0)
		close(made);
	return err;
}

/* --- processes */

struct plan {
	int file, lifeline, program;
	const char *const *words;
	uint8_t *stack; /* of the worker, before it executes its program */
	struct process worker;
	int error;
};

BARE static int run_program(void *arg)
{
	static const char *const none[] = { NULL };
	struct plan *p = arg;

	if (syscall(SYS_dup3, p->file, WIRE_FILE, 0) < 0 ||
	    syscall(SYS_dup3, p->lifeline, WIRE_LIFELINE, 0) < 0) {
		p->error = errno;
		return EXEC_FAILED;
	}
	if (p->program >= 0)
		(void)syscall(SYS_execveat, p->program, "", p->words, none,
		    AT_EMPTY_PATH);
	else
		(void)syscall(SYS_execve, p->words[0], p->words, none);
	p->error = errno;
	return EXEC_FAILED;
}

BARE static int make_worker(void *arg)
{
	struct plan *p = arg;

	const long pid = worker_clone(CLONE_VM | CLONE_VFORK | SIGCHLD,
	    p->stack + STACK_SIZE, run_program, p);

	if (pid < 0) {
		p->error = (int)-pid;
		return 0;
	}
	p->worker.pid = pid;
	p->worker.fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	return 0;
}

/*
 * Emulators know no children without an exit signal, and share nothing with
 * them: the worker's id comes with its first word then.
 */
static pid_t make_middle(struct plan *p, uint8_t *stack)
{
	const unsigned long flags = CLONE_VM | CLONE_VFORK;
	long pid = worker_clone(
	    flags | CLONE_FILES, stack + STACK_SIZE, make_worker, p);

	if (pid == -EINVAL)
		pid = worker_clone(
		    flags | SIGCHLD, stack + STACK_SIZE, make_worker, p);
	if (pid >= 0)
		return (pid_t)pid;
	errno = (int)-pid;
	return -1;
}

/* Blocks what pthread_sigmask leaves, too: libc's own signals. */
static void set_mask(const uint64_t *mask, uint64_t *before)
{
	(void)syscall(
	    SYS_rt_sigprocmask, SIG_SETMASK, mask, before, KERNEL_SET);
}

static int fork_twice(struct birth *b, struct plan *p, uint8_t *stacks)
{
	const uint64_t all = ~(uint64_t)0;
	uint64_t before;
	int cancel, status;
	pid_t pid = -1;

	p->stack = stacks + STACK_SIZE;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	set_mask(&all, &before);
	if (birth_step(b, "clone"))
		pid = make_middle(p, stacks);
	if (pid < 0)
		p->error = errno;
	else
		(void)waitpid(pid, &status, __WALL);
	set_mask(&before, NULL);
	pthread_setcancelstate(cancel, NULL);
	errno = p->error;
	return p->error ? birth_failed(b) : 0;
}

int birth_process(struct birth *b, const int ends[2], const char *const *helper,
    struct process *out)
{
	static const char *const own[] = { PROGRAM_NAME, NULL };
	struct plan plan = {
		.file = ends[0],
		.lifeline = ends[1],
		.program = -1,
		.worker.fd = -1,
	};
	uint8_t *stacks = MAP_FAILED;
	int err = 0;

	plan.words = helper ? helper : own;
	if (!helper)
		err = program_file(b, &plan.program);
	if (err)
		return err;
	if (birth_step(b, "mmap"))
		stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	err = stacks == MAP_FAILED ? birth_failed(b)
				   : fork_twice(b, &plan, stacks);
	if (stacks != MAP_FAILED)
		munmap(stacks, 2 * STACK_SIZE);
	if (plan.program >= 0)
		close(plan.program);
	if (plan.error)
		b->step = helper ? helper[0] : "execveat";
	plan.worker.fd = above_standard(plan.worker.fd);
	*out = plan.worker;
	return err;
}

void process_kill(const struct process *p)
{
	/* It may be gone. */
	if (p->fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, p->fd, SIGKILL, NULL, 0);
}

static void await_end(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += GONE_MS / 1000;
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec <= end.tv_sec && poll(&p, 1, GONE_MS) < 0 &&
	       errno == EINTR);
}

/*
 * By its number, which may be another's by now if somebody else has waited:
 * only where orphans become ours. No call here waits without end.
 */
static void reap_by_number(int64_t pid)
{
	const struct timespec pause = { .tv_nsec = REAP_PAUSE_NS };
	int is_subreaper = 0;

	(void)prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper, 0, 0, 0);
	if (pid <= 0 || (!is_subreaper && getpid() != 1))
		return;
	/* It closes its files some moments before it is dead. */
	for (int i = 0; i < REAP_TIMES; i++) {
		if (waitpid((pid_t)pid, NULL, __WALL | WNOHANG) != 0)
			return;
		nanosleep(&pause, NULL);
	}
}

void process_release(struct process *p, int lifeline)
{
	siginfo_t info;

	await_end(p->fd >= 0 ? p->fd : lifeline);
	/* -1: it is no child of ours, or the system cannot wait so. */
	if (p->fd < 0 || (waitid(P_PIDFD, (id_t)p->fd, &info,
			      WEXITED | WNOHANG | __WALL) != 0 &&
			     errno == EINVAL))
		reap_by_number(p->pid);
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct process){ 0, -1 };
}
