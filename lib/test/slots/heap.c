/* SPDX-License-Identifier: MIT */
/*
 * heap BLOB: what is allocated when slots are in the caller's pool. Linked with
 * --wrap for the functions of the C library that allocate; prints a line for
 * each step, "NAME COUNT", of a manager with a pool and of one without.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <tenon/tenon.h>

#define CAPACITY ((size_t)512 << 10)
#define HANDLES  40

static unsigned allocations; /* atomic */
static char blob[CAPACITY];
static size_t blob_size;
static _Alignas(65536) char pool[2 * CAPACITY];

static void note(void)
{
	(void)__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
}

#define WRAP(type, name, params, args)                                         \
	type __real_##name params;                                             \
	type __wrap_##name params;                                             \
	type __wrap_##name params                                              \
	{                                                                      \
		note();                                                        \
		return __real_##name args;                                     \
	}

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t m), (n, m))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, aligned_alloc, (size_t a, size_t n), (a, n))
WRAP(int, posix_memalign, (void **p, size_t a, size_t n), (p, a, n))

/* One line, with what was allocated since the last one. */
static void tell(const char *step, int err)
{
	const unsigned n =
	    __atomic_exchange_n(&allocations, 0, __ATOMIC_RELAXED);

	if (err != 0)
		printf("%s failed: %s\n", step, tn_slot_status_name(err));
	else
		printf("%s %u\n", step, n);
	(void)__atomic_exchange_n(&allocations, 0, __ATOMIC_RELAXED);
}

static int call(struct tn_slots *slots)
{
	const int64_t args[4] = { 1, 2 };
	int64_t ret;

	return tn_slot_call(slots, 0, "hello_add", args, &ret);
}

static int hold_many(struct tn_slots *slots)
{
	struct tn_slot_handle h[HANDLES];
	int err = 0;

	for (int i = 0; i < HANDLES && err == 0; i++)
		err = tn_slot_acquire(slots, 0, "heap", &h[i]);
	for (int i = 0; i < HANDLES && err == 0; i++)
		err = tn_slot_release(&h[i]);
	return err;
}

/* Everything that is done with a module, twice; the first time warms up. */
static void *use(void *arg)
{
	static const char *const names[][6] = {
		{ "register", "load", "call", "hold", "unload", "unregister" },
		{ "register2", "load2", "call2", "hold2", "unload2",
		    "unregister2" },
	};
	struct tn_slots *slots = arg;

	for (int i = 0; i < 2; i++) {
		tell("-", 0);
		tell(names[i][0],
		    tn_slot_register(slots, 0, blob, blob_size, 0));
		tell(names[i][1], tn_slot_load(slots, 0, NULL));
		tell(names[i][2], call(slots));
		tell(names[i][3], hold_many(slots));
		tell(names[i][4], tn_slot_unload(slots, 0, NULL));
		tell(names[i][5], tn_slot_unregister(slots, 0));
	}
	return NULL;
}

static int live(void *memory)
{
	const struct tn_slots_config config = {
		.size = sizeof(config),
		.abi = 1,
		.slot_count = 2,
		.slot_capacity = CAPACITY,
		.pool = memory,
		.pool_size = memory ? sizeof(pool) : 0,
	};
	struct tn_slots *slots;
	pthread_t thread;

	printf("%s\n", memory ? "[pool]" : "[port]");
	tell("-", 0);
	if (tn_slots_open(&config, &slots) != 0)
		return 1;
	tell("open", 0);
	if (pthread_create(&thread, NULL, use, slots) != 0)
		return 1;
	pthread_join(thread, NULL);
	return tn_slots_shutdown(slots, NULL) != 0;
}

int main(int argc, char **argv)
{
	FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;

	if (!f)
		return 2;
	blob_size = fread(blob, 1, sizeof(blob), f);
	fclose(f);
	return live(pool) || live(NULL);
}
