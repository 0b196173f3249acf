/* SPDX-License-Identifier: MIT */
/*
 * Workers as processes of a program that has its own ideas about processes:
 * SIGCHLD, wait, fork, threads, a sudden end.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tenon/err.h>

#include "kit.h"

static atomic_uint children; /* signals that told of some */

static void on_child(int sig)
{
	(void)sig;
	atomic_fetch_add(&children, 1);
}

/* Waits for any child, over and over, as servers do. */
static void *wait_for_all(void *arg)
{
	atomic_bool *stop = arg;
	uintptr_t found = 0;

	while (!atomic_load(stop)) {
		if (waitpid(-1, NULL, 0) > 0)
			found++;
		sched_yield();
	}
	return (void *)found;
}

TEST(process, is_seen_by_no_wait_and_no_signal_of_the_host)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct sigaction action = { .sa_handler = on_child }, before;
	atomic_bool stop = false;
	pthread_t waiter;
	void *found;
	int64_t ret;

	NEED_WORKERS();
	if (!kit_is_filtered())
		SKIP("emulators know no children without a signal");
	atomic_store(&children, 0);
	sigaction(SIGCHLD, &action, &before);
	CHECK_EQ(pthread_create(&waiter, NULL, wait_for_all, &stop), 0);
	for (int i = 0; i < 10; i++) {
		struct worker *w = kit_open(&config);

		CHECK(w);
		CHECK_EQ(kit_call(w, "captive_add", 1, 2, &ret), 0);
		if (i % 2)
			CHECK_EQ(kit_call(w, "captive_trap", 0, 0, &ret),
			    -TN_EFAULT);
		kit_close(w);
	}
	atomic_store(&stop, true);
	pthread_join(waiter, &found);
	sigaction(SIGCHLD, &before, NULL);
	CHECK_EQ((uintptr_t)found, 0);
	CHECK_EQ(atomic_load(&children), 0);
	/* No child of any kind, also no dead one. */
	CHECK_EQ(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	CHECK_EQ(errno, ECHILD);
}

TEST(process, of_a_subreaper_leaves_no_dead_child)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct worker *w;
	int64_t ret;

	NEED_WORKERS();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		SKIP("emulators know no subreapers");
	w = kit_open(&config);
	CHECK(w);
	kit_close(w);
	w = kit_open(&config);
	CHECK(w);
	CHECK_EQ(kit_call(w, "captive_trap", 0, 0, &ret), -TN_EFAULT);
	kit_close(w);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	CHECK_EQ(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	CHECK_EQ(errno, ECHILD);
}

