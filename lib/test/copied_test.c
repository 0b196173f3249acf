/* SPDX-License-Identifier: MIT */
/*
 * A process that is copied in the middle of what its threads do with the
 * engine: the child finds its locks whole and can close it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/ledger.h>
#include <test/test.h>

#include "kit.h"

#define FORKS 100

static struct {
	struct tn_system *sys;
	struct tn_module *mod;
	atomic_bool over;
} copied;

static int look_at(void *arg, const struct tn_ledger_item *item)
{
	(void)arg;
	(void)item;
	return 0;
}

/* Its timer may be running, for which an unload waits if it is told to. */
static int unload_leaky(void)
{
	const struct tn_unload_args args = { .size = sizeof(args),
		.flags = TN_UNLOAD_WAIT,
		.timeout_ns = 30000000000u };

	return tn_unload_with(copied.sys, copied.mod, &args, NULL);
}

/* Has the ledger's lock most of the time. */
static void *keep_looking(void *arg)
{
	(void)arg;
	while (!atomic_load(&copied.over))
		(void)tn_ledger_each(copied.mod, look_at, NULL);
	return NULL;
}

/* The exit status of a child that did all but unload what was inside. */
#define REFUSED 77

static int load_tiny(void)
{
	struct tn_module *mod = kit_load(copied.sys, "tiny");

	return mod && tn_unload(copied.sys, mod, NULL) == 0 ? 0 : 1;
}

/*
 * The exit status of a child that uses the ledger, unloads and closes. A call
 * that was inside of the module on another thread stays inside for ever; then
 * the module runs on, and everything else goes on working.
 */
static int use_it_all(void)
{
	struct tn_module_info info;
	int err;

	alarm(60); /* a hang is a failure */
	(void)tn_ledger_each(copied.mod, look_at, NULL);
	err = tn_unload(copied.sys, copied.mod, NULL);
	if (err != 0 && err != -TN_EBUSY)
		return 1;
	if (load_tiny() != 0)
		return 2;
	if (err == 0)
		return tn_close(copied.sys) != 0 ? 3 : 0;
	tn_module_info(copied.mod, &info);
	if (info.state != TN_STATE_RUNNING)
		return 4;
	(void)tn_ledger_each(copied.mod, look_at, NULL);
	return tn_close(copied.sys) == -TN_EBUSY ? REFUSED : 5;
}

TEST(copied, a_child_finds_every_lock_whole)
{
	NEED_MODULES();
	NEED_FORKS_THAT_ALLOCATE();
	const time_t began = time(NULL);
	unsigned unloaded = 0;
	pthread_t thread;

	CHECK_EQ(tn_open(NULL, &copied.sys), 0);
	copied.mod = kit_load(copied.sys, "leaky");
	CHECK(copied.mod != NULL);
	atomic_store(&copied.over, false);
	CHECK_EQ(pthread_create(&thread, NULL, keep_looking, NULL), 0);
	for (unsigned i = 0; kit_goes_on(i, FORKS, began); i++) {
		const pid_t pid = fork();
		int status = -1;

		if (pid == 0)
			_exit(use_it_all());
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFEXITED(status));
		if (WEXITSTATUS(status) != REFUSED)
			CHECK_EQ(WEXITSTATUS(status), 0);
		unloaded += WEXITSTATUS(status) == 0;
	}
	CHECK(unloaded > 0);
	atomic_store(&copied.over, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(unload_leaky(), 0);
	CHECK_EQ(tn_close(copied.sys), 0);
}

/* --- the index of addresses, and parameters */

static uint64_t text_of(struct tn_module *mod)
{
	uint64_t addr = 0;
	size_t size;

	(void)tn_module_part(mod, TN_TEXT, &addr, &size);
	return addr;
}

static void *keep_symbolizing(void *arg)
{
	const uint64_t addr = text_of(copied.mod);
	struct tn_location at;

	(void)arg;
	while (!atomic_load(&copied.over))
		(void)tn_symbolize(copied.sys, addr, &at);
	return NULL;
}

