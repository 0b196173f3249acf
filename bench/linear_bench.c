/* SPDX-License-Identifier: MIT */
/*
 * Is the time of a load linear in the number of relocations?
 *
 *	linear_bench RUNS MODULE...
 *
 * loads and unloads the modules in turns, so that a disturbance hits all of
 * them, and prints of each `relocations N`, `load MEDIAN P99 MINIMUM` and
 * `copy ...`: copying the bytes of the file, to show what the caches alone
 * make of more bytes.
 */
#include "engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct subject {
	struct file file;
	void *to; /* as large as the file */
	struct samples loads, copies;
};

static uint64_t cycle(struct tn_system *sys, const struct file *file)
{
	const uint64_t start = now_ns();

	engine_unload(sys, engine_load(sys, file));
	return now_ns() - start;
}

static uint64_t copy(const struct subject *subject)
{
	const uint64_t start = now_ns();

	memcpy(subject->to, subject->file.data, subject->file.size);
	__asm__ volatile("" : : "r"(subject->to) : "memory");
	return now_ns() - start;
}

static void prepare(struct tn_system *sys, struct subject *subject, size_t runs)
{
	subject->to = malloc(subject->file.size);
	if (subject->to == NULL)
		die("malloc", "no memory");
	subject->loads = samples_new(runs);
	subject->copies = samples_new(runs);
	(void)cycle(sys, &subject->file); /* warm-up */
	(void)copy(subject);
}

static void measure(struct tn_system *sys, struct subject *subject)
{
	samples_add(&subject->loads, cycle(sys, &subject->file));
	samples_add(&subject->copies, copy(subject));
}

static void print(struct tn_system *sys, struct subject *subject)
{
	struct tn_module *mod = engine_load(sys, &subject->file);
	struct tn_module_info info;

	tn_module_info(mod, &info);
	printf("relocations %" PRIu32 "\n", info.nrelocs);
	samples_print(&subject->loads, "load");
	samples_print(&subject->copies, "copy");
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
		prepare(sys, &subjects[i], runs);
	}
	for (size_t r = 0; r < runs; r++) {
		for (size_t i = 0; i < n; i++)
			measure(sys, &subjects[i]);
	}
	for (size_t i = 0; i < n; i++)
		print(sys, &subjects[i]);
	engine_close(sys);
	free(subjects);
	return 0;
}
