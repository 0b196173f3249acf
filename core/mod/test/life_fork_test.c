/* SPDX-License-Identifier: MIT */
/*
 * The child of a fork in the middle of what another thread does to a module:
 * that thread is not in the child, which can unload the module and load it
 * anew. Init and exit that were left in the middle are not followed by others.
 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <test/test.h>

#include "../activity.h"
#include "../module.h"
#include "actor.h"
#include "firing.h"

static struct {
	struct author a;
	struct tn_module *mod;
	enum actor_op stays_in; /* or ACTOR_OPS: in the free of the image */
	sem_t inside, go_on;
} split;

static void stay(void)
{
	sem_post(&split.inside);
	while (sem_wait(&split.go_on) != 0)
		;
}

static void stay_in_hook(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	(void)letter;
	if (op == split.stays_in)
		stay();
}

static void stay_in_free(void *arg, const struct tn_image *img)
{
	(void)arg;
	(void)img;
	if (split.stays_in == ACTOR_OPS)
		stay();
}

static void *load_and_unload(void *arg)
{
	(void)arg;
	EXPECT(actor_load(&split.a, 0, &split.mod) == 0);
	EXPECT(tn_unload(play.w.sys, split.mod, NULL) == 0);
	return NULL;
}

/* The exit status of the child. */
static int use_it(const char *played)
{
	struct tn_module *mod;

	alarm(60); /* a hang is a failure */
	split.stays_in = ACTOR_INIT;
	play.inside = NULL;
	registry_lock(play.w.sys);
	tn_system_before_fork(play.w.sys);
	tn_system_after_fork(play.w.sys, true);
	registry_unlock(play.w.sys);
	(void)tn_unload_name(play.w.sys, "a", NULL, NULL);
	if (strcmp(play_text(), played) != 0)
		return 1;
	if (actor_load(&split.a, 0, &mod) != 0)
		return 2;
	if (tn_unload(play.w.sys, mod, NULL) != 0)
		return 3;
	return strcmp(play_text(), "aiasapax") != 0 ? 4 : 0;
}

/* @played: all that the module's code was called for, until it was unloaded. */
static void split_in(enum actor_op op, const char *played)
{
	pthread_t thread;
	int status = -1;
	pid_t child;

	CHECK(play_open(0));
	split.a = actor_new("a", ACTOR_PLAIN);
	split.stays_in = op;
	sem_init(&split.inside, 0, 0);
	sem_init(&split.go_on, 0, 0);
	play.inside = stay_in_hook;
	play.w.rig.on_free = stay_in_free;
	CHECK_EQ(pthread_create(&thread, NULL, load_and_unload, NULL), 0);
	while (sem_wait(&split.inside) != 0)
		;
	child = fork();
	if (child == 0)
		_exit(use_it(played));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	sem_post(&split.go_on);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_STR(play_text(), "aiasapax");
	CHECK_EQ(tn_module_forget(play.w.sys, split.mod), 0);
	author_free(&split.a);
	CHECK(play_close());
}

TEST(life_fork, init_that_was_left_in_the_middle_is_followed_by_no_exit)
{
	PROVES("L17");
	split_in(ACTOR_INIT, "ai");
}

TEST(life_fork, exit_that_was_left_in_the_middle_is_not_called_again)
{
	split_in(ACTOR_CLEANUP, "aiasapax");
}

TEST(life_fork, module_that_was_all_but_gone_can_be_loaded)
{
	split_in(ACTOR_OPS, "aiasapax");
}

/* --- an operation that another thread is in */

static struct firing_world fires;

/* Another thread that is in the middle of the module's exit. */
static void *be_in_exit(void *arg)
{
	struct activity act;

	(void)arg;
	registry_lock(fires.w.sys);
	activity_init(&act, fires.w.sys);
	EXPECT(activity_begin_locked(
		   &act, ACTIVITY_UNLOAD, fires.mod, &fires.w.diag) == 0);
	fires.mod->state = TN_STATE_GOING;
	registry_unlock(fires.w.sys);
	stay();
	registry_lock(fires.w.sys);
	fires.mod->state = TN_STATE_RUNNING;
	activity_end_locked(&act, 0, NULL);
	registry_unlock(fires.w.sys);
	return NULL;
}

static int unload_in_child(void)
{
	alarm(60); /* a hang is a failure */
	registry_lock(fires.w.sys);
	tn_system_before_fork(fires.w.sys);
	tn_system_after_fork(fires.w.sys, true);
	registry_unlock(fires.w.sys);
	return tn_unload_name(fires.w.sys, "holder", NULL, NULL);
}

TEST(life_fork, operation_of_a_thread_that_is_not_there_is_not_waited_for)
{
	struct probe p;
	pthread_t thread;
	int status = -1;
	pid_t child;

	CHECK(firing_open(&fires));
	p = probe_new(&fires, 'p');
	CHECK_EQ(SET_UP(&fires, work, &p, work, OP_BLOCK), 0);
	CHECK_EQ(resource_work_schedule(&p.work), 1);
	CHECK(reaches(&p.inside, 1));
	sem_init(&split.inside, 0, 0);
	sem_init(&split.go_on, 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, be_in_exit, NULL), 0);
	while (sem_wait(&split.inside) != 0)
		;
	child = fork();
	if (child == 0)
		_exit(unload_in_child() == 0 ? 0 : 1);
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(status == 0);
	sem_post(&split.go_on);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	atomic_store(&p.go, true);
	(void)resource_work_cancel(&p.work);
	CHECK(firing_close(&fires));
}