/* Has the parameters' lock most of the time. */
static void *keep_setting(void *arg)
{
	(void)arg;
	while (!atomic_load(&copied.over))
		(void)tn_param_set(copied.mod, "level", "5", NULL);
	return NULL;
}

/* The exit status of a child that changes the index and sets a parameter. */
static int load_another(void)
{
	struct tn_location at;

	alarm(60); /* a hang is a failure */
	if (tn_param_set(copied.mod, "level", "7", NULL) != 0)
		return 1;
	if (tn_symbolize(copied.sys, text_of(copied.mod), &at) != 0)
		return 2;
	return load_tiny() != 0 ? 3 : 0;
}

TEST(copied, a_child_loads_while_others_symbolize_and_set)
{
	NEED_MODULES();
	NEED_FORKS_THAT_ALLOCATE();
	void *(*const fns[])(void *arg) = { keep_symbolizing, keep_setting };
	const time_t began = time(NULL);
	pthread_t threads[2];

	CHECK_EQ(tn_open(NULL, &copied.sys), 0);
	copied.mod = kit_load(copied.sys, "params");
	CHECK(copied.mod != NULL);
	atomic_store(&copied.over, false);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, fns[i], NULL), 0);
	for (unsigned i = 0; kit_goes_on(i, FORKS, began); i++) {
		const pid_t pid = fork();
		int status = -1;

		if (pid == 0)
			_exit(load_another());
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	atomic_store(&copied.over, true);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(tn_unload(copied.sys, copied.mod, NULL), 0);
	CHECK_EQ(tn_close(copied.sys), 0);
}

/* Nobody who loads meanwhile waits for a callback, in either process. */
static int load_and_fork(void *arg, const char *name, uint64_t addr, uint64_t n)
{
	(void)name;
	(void)addr;
	(void)n;
	(void)EXPECT(load_another() == 0);
	*(pid_t *)arg = fork();
	return 1;
}

TEST(copied, a_function_that_is_told_of_texts_loads_and_forks)
{
	NEED_MODULES();
	NEED_FORKS_THAT_ALLOCATE();
	int status = -1;
	pid_t pid = -1;

	CHECK_EQ(tn_open(NULL, &copied.sys), 0);
	copied.mod = kit_load(copied.sys, "params");
	CHECK(copied.mod != NULL);
	CHECK_EQ(tn_symbolize_each(copied.sys, load_and_fork, &pid), 1);
	if (pid == 0)
		_exit(load_another());
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(load_another(), 0);
	alarm(0);
	CHECK_EQ(tn_unload(copied.sys, copied.mod, NULL), 0);
	CHECK_EQ(tn_close(copied.sys), 0);
}

/* --- a close that is refused */

static void *keep_closing(void *arg)
{
	(void)arg;
	while (!atomic_load(&copied.over))
		(void)EXPECT(tn_close(copied.sys) == -TN_EBUSY);
	return NULL;
}

static int look_for_system(void *arg, struct tn_module *mod)
{
	bool *lost = arg;

	(void)mod;
	/* With the lock that the close waits for. */
	for (int i = 0; i < 1000 && !*lost; i++) {
		*lost = tn_host_mode(copied.sys) == TN_HOST_AUTO;
		sched_yield();
	}
	return 0;
}

TEST(copied, a_close_that_is_refused_hides_nothing_from_a_fork)
{
	NEED_FORKS_THAT_ALLOCATE();
	bool lost = false;
	pthread_t thread;

	CHECK_EQ(tn_open(NULL, &copied.sys), 0);
	copied.mod = kit_load(copied.sys, "tiny");
	CHECK(copied.mod != NULL);
	atomic_store(&copied.over, false);
	CHECK_EQ(pthread_create(&thread, NULL, keep_closing, NULL), 0);
	for (unsigned i = 0; i < 20 && !lost; i++)
		(void)tn_module_each(copied.sys, look_for_system, &lost);
	atomic_store(&copied.over, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(!lost);
	CHECK_EQ(tn_unload(copied.sys, copied.mod, NULL), 0);
	CHECK_EQ(tn_close(copied.sys), 0);
}