/* Helpers that end without a word, and one that is no program. */
TEST(process, that_never_was_a_worker_leaves_a_subreaper_no_dead_child)
{
	static const char *const ends[] = { "/bin/true", NULL };
	static const char *const none[] = { "/dev/null", NULL };
	struct tn_isolate_config config = kit_config(NULL);

	NEED_WORKERS();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		SKIP("emulators know no subreapers");
	config.helper = ends;
	CHECK(!kit_open(&config));
	config.helper = none;
	CHECK(!kit_open(&config));
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	CHECK_EQ(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	CHECK_EQ(errno, ECHILD);
}

TEST(process, inherits_no_descriptor)
{
	const struct tn_isolate_config config = kit_config(NULL);
	const unsigned before = kit_descriptors();
	struct tn_isolate_report r;
	int low = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	int high = fcntl(low, F_DUPFD, 60);
	struct worker *w;
	char path[64];

	NEED_WORKERS();
	if (!kit_is_filtered())
		SKIP("emulators have descriptors of their own");
	w = kit_open(&config);
	CHECK(w);
	worker_report(w, &r);
	for (int fd = 0; fd <= high; fd++) {
		snprintf(
		    path, sizeof(path), "/proc/%d/fd/%d", (int)r.process, fd);
		/* The lifeline alone. */
		CHECK_EQ(access(path, F_OK) == 0 || errno != ENOENT,
		    fd == WIRE_LIFELINE);
	}
	/* The host keeps the other end of it and one for the process. */
	CHECK_EQ(kit_descriptors(), before + 4);
	close(low);
	close(high);
	kit_close(w);
	CHECK_EQ(kit_descriptors(), before);
	CHECK_EQ(kit_mappings(), 0);
}

TEST(process, is_started_with_standard_descriptors_closed)
{
	const struct tn_isolate_config config = kit_config(NULL);
	int status = 0;
	pid_t pid;

	NEED_WORKERS();
	pid = fork();
	if (pid == 0) {
		struct worker *w;
		int64_t ret = 0;

		for (int fd = 0; fd < 3; fd++)
			close(fd);
		w = kit_open(&config);
		_exit(w && kit_call(w, "captive_add", 7, 0, &ret) == 0 &&
			      ret == 4307
			  ? 0
			  : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* Opens a worker, tells its id, and waits for an end that comes suddenly. */
static void live_until_killed(int to)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct worker *w = kit_open(&config);
	struct tn_isolate_report r = { 0 };

	if (w)
		worker_report(w, &r);
	if (write(to, &r.process, sizeof(r.process)) != sizeof(r.process))
		_exit(1);
	for (;;)
		pause();
}

TEST(process, dies_with_its_host)
{
	int64_t worker = 0;
	int ends[2];
	pid_t pid;

	NEED_WORKERS();
	CHECK_EQ(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		live_until_killed(ends[1]);
	CHECK_EQ(read(ends[0], &worker, sizeof(worker)), sizeof(worker));
	CHECK(worker > 0 && kit_lives(worker));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK(kit_dies(worker));
	close(ends[0]);
	close(ends[1]);
}

/* --- forks of other threads */

#define CHILDREN 100

struct forks {
	bool plain; /* fork(); else without the handlers of the C library */
	atomic_bool stop;
	int stay; /* children live until this can be read to its end */
	int leave;
};

/* Copies whatever is open at any moment, and keeps it. */
static void *fork_often(void *arg)
{
	const struct timespec pause = { .tv_nsec = 300000 };
	struct forks *f = arg;
	char c;

	for (int i = 0; i < CHILDREN && !atomic_load(&f->stop); i++) {
		const long pid =
		    f->plain ? fork() : syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

		if (pid == 0) {
			close(f->leave);
			_exit(read(f->stay, &c, 1) != 0);
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static bool forks_start(struct forks *f, bool plain, pthread_t *t)
{
	int ends[2];

	*f = (struct forks){ .plain = plain };
	if (pipe(ends) != 0)
		return false;
	f->stay = ends[0];
	f->leave = ends[1];
	return pthread_create(t, NULL, fork_often, f) == 0;
}

static void forks_end(struct forks *f, pthread_t t)
{
	atomic_store(&f->stop, true);
	pthread_join(t, NULL);
	close(f->stay);
	close(f->leave);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

TEST(process, whose_end_of_the_lifeline_others_keep_is_seen_to_end)
{
	const struct tn_isolate_config config = kit_config(NULL);
	const int64_t args[4] = { 0 };
	struct tn_isolate_report r;
	unsigned unseen = 0, slow = 0;
	struct forks f;
	pthread_t t;
	uint64_t fn;
	int64_t ret;

	NEED_WORKERS();
	if (!kit_is_filtered())
		SKIP("emulators share no descriptors with what they start");
	CHECK(forks_start(&f, false, &t));
	for (int i = 0; i < 12; i++) {
		struct worker *w = kit_open(&config);

		CHECK(w);
		worker_report(w, &r);
		CHECK_EQ(kill((pid_t)r.process, SIGKILL), 0);
		const uint64_t start = lane_now();

		CHECK_EQ(worker_lookup(w, "captive_loop", &fn), 0);
		unseen +=
		    worker_call(w, fn, args, 900000000, &ret) != -TN_EOWNERDEAD;
		kit_close(w);
		slow += lane_now() - start > 800000000;
	}
	forks_end(&f, t);
	CHECK_EQ(unseen, 0);
	CHECK_EQ(slow, 0);
}

/* What keeps the children alive is that somebody may still write to @stay. */
static void live_and_fork_until_killed(int to, const int stay[2])
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct tn_isolate_report r[8];
	struct forks f;
	pthread_t t;

	memset(r, 0, sizeof(r));
	f = (struct forks){ true, false, stay[0], stay[1] };
	if (pthread_create(&t, NULL, fork_often, &f) != 0)
		_exit(1);
	for (int i = 0; i < 8; i++) {
		struct worker *w = kit_open(&config);

		if (w)
			worker_report(w, &r[i]);
	}
	for (int i = 0; i < 8; i++)
		if (write(to, &r[i].process, sizeof(int64_t)) !=
		    sizeof(int64_t))
			_exit(1);
	for (;;)
		pause();
}

TEST(process, dies_with_its_host_though_children_of_that_live)
{
	int64_t worker[8] = { 0 };
	int ends[2], stay[2];
	pid_t pid;

	NEED_WORKERS();
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pipe(stay), 0);
	pid = fork();
	if (pid == 0)
		live_and_fork_until_killed(ends[1], stay);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(read(ends[0], &worker[i], sizeof(worker[i])),
		    sizeof(worker[i]));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 8; i++)
		CHECK(worker[i] > 0 && kit_dies(worker[i]));
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(stay[i]);
	}
}

/*
 * A child that knows nothing of us, as of _Fork or clone, keeps what it has
 * copied: the host's end of the lifeline, too, which no flag of the system
 * closes in such a child. With it ends what that keeps alive.
 */
static void live_with_a_raw_child(int to, const int stay[2])
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct worker *w = kit_open(&config);
	struct tn_isolate_report r = { 0 };
	char c;

	if (w)
		worker_report(w, &r);
	close(stay[1]);
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0)
		_exit(read(stay[0], &c, 1) != 0);
	if (write(to, &r.process, sizeof(r.process)) != sizeof(r.process))
		_exit(1);
	for (;;)
		pause();
}

TEST(process, lives_as_long_as_a_child_that_was_cloned_behind_our_back)
{
	int64_t worker = 0;
	int ends[2], stay[2];
	pid_t pid;

	NEED_WORKERS();
	if (!kit_is_filtered())
		SKIP("emulators share no descriptors with what they start");
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pipe(stay), 0);
	pid = fork();
	if (pid == 0)
		live_with_a_raw_child(ends[1], stay);
	CHECK_EQ(read(ends[0], &worker, sizeof(worker)), sizeof(worker));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK(worker > 0 && kit_lives(worker));
	close(stay[1]); /* the child ends */
	CHECK(kit_dies(worker));
	close(stay[0]);
	close(ends[0]);
	close(ends[1]);
}

/* One thread opens, its end is none of the worker's. */
static void *open_one(void *arg)
{
	return kit_open(arg);
}

TEST(process, outlives_the_thread_that_made_it)
{
	struct tn_isolate_config config = kit_config(NULL);
	struct worker *w = NULL;
	int64_t ret = 0;
	pthread_t t;

	NEED_WORKERS();
	CHECK_EQ(pthread_create(&t, NULL, open_one, &config), 0);
	CHECK_EQ(pthread_join(t, (void **)&w), 0);
	CHECK(w);
	CHECK_EQ(kit_call(w, "captive_add", 1, 0, &ret), 0);
	kit_close(w);
}

/* In a child of fork: the worker is the parent's. */
static int child_of_fork(struct worker *w)
{
	int64_t ret;

	if (kit_call(w, "captive_add", 1, 0, &ret) != -TN_EAGAIN)
		return 1;
	worker_kill(w); /* nothing */
	kit_close(w);
	/* It can have its own. */
	const struct tn_isolate_config config = kit_config(NULL);

	w = kit_open(&config);
	if (!w || kit_call(w, "captive_calls", 0, 0, &ret) != 0 || ret != 0)
		return 2;
	kit_close(w);
	return 0;
}

TEST(process, stays_with_the_parent_of_a_fork)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct tn_isolate_report r;
	struct worker *w;
	int64_t ret = 0;
	int status = 1;
	pid_t pid;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	CHECK_EQ(kit_call(w, "captive_add", 1, 0, &ret), 0);
	pid = fork();
	if (pid == 0)
		_exit(child_of_fork(w));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(kit_call(w, "captive_calls", 0, 0, &ret), 0);
	CHECK_EQ(ret, 1);
	worker_report(w, &r);
	kit_close(w);
	CHECK(kit_dies(r.process));
}

