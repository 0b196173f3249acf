/* SPDX-License-Identifier: MIT */
/*
 * Threads that get, call and put plugins while others load and unload them.
 * Whatever pointer a thread still has from earlier, it is refused or it works.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

#include "kit.h"
#include "plugin_kit.h"

#define USERS  3
#define ROUNDS (TEST_SANITIZED ? 40 : 120)

static struct {
	struct plugin *current; /* atomic; may have ended long ago */
	int inside;             /* atomic */
	int stop;               /* atomic */
	int bad, calls, refused;
} storm;

static void bad(void)
{
	(void)__atomic_fetch_add(&storm.bad, 1, __ATOMIC_RELAXED);
}

static int in_process(void *data)
{
	(void)__atomic_fetch_add(&storm.inside, 1, __ATOMIC_SEQ_CST);
	sched_yield();
	(void)__atomic_fetch_sub(&storm.inside, 1, __ATOMIC_SEQ_CST);
	return *(int *)data + 1;
}

static void in_exit(void)
{
	if (__atomic_load_n(&storm.inside, __ATOMIC_SEQ_CST) != 0)
		bad();
}

/* The way of the document: get, call through ops, put. */
static void use(struct plugin *p)
{
	int x = 41;

	if (!plugin_get(p)) {
		(void)__atomic_fetch_add(&storm.refused, 1, __ATOMIC_RELAXED);
		return;
	}
	if (p->ops->process(&x) != 42)
		bad();
	plugin_put(p);
	(void)__atomic_fetch_add(&storm.calls, 1, __ATOMIC_RELAXED);
}

static void *user(void *arg)
{
	struct plugin *seen = NULL, *old = NULL;
	int x = 1, result;

	(void)arg;
	while (!__atomic_load_n(&storm.stop, __ATOMIC_RELAXED)) {
		struct plugin *p =
		    __atomic_load_n(&storm.current, __ATOMIC_ACQUIRE);

		if (p)
			use(p);
		if (old)
			use(old); /* it has ended, or will soon */
		if (p && plugin_process(p, &x, &result) == 0 && result != 2)
			bad();
		if (p && p != seen) {
			old = seen;
			seen = p;
		}
	}
	return NULL;
}

static void unload_when_free(struct plugin *p)
{
	int err;

	while ((err = plugin_kit_unload(p)) == -TN_EBUSY)
		sched_yield();
	if (err != 0)
		bad();
	if (plugin_kit_unload(p) != -TN_ENOENT)
		bad();
}

TEST(plugin_storm, gets_and_calls_against_loads_and_unloads)
{
	struct script s = { .in_process = in_process, .in_exit = in_exit };
	pthread_t threads[USERS];

	PROVES("L26 L27 L28");
	plugin_script(&s);
	storm.stop = 0;
	for (int i = 0; i < USERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, user, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct plugin *p = plugin_kit_load(NULL, "actor", NULL);

		if (!EXPECT(p != NULL))
			break;
		__atomic_store_n(&storm.current, p, __ATOMIC_RELEASE);
		/* Until somebody has called this one. */
		for (int was = __atomic_load_n(&s.calls, __ATOMIC_SEQ_CST);
		     __atomic_load_n(&s.calls, __ATOMIC_SEQ_CST) == was;)
			sched_yield();
		__atomic_store_n(&storm.current, NULL, __ATOMIC_RELEASE);
		unload_when_free(p);
	}
	__atomic_store_n(&storm.stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < USERS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(storm.bad, 0);
	CHECK_EQ(s.inits, ROUNDS);
	CHECK_EQ(s.exits, ROUNDS);
	CHECK(storm.calls > 0 && storm.refused > 0);
	plugin_script(NULL);
}

static void *load_and_unload(void *arg)
{
	char path[PATH_MAX];
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = plugin_path("actor", path) };

	(void)arg;
	for (int i = 0; i < ROUNDS / 2; i++) {
		struct plugin *p;
		const int err = plugin_load_with(&args, &p, NULL);

		if (err == 0)
			unload_when_free(p);
		else if (err != -TN_EEXIST)
			bad();
	}
	return NULL;
}

