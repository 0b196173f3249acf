/* SPDX-License-Identifier: MIT */
/*
 * After a fork the child runs what is loaded, whatever its parent does, and
 * loads into arenas of its own.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gate/close.h>
#include <host/epoch.h>
#include <host/port.h>
#include <tenon/err.h>
#include <test/emulated.h>
#include <test/sanitized.h>
#include <test/test.h>

#include "kit.h"

/* Runs @fn in a child; its exit status, or -1. */
static int in_child(int (*fn)(void *arg), void *arg)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn(arg));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct family {
	struct host_port *port;
	const struct tn_port *table;
	struct tn_image img;
	int to_child[2], to_parent[2];
};

static const struct host_port_config standard = { .arena.span = KIT_SPAN };

static void family_open(struct family *f, const struct host_port_config *config)
{
	memset(f, 0, sizeof(*f));
	f->img = kit_image(64, 64, 64);
	CHECK_EQ(host_port_create(config, &f->port), 0);
	f->table = host_port_table(f->port);
	CHECK_EQ(kit_load(host_port_arena(f->port), &f->img, 1), 0);
	CHECK_EQ(pipe(f->to_child) | pipe(f->to_parent), 0);
}

static void family_close(struct family *f)
{
	f->table->image_free(f->table->ctx, &f->img);
	host_port_destroy(f->port);
	for (int i = 0; i < 2; i++) {
		close(f->to_child[i]);
		close(f->to_parent[i]);
	}
}

static int load_call_free(struct host_port *port, int answer)
{
	struct host_arena *a = host_port_arena(port);
	struct tn_image img = kit_image(64, 64, 64);
	int got;

	kit_part(&img, TN_RO_AFTER_INIT, 64);
	if (kit_load(a, &img, answer) != 0 || arena_image_finish(a, &img) != 0)
		return 0;
	got = kit_call(img.part[0].addr);
	arena_image_free(a, &img);
	return got;
}

static int child_works(void *arg)
{
	struct family *f = arg;

	f->table->lock(f->table->ctx);
	f->table->unlock(f->table->ctx);
	if (kit_call(f->img.part[0].addr) != 1)
		return 2;
	if (load_call_free(f->port, 2) != 2)
		return 3;
	if (kit_stats(host_port_arena(f->port)).live != 0)
		return 4; /* its own books are empty */
	if (kit_call(f->img.part[0].addr) != 1)
		return 5;
	family_close(f); /* the parent's image included */
	return kit_aliases() == 0 || !kit_dontfork_works() ? 0 : 6;
}

TEST(fork, the_child_calls_loads_and_unloads)
{
	static const enum arena_mode modes[] = { ARENA_DUAL, ARENA_FLIP };

	for (int m = 0; m < 2; m++) {
		const struct host_port_config config = { .arena.mode =
							     modes[m] };
		struct family f;

		family_open(&f, &config);
		CHECK_EQ(in_child(child_works, &f), 0);
		CHECK_EQ(kit_call(f.img.part[0].addr), 1);
		CHECK_EQ(load_call_free(f.port, 2), 2);
		family_close(&f);
	}
}

static int grandchild_works(void *arg)
{
	struct family *f = arg;

	if (load_call_free(f->port, 2) != 2)
		return 2;
	return in_child(child_works, f);
}

TEST(fork, the_child_of_a_child_works_as_well)
{
	struct family f;

	family_open(&f, &standard);
	CHECK_EQ(in_child(grandchild_works, &f), 0);
	family_close(&f);
}

/* Tells the parent that it runs, waits, and then looks at its image. */
static int child_waits(void *arg)
{
	struct family *f = arg;
	const uint8_t *rodata = (void *)(uintptr_t)f->img.part[1].addr;
	char c = 0;

	if (write(f->to_parent[1], &c, 1) != 1 ||
	    read(f->to_child[0], &c, 1) != 1)
		return 2;
	if (kit_call(f->img.part[0].addr) != 1)
		return 3;
	return rodata[0] == 0xa1 ? 0 : 4;
}

/* Loads other code, over and over, while the child sleeps. */
static void churn(struct family *f)
{
	struct host_arena *a = host_port_arena(f->port);

	for (int i = 0; i < 100; i++) {
		struct tn_image img = kit_image(64, 64, 64);

		img.part[1].size = 128 + i;
		CHECK_EQ(kit_load(a, &img, 2), 0);
		CHECK_EQ(kit_call(img.part[0].addr), 2);
		arena_image_free(a, &img);
	}
}

