/* SPDX-License-Identifier: MIT */
/*
 * A process that is copied in the middle of what its threads do with the
 * engine: the child finds its locks whole and can close it.
 */
#include <pthread.h>
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

/* Has the ledger's lock most of the time. */
static void *keep_looking(void *arg)
{
	(void)arg;
	while (!atomic_load(&copied.over))
		(void)tn_ledger_each(copied.mod, look_at, NULL);
	return NULL;
}

/*
 * The exit status of a child that uses the ledger, unloads and closes. A call
 * that was inside of the module on another thread stays inside for ever.
 */
static int use_it_all(void)
{
	int err;

	alarm(60); /* a hang is a failure */
	(void)tn_ledger_each(copied.mod, look_at, NULL);
	err = tn_unload(copied.sys, copied.mod, NULL);
	if (err != 0)
		return err == -TN_EBUSY ? 0 : 1;
	return tn_close(copied.sys) != 0 ? 2 : 0;
}

TEST(copied, a_child_finds_every_lock_whole)
{
	pthread_t thread;

	CHECK_EQ(tn_open(NULL, &copied.sys), 0);
	copied.mod = kit_load(copied.sys, "leaky");
	CHECK(copied.mod != NULL);
	atomic_store(&copied.over, false);
	CHECK_EQ(pthread_create(&thread, NULL, keep_looking, NULL), 0);
	for (unsigned i = 0; i < FORKS; i++) {
		const pid_t pid = fork();
		int status = -1;

		if (pid == 0)
			_exit(use_it_all());
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	atomic_store(&copied.over, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(tn_unload(copied.sys, copied.mod, NULL), 0);
	CHECK_EQ(tn_close(copied.sys), 0);
}
