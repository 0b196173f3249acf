/* SPDX-License-Identifier: MIT */
/*
 * What must never happen again, one scenario a run: never SCENARIO. It is
 * compiled twice, with the code as it was printed (PRINTED), which fails, and
 * with libtenon. The last line of its output is "well" when all went well.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef PRINTED
#include "printed.h"
#else
#include <tenon/plugin.h>
#endif

#include "../plugin/actor.h"

#define ACTOR "./actor.so"

static struct script acts;

static int check(int ok, const char *what)
{
	if (!ok)
		printf("not well: %s\n", what);
	return ok;
}

/* --- one thread gets, calls and puts; the other unloads */

static int slow(void *data)
{
	(void)data;
	usleep(1000);
	return 0;
}

static int unloaded; /* atomic */

/* Until it has been unloaded, and once more. */
static void *use(void *arg)
{
	struct plugin *p = arg;

	for (int last = 0; !last; usleep(300)) {
		last = __atomic_load_n(&unloaded, __ATOMIC_SEQ_CST);
		if (plugin_get(p)) {
			p->ops->process(NULL);
			plugin_put(p);
		}
	}
	return NULL;
}

static int race(void)
{
	struct plugin *p;
	pthread_t thread;

	acts.in_process = slow;
	p = plugin_load(ACTOR);
	if (!p || pthread_create(&thread, NULL, use, p) != 0)
		return 0;
	while (plugin_unload(p) != 0)
		usleep(100);
	__atomic_store_n(&unloaded, 1, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	return check(acts.exits == 1, "exit did not run once");
}

/* --- one library by two spellings */

static int spelling(void)
{
	struct plugin *p = plugin_load(ACTOR);
	struct plugin *q = plugin_load("././actor.so");

	(void)p;
	return check(!q, "it is loaded twice") &
	       check(acts.inits == 1, "init has run twice");
}

/* --- what has ended */

static int twice(void)
{
	struct plugin *p = plugin_load(ACTOR);

	return p && check(plugin_unload(p) == 0, "the first unload failed") &&
	       check(plugin_unload(p) != 0, "the second unload did not fail") &&
	       check(!plugin_get(p), "it can still be had");
}

/* --- counts */

static int puts_too_many(void)
{
	struct plugin *p = plugin_load(ACTOR);

	if (!p)
		return 0;
	plugin_put(p);
	plugin_put(p);
	return check(p->refcount == 1, "the count is not 1") &&
	       check(plugin_get(p), "it cannot be had any more") &&
	       check(plugin_unload(p) != 0, "it went while it was in use");
}

/* --- exit runs while another thread still gets it */

static struct plugin *leaving;
static int got_in_exit;

static void get_in_exit(void)
{
	got_in_exit = plugin_get(leaving);
}

static int gets_in_exit(void)
{
	acts.in_exit = get_in_exit;
	leaving = plugin_load(ACTOR);
	return leaving && plugin_unload(leaving) == 0 &&
	       check(!got_in_exit, "it could be had while it left");
}

/* --- init loads another plugin */

static struct plugin *inner;

static void load_in_init(void)
{
	inner = plugin_load("./bare.so");
}

static int nested(void)
{
	struct plugin *p;

	alarm(10); /* a deadlock ends here */
	acts.in_init = load_in_init;
	p = plugin_load(ACTOR);
	return p && inner && plugin_unload(p) == 0 && plugin_unload(inner) == 0;
}

/* --- no process */

static int no_process(void)
{
	struct plugin *p = plugin_load("./bare.so");

	return p && plugin_get(p) &&
	       check(p->ops->process(NULL) < 0, "process did not fail");
}

/* --- versions, dependencies, order */

static int version(void)
{
	return check(!plugin_load("./future.so"), "a later ABI was loaded");
}

static int order(void)
{
	struct plugin *actor, *user;

	if (!check(!plugin_load("./user.so"), "it came before what it needs"))
		return 0;
	actor = plugin_load(ACTOR);
	user = plugin_load("./user.so");
	return actor && user &&
	       check(plugin_unload(actor) != 0, "it went before its user") &&
	       plugin_unload(user) == 0 && plugin_unload(actor) == 0;
}

static const struct scenario {
	const char *name;
	int (*run)(void);
} scenarios[] = {
	{ "race", race },
	{ "spelling", spelling },
	{ "twice", twice },
	{ "puts", puts_too_many },
	{ "exit", gets_in_exit },
	{ "nested", nested },
	{ "process", no_process },
	{ "version", version },
	{ "order", order },
};

static const struct scenario *find(const char *name)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (strcmp(name, scenarios[i].name) == 0)
			return &scenarios[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct scenario *s = argc == 2 ? find(argv[1]) : NULL;
	char text[32];

	if (!s) {
		fputs("usage: never SCENARIO\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(text, sizeof(text), "%llx", (unsigned long long)(size_t)&acts);
	setenv(SCRIPT_VARIABLE, text, 1);
	if (!s->run())
		return 1;
	puts("well");
	return 0;
}