/* Of those who load one library at a time one wins; all others are told. */
TEST(plugin_storm, one_of_many_loads_wins)
{
	struct script s = { .inits = 0 };
	pthread_t threads[USERS];

	PROVES("L25");
	plugin_script(&s);
	for (int i = 0; i < USERS; i++)
		CHECK_EQ(
		    pthread_create(&threads[i], NULL, load_and_unload, NULL),
		    0);
	for (int i = 0; i < USERS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(storm.bad, 0);
	CHECK(s.inits > 0);
	CHECK_EQ(s.inits, s.exits);
	CHECK(!plugin_registry()->plugins);
	plugin_script(NULL);
}

static void *unload_once(void *arg)
{
	const int err = plugin_kit_unload(arg);

	if (err != 0 && err != -TN_EALREADY && err != -TN_ENOENT)
		bad();
	return (void *)(intptr_t)(err == 0);
}

TEST(plugin_storm, of_many_unloads_one_wins)
{
	struct script s = { .inits = 0 };
	pthread_t threads[USERS];

	PROVES("L28");
	plugin_script(&s);
	for (int round = 0; round < ROUNDS / 4; round++) {
		struct plugin *p = plugin_kit_load(NULL, "actor", NULL);
		int won = 0;

		CHECK(p);
		for (int i = 0; i < USERS; i++)
			CHECK_EQ(
			    pthread_create(&threads[i], NULL, unload_once, p),
			    0);
		for (int i = 0; i < USERS; i++) {
			void *result;

			pthread_join(threads[i], &result);
			won += result != NULL;
		}
		CHECK_EQ(won, 1);
		CHECK_EQ(s.exits, round + 1);
	}
	CHECK_EQ(storm.bad, 0);
	plugin_script(NULL);
}

/* --- a load that says its name, against an unload in between */

/* A thread and, once it is not 0, its number. */
struct sleeper {
	pthread_t thread;
	int tid; /* atomic */
};

static struct {
	int reached, held; /* atomic: init is running; the registry is locked */
} gap;

static void wait_for(const int *flag)
{
	while (__atomic_load_n(flag, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
}

static void in_init_of_gap(void)
{
	__atomic_store_n(&gap.reached, 1, __ATOMIC_RELEASE);
	wait_for(&gap.held);
}

/* Does it wait for something? The lock that this thread has, here. */
static bool sleeps(int tid)
{
	char path[60], text[200] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return true; /* there is no telling */
	(void)!fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	return strstr(text, ") S") != NULL;
}

static void wait_until_asleep(struct sleeper *s)
{
	wait_for(&s->tid);
	while (!sleeps(s->tid))
		sched_yield();
}

/* All on one processor, where whoever is not idle runs at once. */
static void announce(struct sleeper *s, int policy)
{
	const struct sched_param param = { .sched_priority = 0 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	/* Refused, it is less likely that the gap is met. */
	(void)sched_setaffinity(0, sizeof(set), &set);
	(void)sched_setscheduler(0, policy, &param);
	__atomic_store_n(&s->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
}

static void *load_aloud(void *arg)
{
	char path[PATH_MAX];

	announce(arg, SCHED_IDLE);
	return plugin_load(plugin_path("actor", path));
}

static void *unload_all(void *arg)
{
	announce(arg, SCHED_OTHER);
	if (plugin_unload_all(NULL) != 0)
		bad();
	return NULL;
}

/*
 * The loading thread waits for the registry's lock, and behind it one that
 * unloads what it finds there: that is what runs when the plugin is in it.
 */
static void unload_in_the_gap(void *arg)
{
	struct sleeper loader = { .tid = 0 }, unloader = { .tid = 0 };
	bool two;

	(void)arg;
	gap.reached = gap.held = 0;
	CHECK_EQ(pthread_create(&loader.thread, NULL, load_aloud, &loader), 0);
	wait_for(&gap.reached);
	pthread_mutex_lock(&plugin_registry()->lock);
	__atomic_store_n(&gap.held, 1, __ATOMIC_RELEASE);
	wait_until_asleep(&loader);
	two = EXPECT(
	    pthread_create(&unloader.thread, NULL, unload_all, &unloader) == 0);
	if (two)
		wait_until_asleep(&unloader);
	pthread_mutex_unlock(&plugin_registry()->lock);
	pthread_join(loader.thread, NULL);
	if (two)
		pthread_join(unloader.thread, NULL);
	if (plugin_unload_all(NULL) != 0)
		bad();
}

TEST(plugin_storm, a_load_says_the_name_of_what_is_unloaded_already)
{
	struct script s = { .in_init = in_init_of_gap };
	char expected[PATH_MAX + 100], path[PATH_MAX];

	PROVES("L27");
	plugin_script(&s);
	snprintf(expected, sizeof(expected), "Plugin loaded: %s (actor)\n",
	    plugin_path("actor", path));
	for (int i = 0; i < ROUNDS / 10; i++)
		CHECK_STR(plugin_printed(unload_in_the_gap, NULL), expected);
	CHECK_EQ(storm.bad, 0);
	CHECK(!plugin_registry()->plugins);
	plugin_script(NULL);
}
