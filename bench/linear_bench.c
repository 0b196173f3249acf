/* SPDX-License-Identifier: MIT */
/*
 * Is the time of a load linear in the number of relocations?
 *
 *	linear_bench RUNS MODULE...
 *
 * loads and unloads the modules in turns, so that a disturbance hits all of
 * them, and prints `NAME-OF-FILE MEDIAN P99 MINIMUM` and `relocations N` of
 * each.
 */
#include "engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct subject {
	struct file file;
	struct samples samples;
};

static uint64_t cycle(struct tn_system *sys, const struct file *file)
{
	const uint64_t start = now_ns();

	engine_unload(sys, engine_load(sys, file));
	return now_ns() - start;
}

static void print(
    struct tn_system *sys, struct subject *subject, const char *name)
{
	struct tn_module *mod = engine_load(sys, &subject->file);
	struct tn_module_info info;

	tn_module_info(mod, &info);
	samples_print(&subject->samples, name);
	printf("relocations %" PRIu32 "\n", info.nrelocs);
	engine_unload(sys, mod);
}

int main(int argc, char **argv)
{
	const size_t n = argc > 2 ? (size_t)argc - 2 : 0;
	const size_t runs = argc > 2 ? (size_t)number_of(argv[1]) : 0;
	struct subject *subjects;
	struct tn_system *sys;

	if (runs == 0) {
		fputs("usage: linear_bench RUNS MODULE...\n", stderr);
		return 2;
	}
	subjects = calloc(n, sizeof(*subjects));
	if (subjects == NULL)
		die("calloc", "no memory");
	sys = engine_open();
	for (size_t i = 0; i < n; i++) {
		subjects[i].file = file_read(argv[i + 2]);
		subjects[i].samples = samples_new(runs);
		(void)cycle(sys, &subjects[i].file); /* warm-up */
	}
	for (size_t r = 0; r < runs; r++) {
		for (size_t i = 0; i < n; i++)
			samples_add(&subjects[i].samples,
			    cycle(sys, &subjects[i].file));
	}
	for (size_t i = 0; i < n; i++)
		print(sys, &subjects[i], argv[i + 2]);
	engine_close(sys);
	free(subjects);
	return 0;
}