TEST(process, keeps_its_hosts_signal_mask)
{
	const struct tn_isolate_config config = kit_config(NULL);
	sigset_t set, now;
	struct worker *w;

	NEED_WORKERS();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	w = kit_open(&config);
	CHECK(w);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	CHECK_EQ(sigismember(&now, SIGUSR2), 0);
	sigemptyset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	kit_close(w);
}

/* --- threads */

struct crowd {
	struct worker *w;
	atomic_int wrong;
	atomic_int first; /* errors of the calls that were inside */
};

static void *call_often(void *arg)
{
	struct crowd *c = arg;
	int64_t ret;

	for (int i = 0; i < 200; i++)
		if (kit_call(c->w, "captive_add", i, 0, &ret) != 0 ||
		    ret != i + 4300)
			atomic_fetch_add(&c->wrong, 1);
	return NULL;
}

TEST(process, serves_several_threads_one_after_the_other)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct crowd c = { 0 };
	pthread_t t[4];
	int64_t ret = 0;

	NEED_WORKERS();
	c.w = kit_open(&config);
	CHECK(c.w);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, call_often, &c), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(atomic_load(&c.wrong), 0);
	CHECK_EQ(kit_call(c.w, "captive_calls", 0, 0, &ret), 0);
	CHECK_EQ(ret, 800);
	kit_close(c.w);
}

