/* SPDX-License-Identifier: MIT */
/*
 * Looking a name up among the exports of a loaded module, against dlsym on a
 * library with the same exports.
 *
 *	lookup_bench MODULE LIBRARY PROBES COUNT RUNS
 *
 * A run looks up each of the first COUNT names of PROBES, which are
 * shuffled, so that no lookup profits from its predecessor; hashing is part
 * of the lookup. The names stand packed in the order of their use, as a
 * caller has the name at hand that it asks for. A missing name is an
 * existing one with its last character changed.
 */
#include "engine.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tn_system *sys;
static void *library;

static bool find_ours(const char *name)
{
	struct tn_symbol sym;

	return tn_symbol_find(sys, name, &sym) == 0;
}

static bool find_dlsym(const char *name)
{
	return dlsym(library, name) != NULL;
}

/* COUNT names, one NUL-ended after the other. */
static char *pack(const struct probes *probes, size_t count, bool spoil)
{
	size_t size = 1;
	char *names, *p;

	for (size_t i = 0; i < count; i++)
		size += strlen(probes->list[i].name) + 1;
	p = names = malloc(size);
	if (names == NULL)
		die("malloc", "no memory");
	for (size_t i = 0; i < count; i++) {
		p = stpcpy(p, probes->list[i].name) + 1;
		if (spoil)
			p[-2] = '_';
	}
	return names;
}

/* Nanoseconds for all @count names; each must be found, or none. */
static uint64_t pass(bool (*find)(const char *name), const char *names,
    size_t count, bool present)
{
	const uint64_t start = now_ns();
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		found += find(names);
		names += strlen(names) + 1;
	}
	if (found != (present ? count : 0))
		die("lookup", present ? "a name is missing" : "a ghost");
	return now_ns() - start;
}

struct contest {
	char *names[2]; /* present, absent */
	size_t count;
	size_t runs;
};

/*
 * Picoseconds a lookup. The first pass is not counted: it brings back what
 * the other contestant's passes have pushed out of the caches.
 */
static uint64_t timed(
    bool (*find)(const char *name), const struct contest *c, bool present)
{
	const char *names = c->names[!present];

	(void)pass(find, names, c->count, present);
	return pass(find, names, c->count, present) * 1000 / c->count;
}

static void compare(const struct contest *c, bool present)
{
	struct samples a = samples_new(c->runs), b = samples_new(c->runs);

	for (size_t i = 0; i < c->runs; i++) {
		samples_add(&a, timed(find_ours, c, present));
		samples_add(&b, timed(find_dlsym, c, present));
	}
	samples_print(&a, present ? "hit" : "miss");
	samples_print(&b, present ? "dlsym_hit" : "dlsym_miss");
}

int main(int argc, char **argv)
{
	struct file file;
	struct probes probes;
	struct contest c;
	struct tn_module *mod;

	if (argc != 6) {
		fputs("usage: lookup_bench MODULE LIBRARY PROBES COUNT RUNS\n",
		    stderr);
		return 2;
	}
	file = file_read(argv[1]);
	library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
	probes = probes_read(argv[3]);
	c.count = (size_t)number_of(argv[4]);
	c.runs = (size_t)number_of(argv[5]);
	if (library == NULL || c.count == 0 || c.count > probes.n)
		die(argv[2], "no library, or fewer names than COUNT");
	c.names[0] = pack(&probes, c.count, false);
	c.names[1] = pack(&probes, c.count, true);
	sys = engine_open();
	mod = engine_load(sys, &file);
	printf("exports %zu\n", tn_symbol_count(sys));
	compare(&c, true);
	compare(&c, false);
	engine_unload(sys, mod);
	engine_close(sys);
	free(c.names[0]);
	free(c.names[1]);
	return 0;
}
