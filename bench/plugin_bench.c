/* SPDX-License-Identifier: MIT */
/*
 * Plugins: what a reference around a call costs, against the printed code with
 * its mutex and against dlsym and a call; and loading and unloading, against
 * dlopen, dlsym and dlclose of the same library.
 *
 *	plugin_bench PLUGIN.so COPY.so RUNS
 *
 * COPY.so is the same library for the printed code. Runs alternate. Calls are
 * told in thousandths of a nanosecond, with one thread and with two.
 */
#include "measure.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tenon/plugin.h>

#include "plugin_peer.h"

#define CALLS 100000

static struct plugin *ours, *printed;
static void *handle; /* of the copy */

static void call_ours(void)
{
	if (!plugin_get(ours))
		die("plugin_get", "it is not loaded");
	(void)ours->ops->process(NULL);
	plugin_put(ours);
}

static void call_printed(void)
{
	if (!printed_get(printed))
		die("printed_get", "it is not loaded");
	(void)printed->ops->process(NULL);
	printed_put(printed);
}

static void call_dlsym(void)
{
	const struct plugin_ops *ops = dlsym(handle, "plugin_ops");

	(void)ops->process(NULL);
}

static void call_plain(void)
{
	(void)ours->ops->process(NULL);
}

static const struct way {
	const char *name, *name2; /* with one thread, with two */
	void (*call)(void);
} ways[] = {
	{ "ours", "ours_2", call_ours },
	{ "printed", "printed_2", call_printed },
	{ "dlsym", "dlsym_2", call_dlsym },
	{ "plain", "plain_2", call_plain },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void *many(void *arg)
{
	const struct way *way = arg;

	for (int i = 0; i < CALLS; i++)
		way->call();
	return NULL;
}

/* Thousandths of a nanosecond for one call of one thread. */
static uint64_t time_calls(const struct way *way, bool two)
{
	const uint64_t start = now_ns();
	pthread_t other;

	if (two && pthread_create(&other, NULL, many, (void *)way) != 0)
		die("pthread_create", "no thread");
	(void)many((void *)way);
	if (two)
		pthread_join(other, NULL);
	return (now_ns() - start) * 1000 / CALLS;
}

static void bench_calls(int runs, bool two)
{
	struct samples samples[WAYS];

	for (size_t w = 0; w < WAYS; w++)
		samples[w] = samples_new((size_t)runs);
	for (int i = -1; i < runs; i++)
		for (size_t w = 0; w < WAYS; w++) {
			const uint64_t t = time_calls(&ways[w], two);

			if (i >= 0) /* the first is for warming up */
				samples_add(&samples[w], t);
		}
	for (size_t w = 0; w < WAYS; w++)
		samples_print(&samples[w], two ? ways[w].name2 : ways[w].name);
}

static uint64_t life_ours(const char *path)
{
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = path };
	const uint64_t start = now_ns();
	struct plugin *p;

	if (plugin_load_with(&args, &p, NULL) != 0 ||
	    plugin_unload_with(p, NULL, NULL) != 0)
		die(path, "cannot be loaded and unloaded");
	return now_ns() - start;
}

static uint64_t life_dlopen(const char *path)
{
	const uint64_t start = now_ns();
	void *lib = dlopen(path, RTLD_NOW);

	if (!lib || !dlsym(lib, "plugin_ops"))
		die("dlopen", dlerror());
	dlclose(lib);
	return now_ns() - start;
}

static void bench_lives(const char *path, int runs)
{
	struct samples mine = samples_new((size_t)runs);
	struct samples theirs = samples_new((size_t)runs);

	for (int i = -1; i < runs; i++) {
		const uint64_t a = life_ours(path), b = life_dlopen(path);

		if (i < 0)
			continue;
		samples_add(&mine, a);
		samples_add(&theirs, b);
	}
	samples_print(&mine, "life");
	samples_print(&theirs, "life_dlopen");
}

/* It talks on stdout, which is for figures. */
static struct plugin *load_printed(const char *path)
{
	const int out = dup(1), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct plugin *p;

	fflush(stdout);
	(void)dup2(null, 1);
	p = printed_load(path);
	fflush(stdout);
	(void)dup2(out, 1);
	(void)close(out);
	(void)close(null);
	return p;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage", "plugin_bench PLUGIN.so COPY.so RUNS");
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = argv[1] };
	const int runs = number_of(argv[3]);

	bench_lives(argv[1], runs);
	printed = load_printed(argv[2]);
	handle = dlopen(argv[2], RTLD_NOW);
	if (plugin_load_with(&args, &ours, NULL) != 0 || !printed || !handle)
		die(argv[1], "cannot be loaded");
	bench_calls(runs, false);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		bench_calls(runs, true);
	return 0;
}
