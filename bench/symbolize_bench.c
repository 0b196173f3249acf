/* SPDX-License-Identifier: MIT */
/*
 * Addresses to symbols among many modules, and what a module costs besides
 * its image.
 *
 *	symbolize_bench MODULE MODULES RUNS
 *
 * loads MODULE as often as MODULES says, each time with other names: the tag
 * TTTT in all of its strings becomes a number. A run asks for an address in
 * each exported function of each module, in random order. Prints picoseconds
 * a lookup, `memory BYTES` a module, all that the allocator gave besides the
 * image, `exports N` a module, and the time of the loads with registration
 * for gdb: of the first and of the second half.
 */
#include "engine.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/inspect.h>

#define TAG "TTTT"

struct many {
	struct file file;
	struct tn_system *sys;
	struct tn_module **mods;
	size_t n;
	uint64_t *addrs; /* in exported functions */
	size_t naddrs;
};

static void number_names(struct file *file, const size_t *places, unsigned i)
{
	char digits[8];

	(void)snprintf(digits, sizeof(digits), "%04x", i);
	for (const size_t *at = places; *at != 0; at++)
		memcpy((char *)file->data + *at, digits, strlen(TAG));
}

static size_t *find_places(const struct file *file)
{
	size_t *places = calloc(file->size / 4 + 1, sizeof(*places));
	size_t n = 0;

	if (places == NULL)
		die("calloc", "no memory");
	for (size_t at = 0; at + 4 <= file->size; at++)
		if (memcmp((char *)file->data + at, TAG, 4) == 0)
			places[n++] = at;
	return places;
}

static struct tn_module *load_one(struct many *m, unsigned i)
{
	char name[32];
	const struct tn_load_args args = {
		.size = sizeof(args),
		.name = name,
		.data = m->file.data,
		.data_size = m->file.size,
	};
	struct tn_module *mod;

	(void)snprintf(name, sizeof(name), "bench%u", i);
	if (tn_load(m->sys, &args, &mod, NULL) != 0)
		die("tn_load", name);
	return mod;
}

/* What the loads took: in two halves. */
static void load_all(struct many *m, const size_t *places, uint64_t took[2])
{
	for (unsigned half = 0; half < 2; half++) {
		const uint64_t start = now_ns();

		for (size_t i = m->n / 2 * half; i < m->n / 2 * (half + 1);
		     i++) {
			number_names(&m->file, places, (unsigned)i);
			m->mods[i] = load_one(m, (unsigned)i);
		}
		took[half] = now_ns() - start;
	}
}

static void unload_all(struct many *m)
{
	for (size_t i = m->n; i-- > 0;)
		engine_unload(m->sys, m->mods[i]);
}

static size_t allocated(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static size_t find_functions(struct many *m, unsigned functions)
{
	char name[64];
	void *addr;

	for (size_t i = 0; i < m->n; i++) {
		for (unsigned k = 0; k < functions; k++) {
			(void)snprintf(
			    name, sizeof(name), "bench_%04zx_%u", i, k);
			if (tn_module_symbol(m->mods[i], name, &addr) != 0)
				die("tn_module_symbol", name);
			m->addrs[m->naddrs++] = (uintptr_t)addr + k % 4;
		}
	}
	return m->naddrs;
}

static void shuffle(uint64_t *a, size_t n)
{
	srandom(1);
	for (size_t i = n; i > 1; i--) {
		const size_t k = (size_t)random() % i;
		const uint64_t t = a[i - 1];

		a[i - 1] = a[k];
		a[k] = t;
	}
}

static uint64_t pass(const struct many *m)
{
	const uint64_t start = now_ns();
	struct tn_location at;

	for (size_t i = 0; i < m->naddrs; i++)
		if (tn_symbolize(m->sys, m->addrs[i], &at) != 0 ||
		    at.symbol[0] == '\0')
			die("tn_symbolize", "nothing found");
	return (now_ns() - start) * 1000 / m->naddrs;
}

static void ask(struct many *m, size_t runs)
{
	struct samples s = samples_new(runs);

	if (m->naddrs == 0)
		die("modules", "without a function");
	shuffle(m->addrs, m->naddrs);
	for (size_t i = 0; i < runs; i++)
		samples_add(&s, pass(m));
	samples_print(&s, "symbolize");
}

static void with_gdb(struct many *m, const size_t *places)
{
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .flags = TN_HOST_GDB_JIT
	};
	uint64_t took[2];

	if (tn_open(&config, &m->sys) != 0)
		die("tn_open", "failed");
	load_all(m, places, took); /* arenas and heaps grow */
	unload_all(m);
	load_all(m, places, took);
	printf("jit_first %llu\njit_second %llu\n", (unsigned long long)took[0],
	    (unsigned long long)took[1]);
	unload_all(m);
	engine_close(m->sys);
}

#define FUNCTIONS 10

int main(int argc, char **argv)
{
	struct many m = { .n = argc == 4 ? (size_t)number_of(argv[2]) : 0 };
	uint64_t took[2];
	size_t *places;
	size_t before;

	if (m.n < 2) {
		fputs("usage: symbolize_bench MODULE MODULES RUNS\n", stderr);
		return 2;
	}
	m.file = file_read(argv[1]);
	places = find_places(&m.file);
	m.mods = calloc(m.n, sizeof(struct tn_module *));
	m.addrs = calloc(m.n * FUNCTIONS, sizeof(*m.addrs));
	if (m.mods == NULL || m.addrs == NULL)
		die("calloc", "no memory");
	m.sys = engine_open();
	engine_unload(m.sys, load_one(&m, 0)); /* what is there only once */
	before = allocated();
	load_all(&m, places, took);
	printf("memory %zu\nexports %d\n", (allocated() - before) / m.n,
	    FUNCTIONS);
	(void)find_functions(&m, FUNCTIONS);
	ask(&m, (size_t)number_of(argv[3]));
	unload_all(&m);
	engine_close(m.sys);
	with_gdb(&m, places);
	free(m.addrs);
	free(m.mods);
	free(places);
	return 0;
}