static void *call_for_ever(void *arg)
{
	struct crowd *c = arg;
	const int64_t args[4] = { 0 };
	int64_t ret;
	uint64_t fn;

	if (worker_lookup(c->w, "captive_loop", &fn) == 0 &&
	    worker_call(c->w, fn, args, 0, &ret) != -TN_EOWNERDEAD)
		atomic_fetch_add(&c->wrong, 1);
	return NULL;
}

TEST(process, is_killed_while_threads_call_it)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct tn_isolate_report r;
	struct crowd c = { 0 };
	pthread_t t[3];

	NEED_WORKERS();
	c.w = kit_open(&config);
	CHECK(c.w);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, call_for_ever, &c), 0);
	while (atomic_load(&c.w->called) == 0)
		sched_yield();
	worker_kill(c.w);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(atomic_load(&c.wrong), 0);
	worker_close(c.w, &r);
	CHECK_EQ(r.end, TN_ISOLATE_KILLED);
	CHECK(kit_dies(r.process));
}

static struct worker *nested;

static int64_t call_again(void *arg, uint32_t slot, const char *text, size_t n)
{
	int64_t ret;

	(void)arg;
	(void)slot;
	(void)text;
	(void)n;
	return kit_call(nested, "captive_add", 1, 0, &ret);
}

TEST(process, is_not_called_from_inside_of_its_own_call)
{
	struct tn_isolate_config config = kit_config(NULL);
	int64_t ret = 0;

	NEED_WORKERS();
	config.write = call_again;
	nested = kit_open(&config);
	CHECK(nested);
	CHECK_EQ(kit_call(nested, "captive_write_text", 5, 0, &ret), 0);
	CHECK_EQ(ret, -TN_EDEADLK);
	kit_close(nested);
}
