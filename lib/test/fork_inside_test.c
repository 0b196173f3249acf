/* SPDX-License-Identifier: MIT */
/*
 * Forks by functions that the engine calls under its locks, while other threads
 * fork too, under the same lock or others, or wait for one of them: all of them
 * end, and what they have made finds each lock whole.
 *
 * A child that hangs is ended by its alarm. Here is none: where this process
 * hangs is told by who runs the tests.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/ledger.h>
#include <test/test.h>

#include "kit.h"

#define FORKS 100

/* An engine with a module that holds something. */
struct engine {
	struct tn_system *sys;
	struct tn_module *mod;
};

static bool engine_open(struct engine *e)
{
	if (!EXPECT(tn_open(NULL, &e->sys) == 0))
		return false;
	e->mod = kit_load(e->sys, "leaky");
	return EXPECT(e->mod != NULL);
}

/* Its timer may be running, for which an unload waits if it is told to. */
static void engine_close(const struct engine *e)
{
	const struct tn_unload_args args = { .size = sizeof(args),
		.flags = TN_UNLOAD_WAIT,
		.timeout_ns = 30000000000u };

	(void)EXPECT(tn_unload_with(e->sys, e->mod, &args, NULL) == 0);
	(void)EXPECT(tn_close(e->sys) == 0);
}

/* --- a thread that forks inside of a callback, once */

struct forker {
	const struct engine *engine;
	int (*walk)(struct forker *f); /* calls fork_inside */
	pthread_barrier_t *met;        /* waits there first, unless NULL */
	bool was_inside;
	pid_t child; /* 0: this is the child */
};

static void fork_inside(struct forker *f)
{
	if (f->met)
		pthread_barrier_wait(f->met);
	f->was_inside = true;
	f->child = fork();
	if (f->child == 0)
		alarm(60); /* a hang is a failure, from here on */
}

static int fork_at_module(void *arg, struct tn_module *mod)
{
	(void)mod;
	fork_inside(arg);
	return 1;
}

static int fork_at_entry(void *arg, const struct tn_ledger_item *item)
{
	(void)item;
	fork_inside(arg);
	return 1;
}

/* Of the registry. */
static int walk_modules(struct forker *f)
{
	return tn_module_each(f->engine->sys, fork_at_module, f);
}

/* Of the ledger. */
static int walk_entries(struct forker *f)
{
	return tn_ledger_each(f->engine->mod, fork_at_entry, f);
}

/* --- what becomes of the child */

static int stop_at_module(void *arg, struct tn_module *mod)
{
	(void)arg;
	(void)mod;
	return 1;
}

static int stop_at_entry(void *arg, const struct tn_ledger_item *item)
{
	(void)arg;
	(void)item;
	return 1;
}

/* The exit status of a child in which every lock must be free. */
static int use_locks(const struct engine *e)
{
	struct tn_module *tiny;

	alarm(60); /* a hang is a failure */
	if (tn_module_each(e->sys, stop_at_module, NULL) != 1)
		return 1;
	if (tn_ledger_each(e->mod, stop_at_entry, NULL) != 1)
		return 2;
	tiny = kit_load(e->sys, "tiny");
	if (!tiny)
		return 3;
	return tn_unload(e->sys, tiny, NULL) != 0 ? 4 : 0;
}

static void expect_status_0(pid_t child)
{
	int status = -1;

	if (EXPECT(waitpid(child, &status, 0) == child))
		(void)EXPECT(status == 0);
}

/* The child leaves the callback, and has the locks for itself. */
static void *fork_in_walk(void *arg)
{
	struct forker *f = arg;

	(void)EXPECT(f->walk(f) == 1);
	if (f->child == 0)
		_exit(use_locks(f->engine));
	expect_status_0(f->child);
	return NULL;
}

/* --- two at once */

/* Both are in their callbacks before the first of them forks. */
static void check_two(struct forker *f)
{
	pthread_barrier_t met;
	pthread_t thread[2];

	pthread_barrier_init(&met, NULL, 2);
	for (int i = 0; i < 2; i++) {
		f[i].met = &met;
		CHECK_EQ(
		    pthread_create(&thread[i], NULL, fork_in_walk, &f[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
		CHECK(f[i].was_inside);
	}
	pthread_barrier_destroy(&met);
}

TEST(fork_inside, under_the_locks_of_registry_and_ledger_both_end)
{
	NEED_MODULES();
	NEED_FORKS_THAT_ALLOCATE();
	struct engine e;

	CHECK(engine_open(&e));
	for (unsigned i = 0; i < FORKS / 10; i++) {
		struct forker f[] = { { .engine = &e, .walk = walk_modules },
			{ .engine = &e, .walk = walk_entries } };

		check_two(f);
	}
	engine_close(&e);
}

TEST(fork_inside, under_the_locks_of_two_engines_both_end)
{
	NEED_MODULES();
	NEED_FORKS_THAT_ALLOCATE();
	static int (*const walks[])(
	    struct forker * f) = { walk_modules, walk_entries };
	struct engine e[2];

	CHECK(engine_open(&e[0]) && engine_open(&e[1]));
	for (unsigned i = 0; i < 4; i++) {
		struct forker f[] = { { .engine = &e[0], .walk = walks[i & 1] },
			{ .engine = &e[1], .walk = walks[i >> 1] } };

		check_two(f);
	}
	engine_close(&e[0]);
	engine_close(&e[1]);
}

/* --- beside others that never stop */

struct others {
	const struct engine *engine;
	void (*act)(const struct engine *e);
	atomic_bool over;
};

static void *keep_acting(void *arg)
{
	struct others *o = arg;

	while (!atomic_load(&o->over))
		o->act(o->engine);
	return NULL;
}

static void fork_outside(const struct engine *e)
{
	const pid_t child = fork();

	if (child == 0)
		_exit(use_locks(e));
	expect_status_0(child);
}

/* Refused, by who looks for the holder in the ledger under the registry's. */
static void unload_in_vain(const struct engine *e)
{
	(void)EXPECT(tn_unload(e->sys, e->mod, NULL) == -TN_EBUSY);
}

static void check_beside(const struct engine *e, int (*walk)(struct forker *f),
    void (*act)(const struct engine *e))
{
	struct others o = { .engine = e, .act = act };
	const time_t began = time(NULL);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, keep_acting, &o), 0);
	for (unsigned i = 0; kit_goes_on(i, FORKS, began); i++) {
		struct forker f = { .engine = e, .walk = walk };

		fork_in_walk(&f);
		(void)tn_host_mode(e->sys);
	}
	atomic_store(&o.over, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(fork_inside, under_either_lock_and_outside_of_both_all_end)
{
	NEED_MODULES();
	NEED_FORKS_THAT_ALLOCATE();
	struct engine e;

	CHECK(engine_open(&e));
	check_beside(&e, walk_modules, fork_outside);
	check_beside(&e, walk_entries, fork_outside);
	engine_close(&e);
}

TEST(
    fork_inside, a_thread_that_waits_for_the_ledger_with_the_registry_is_no_bar)
{
	NEED_MODULES();
	NEED_FORKS_THAT_ALLOCATE();
	struct engine e;

	CHECK(engine_open(&e));
	CHECK(tn_module_get(e.mod));
	check_beside(&e, walk_entries, unload_in_vain);
	check_beside(&e, walk_modules, unload_in_vain);
	tn_module_put(e.mod);
	engine_close(&e);
}