TEST(fork, what_the_parent_unloads_stays_whole_in_the_child)
{
	const struct host_port_config config = { .arena.quarantine = 1 };
	struct family f;
	int status;
	char c = 0;
	pid_t pid;

	family_open(&f, &config);
	pid = fork();
	if (pid == 0)
		_exit(child_waits(&f));
	CHECK_EQ(read(f.to_parent[0], &c, 1), 1);
	f.table->image_free(f.table->ctx, &f.img);
	churn(&f);
	CHECK_EQ(write(f.to_child[1], &c, 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	family_close(&f);
}

static int child_waits_for_readers(void *arg)
{
	(void)arg;
	alarm(60); /* a hang is a failure */
	gate_synchronize();
	return 0;
}

struct inside {
	atomic_bool entered, leave;
};

static void *stay_inside(void *arg)
{
	struct inside *i = arg;

	epoch_enter();
	atomic_store(&i->entered, true);
	while (!atomic_load(&i->leave))
		sched_yield();
	epoch_exit();
	return NULL;
}

TEST(fork, sections_of_the_parents_threads_do_not_hold_the_child)
{
	struct inside inside = { false, false };
	struct host_port *port; /* there are fork handlers */
	pthread_t t;

	CHECK_EQ(host_port_create(&standard, &port), 0);
	CHECK_EQ(pthread_create(&t, NULL, stay_inside, &inside), 0);
	while (!atomic_load(&inside.entered))
		sched_yield();
	CHECK_EQ(in_child(child_waits_for_readers, NULL), 0);
	atomic_store(&inside.leave, true);
	pthread_join(t, NULL);
	host_port_destroy(port);
}

/* --- a thread that is kept where it is with the registry lock */

struct kept {
	const struct tn_port *table;
	atomic_bool rests, over;
	uint32_t copied; /* atomic: has the child's thread forked? */
	int status;      /* of what that has made */
};

static void *rest_with_the_lock(void *arg)
{
	struct kept *k = arg;

	k->table->lock(k->table->ctx);
	k->table->rest(k->table->ctx, true);
	atomic_store(&k->rests, true);
	while (!atomic_load(&k->over))
		sched_yield();
	k->table->rest(k->table->ctx, false);
	k->table->unlock(k->table->ctx);
	return NULL;
}

static int lock_and_unlock(void *arg)
{
	const struct kept *k = arg;

	alarm(60); /* a hang is a failure */
	k->table->lock(k->table->ctx);
	k->table->unlock(k->table->ctx);
	return 0;
}

static void *fork_again(void *arg)
{
	struct kept *k = arg;

	k->status = in_child(lock_and_unlock, k);
	__atomic_store_n(&k->copied, 1, __ATOMIC_RELEASE);
	k->table->wake(k->table->ctx, &k->copied);
	return NULL;
}

/* The lock is free here, and whoever sleeps with it is no bar to a fork. */
static int be_copied(void *arg)
{
	struct kept *k = arg;
	pthread_t thread;

	alarm(60); /* a hang is a failure */
	k->table->lock(k->table->ctx);
	if (pthread_create(&thread, NULL, fork_again, k) != 0)
		return 2;
	while (__atomic_load_n(&k->copied, __ATOMIC_ACQUIRE) == 0)
		(void)k->table->wait(k->table->ctx, &k->copied, 0, UINT64_MAX);
	k->table->unlock(k->table->ctx);
	pthread_join(thread, NULL);
	return k->status;
}

TEST(fork, the_child_of_a_fork_beside_a_kept_thread_is_copied_as_well)
{
	struct kept k = { .status = -1 };
	struct host_port *port;
	pthread_t thread;

	if (TEST_SANITIZED || test_is_emulated())
		SKIP(
		    "sanitizers and emulators end a child that makes a thread");
	CHECK_EQ(host_port_create(&standard, &port), 0);
	k.table = host_port_table(port);
	CHECK_EQ(pthread_create(&thread, NULL, rest_with_the_lock, &k), 0);
	while (!atomic_load(&k.rests))
		sched_yield();
	CHECK_EQ(in_child(be_copied, &k), 0);
	atomic_store(&k.over, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	host_port_destroy(port);
}

/* --- behind the handlers */

static int child_torn(void *arg)
{
	struct family *f = arg;
	struct tn_image img = kit_image(64, 64, 64);

	if (kit_call(f->img.part[0].addr) != 1)
		return 2;
	return arena_image_alloc(host_port_arena(f->port), &img) == -TN_EAGAIN
		   ? 0
		   : 3;
}

TEST(fork, a_child_made_behind_the_handlers_refuses_to_load)
{
	struct family f;
	int status;
	pid_t pid;

	family_open(&f, &standard);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(child_torn(&f));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	family_close(&f);
	if (WEXITSTATUS(status) == 3)
		SKIP("no memory that is wiped on fork");
	CHECK_EQ(WEXITSTATUS(status), 0);
}
