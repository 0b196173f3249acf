/* SPDX-License-Identifier: MIT */
/*
 * Loads and unloads MODULES modules ROUNDS times and looks for growth:
 *
 *	soak MODULE MODULES ROUNDS
 *
 * MODULE is loaded under MODULES names, so it may export nothing. After a
 * warm-up everything has been used; from then on neither the
 * resident size of the process, nor the memory that the C library has given
 * out, nor the image memory of the engine's own books may grow beyond what
 * one round takes and gives back. Ends with status 1 when something has grown.
 */
#include "engine.h"

#include <host/port.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct use {
	size_t resident; /* bytes of the process */
	size_t objects;  /* bytes that malloc has given out */
	size_t mapped;   /* bytes of image memory */
	size_t live;     /* of these, in use */
};

static struct use use_of(struct tn_system *sys)
{
	FILE *f = fopen("/proc/self/statm", "r");
	char line[128], *second;
	struct arena_stats s;
	size_t pages;

	if (f == NULL || fgets(line, sizeof(line), f) == NULL ||
	    (second = strchr(line, ' ')) == NULL)
		die("statm", "unreadable");
	fclose(f);
	pages = strtoul(second, NULL, 10);
	arena_stats(host_port_arena(host_port_find(sys)), &s);
	return (struct use){ .resident = pages * (size_t)getpagesize(),
		.objects = mallinfo2().uordblks,
		.mapped = s.mapped,
		.live = s.live };
}

static struct tn_module *load(
    struct tn_system *sys, const struct file *file, size_t number)
{
	char name[32];
	struct tn_load_args args = { .size = sizeof(args),
		.name = name,
		.data = file->data,
		.data_size = file->size };
	struct tn_module *mod;

	snprintf(name, sizeof(name), "soak_%zu", number);
	if (tn_load(sys, &args, &mod, NULL) != 0)
		die("tn_load", name);
	return mod;
}

static void round_trip(struct tn_system *sys, const struct file *file,
    struct tn_module **mods, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mods[i] = load(sys, file, i);
	while (n-- > 0)
		engine_unload(sys, mods[n]);
}

static void print(const char *when, const struct use *u)
{
	printf("%-24s resident %zu KiB, objects %zu, images %zu KiB mapped, "
	       "%zu live\n",
	    when, u->resident >> 10, u->objects, u->mapped >> 10, u->live);
}

/* What a round may leave to the next: one quarantine, lists of free blocks. */
#define SLACK         ((size_t)256 << 10)
#define OBJECTS_SLACK ((size_t)64 << 10)
#define WARM_UP       20 /* rounds at least */

static bool has_grown(const struct use *from, const struct use *to)
{
	return to->resident > from->resident + SLACK ||
	       to->objects > from->objects + OBJECTS_SLACK ||
	       to->mapped > from->mapped || to->live != from->live;
}

int main(int argc, char **argv)
{
	const size_t n = argc == 4 ? (size_t)number_of(argv[2]) : 0;
	const size_t rounds = argc == 4 ? (size_t)number_of(argv[3]) : 0;
	const size_t warm = rounds / 10 < WARM_UP ? WARM_UP : rounds / 10;
	struct tn_module **mods = calloc(n + 1, sizeof(struct tn_module *));
	struct tn_system *sys = engine_open();
	struct use first, last;
	struct file file;
	uint64_t start;

	if (argc != 4 || mods == NULL)
		die("soak", "MODULE MODULES ROUNDS");
	file = file_read(argv[1]);
	start = now_ns();
	for (size_t i = 0; i < warm; i++)
		round_trip(sys, &file, mods, n);
	first = use_of(sys);
	print("after the warm-up:", &first);
	for (size_t i = 0; i < rounds; i++)
		round_trip(sys, &file, mods, n);
	last = use_of(sys);
	print("at the end:", &last);
	printf("%zu loads, %.2f us each with the unload\n", n * (warm + rounds),
	    (double)(now_ns() - start) / 1000.0 /
		(double)(n * (warm + rounds)));
	engine_close(sys);
	return has_grown(&first, &last);
}
