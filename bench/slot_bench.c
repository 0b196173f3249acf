/* SPDX-License-Identifier: MIT */
/*
 * What calls into slots cost.
 *
 *	slot_bench BLOB
 *
 * BLOB is modules/lkmod/many: a thousand functions. Prints picoseconds of one
 * call for each way of calling the same function, the names going round over
 * all of them where a name is given: through a slot's manager, by the address
 * (direct), and by dlsym and the address, of the same file opened by dlopen.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/tenon.h>

#include "measure.h"

#define FUNCTIONS 1000
#define ROUNDS    40 /* over all functions, in a run */
#define RUNS      31

typedef int64_t function(int64_t a, int64_t b, int64_t c, int64_t d);

struct place {
	struct tn_slots *slots;
	struct tn_slot_handle handle;
	function *direct;
	void *library;
	char (*name)[32];
};

static const int64_t args[4] = { 1, 2, 3, 4 };

/* --- ways of calling; each adds up what the functions return */

static int64_t by_address(const struct place *p, unsigned i)
{
	(void)i;
	/* read each time, as a kept address is */
	return (*(function *const volatile *)&p->direct)(1, 2, 3, 4);
}

static int64_t by_name(const struct place *p, unsigned i)
{
	int64_t ret = 0;

	if (tn_slot_call(p->slots, 0, p->name[i], args, &ret) != 0)
		die(p->name[i], "cannot be called");
	return ret;
}

static int64_t by_entry(const struct place *p, unsigned i)
{
	int64_t ret = 0;

	(void)i;
	if (tn_slot_call_entry(p->slots, 0, args, &ret) != 0)
		die("entry", "cannot be called");
	return ret;
}

static int64_t by_handle(const struct place *p, unsigned i)
{
	int64_t ret = 0;

	(void)i;
	if (TN_SLOT_CALL_ENTRY(int64_t, (int64_t, int64_t, int64_t, int64_t),
		&p->handle, &ret, (1, 2, 3, 4)) != 0)
		die("handle", "cannot be called");
	return ret;
}

static int64_t by_handle4(const struct place *p, unsigned i)
{
	int64_t ret = 0;

	(void)i;
	if (tn_slot_handle_call_entry(&p->handle, args, &ret) != 0)
		die("handle", "cannot be called");
	return ret;
}

static int64_t by_typed_name(const struct place *p, unsigned i)
{
	int64_t ret = 0;

	if (TN_SLOT_CALL(int64_t, (int64_t, int64_t, int64_t, int64_t),
		&p->handle, p->name[i], &ret, (1, 2, 3, 4)) != 0)
		die(p->name[i], "cannot be called");
	return ret;
}

static int64_t by_dlsym(const struct place *p, unsigned i)
{
	void *at = dlsym(p->library, p->name[i]);

	if (at == NULL)
		die(p->name[i], "not found by dlsym");
	return ((function *)(uintptr_t)at)(1, 2, 3, 4);
}

typedef int64_t way_fn(const struct place *p, unsigned i);

/* A loop of its own for each way, with the way in line. */
#define LOOP(way)                                                              \
	static __attribute__((noinline))                                       \
	int64_t loop_##way(const struct place *p)                              \
	{                                                                      \
		int64_t sum = 0;                                               \
                                                                               \
		for (unsigned r = 0; r < ROUNDS; r++)                          \
			for (unsigned i = 0; i < FUNCTIONS; i++)               \
				sum += way(p, i);                              \
		return sum;                                                    \
	}

LOOP(by_address)
LOOP(by_name)
LOOP(by_entry)
LOOP(by_handle)
LOOP(by_handle4)
LOOP(by_typed_name)
LOOP(by_dlsym)

/* What the functions add up to: their numbers and the arguments, or the same
   one each time, which is number 0. */
#define SUM_OF_ALL                                                             \
	(ROUNDS * (INT64_C(10) * FUNCTIONS +                                   \
		      (int64_t)FUNCTIONS * (FUNCTIONS - 1) / 2))
#define SUM_OF_ONE (ROUNDS * INT64_C(10) * FUNCTIONS)

static const struct {
	const char *name;
	int64_t (*loop)(const struct place *p);
	int64_t sum;
} ways[] = {
	{ "direct", loop_by_address, SUM_OF_ONE },
	{ "call", loop_by_name, SUM_OF_ALL },
	{ "call_entry", loop_by_entry, SUM_OF_ONE },
	{ "handle", loop_by_handle, SUM_OF_ONE },
	{ "handle4", loop_by_handle4, SUM_OF_ONE },
	{ "typed_name", loop_by_typed_name, SUM_OF_ALL },
	{ "dlsym", loop_by_dlsym, SUM_OF_ALL },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* Picoseconds of a call. */
static uint64_t timed(unsigned way, const struct place *p)
{
	const uint64_t start = now_ns();

	if (ways[way].loop(p) != ways[way].sum)
		die(ways[way].name, "a wrong result");
	return (now_ns() - start) * 1000 / ((uint64_t)ROUNDS * FUNCTIONS);
}

/* In turns, so that what else the machine does meets all of them. */
static void measure(const struct place *p)
{
	struct samples s[WAYS];

	for (unsigned w = 0; w < WAYS; w++)
		s[w] = samples_new(RUNS);
	for (unsigned r = 0; r < RUNS; r++)
		for (unsigned w = 0; w < WAYS; w++)
			samples_add(&s[w], timed(w, p));
	for (unsigned w = 0; w < WAYS; w++) {
		samples_print(&s[w], ways[w].name);
		free(s[w].ns);
	}
}

static void check(int err, const char *what)
{
	if (err != 0)
		die(what, tn_slot_status_name(err));
}

int main(int argc, char **argv)
{
	static char names[FUNCTIONS][32];
	const struct tn_slots_config config = { .size = sizeof(config),
		.abi = 1,
		.slot_count = 2,
		.slot_capacity = (size_t)1 << 20 };
	struct place place = { .name = names };
	struct file blob;
	void *at = NULL;

	if (argc != 2) {
		fputs("usage: slot_bench BLOB\n", stderr);
		return 2;
	}
	for (unsigned i = 0; i < FUNCTIONS; i++)
		snprintf(names[i], sizeof(names[i]), "many_function_%03u", i);
	blob = file_read(argv[1]);
	check(tn_slots_open(&config, &place.slots), "manager");
	check(
	    tn_slot_register(place.slots, 0, blob.data, blob.size, 0), "blob");
	check(tn_slot_load(place.slots, 0, NULL), "load");
	check(tn_slot_set_entry(place.slots, 0, names[0]), "entry");
	check(
	    tn_slot_acquire(place.slots, 0, "bench", &place.handle), "handle");
	check(tn_slot_handle_function(&place.handle, NULL, &at), "address");
	place.direct = (function *)(uintptr_t)at;
	place.library = dlopen(argv[1], RTLD_NOW);
	if (place.library == NULL)
		die(argv[1], dlerror());
	measure(&place);
	check(tn_slot_release(&place.handle), "release");
	check(tn_slots_shutdown(place.slots, NULL), "shutdown");
	return 0;
}
