/* SPDX-License-Identifier: MIT */
/*
 * Many small modules at once, against as many libraries of the same code.
 *
 *	many_bench FOLDER COUNT RUNS
 *
 * FOLDER has module-NNNN.o and library-NNNN.so and, for each, a line of
 * probes.txt. A run loads all COUNT files from their paths, looks one function
 * of each up and calls it; then all are unloaded, in reverse order. Ours and
 * dlopen (RTLD_NOW) take turns. Besides: what a module occupies beyond its
 * image and its exports' 40 bytes each.
 */
#include "engine.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
	const char *folder;
	size_t n;
	struct probes probes;
	void **held;
} job;

static const char *path_of(const char *form, size_t i)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s-%04zx.%s", job.folder, form, i,
	    form[0] == 'm' ? "o" : "so");
	return path;
}

static void load_ours(struct tn_system *sys)
{
	for (size_t i = 0; i < job.n; i++) {
		const struct tn_load_args args = { .size = sizeof(args),
			.path = path_of("module", i) };
		const struct probe *probe = &job.probes.list[i];
		struct tn_module *mod;
		void *addr;

		if (tn_load(sys, &args, &mod, NULL) != 0 ||
		    tn_module_symbol(mod, probe->name, &addr) != 0)
			die("tn_load", args.path);
		probe_call(probe, addr);
		job.held[i] = mod;
	}
}

static void load_dlopen(void)
{
	for (size_t i = 0; i < job.n; i++) {
		const char *path = path_of("library", i);
		void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		void *addr =
		    handle ? dlsym(handle, job.probes.list[i].name) : NULL;

		if (addr == NULL)
			die(path, dlerror());
		probe_call(&job.probes.list[i], addr);
		job.held[i] = handle;
	}
}

struct times {
	struct samples load, unload;
};

static void run_ours(struct tn_system *sys, struct times *t)
{
	const uint64_t start = now_ns();
	uint64_t loaded;

	load_ours(sys);
	loaded = now_ns();
	for (size_t i = job.n; i-- > 0;)
		engine_unload(sys, job.held[i]);
	samples_add(&t->load, loaded - start);
	samples_add(&t->unload, now_ns() - loaded);
}

static void run_dlopen(struct times *t)
{
	const uint64_t start = now_ns();
	uint64_t loaded;

	load_dlopen();
	loaded = now_ns();
	for (size_t i = job.n; i-- > 0;)
		dlclose(job.held[i]);
	samples_add(&t->load, loaded - start);
	samples_add(&t->unload, now_ns() - loaded);
}

/* Bytes of the heap that a loaded module takes, its exports not counted. */
static void print_record(struct tn_system *sys)
{
	const size_t before = mallinfo2().uordblks;
	struct tn_module_info info;
	size_t bytes;

	load_ours(sys);
	bytes = (mallinfo2().uordblks - before) / job.n;
	tn_module_info(job.held[0], &info);
	printf("record %zu\nexports %" PRIu32 "\n", bytes, info.nexports);
	for (size_t i = job.n; i-- > 0;)
		engine_unload(sys, job.held[i]);
}

static struct times times_new(size_t runs)
{
	return (struct times){ samples_new(runs), samples_new(runs) };
}

int main(int argc, char **argv)
{
	struct tn_system *sys = engine_open();
	struct times ours, other;
	char probes[PATH_MAX];
	size_t runs;

	if (argc != 4)
		die("many_bench", "FOLDER COUNT RUNS");
	job.folder = argv[1];
	job.n = (size_t)number_of(argv[2]);
	job.held = calloc(job.n + 1, sizeof(*job.held));
	snprintf(probes, sizeof(probes), "%s/probes.txt", job.folder);
	job.probes = probes_read(probes);
	if (job.held == NULL || job.probes.n < job.n)
		die(probes, "too few");
	runs = (size_t)number_of(argv[3]);
	ours = times_new(runs);
	other = times_new(runs);
	print_record(sys);
	for (size_t i = 0; i < runs; i++) {
		run_ours(sys, &ours);
		run_dlopen(&other);
	}
	samples_print(&ours.load, "ours");
	samples_print(&other.load, "dlopen");
	samples_print(&ours.unload, "ours_unload");
	samples_print(&other.unload, "dlclose");
	engine_close(sys);
	return 0;
}
