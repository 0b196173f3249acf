/* SPDX-License-Identifier: MIT */
/*
 * heap BLOB: what is allocated when slots are in the caller's pool. It stands
 * in for the functions of the C library that allocate, also for the library's
 * own calls; prints a line for each step, "NAME COUNT", of a manager with a
 * pool and of one without: by one thread, and by many at once.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <tenon/tenon.h>

#define CAPACITY ((size_t)128 << 10)
#define THREADS  16
#define HANDLES  40

static unsigned allocations; /* atomic */
static char blob[CAPACITY];
static size_t blob_size;
static _Alignas(65536) char pool[THREADS * CAPACITY];

static void note(void)
{
	(void)__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
}

#define INSTEAD(name, libc, params, args)                                      \
	void *libc params;                                                     \
	void *name params                                                      \
	{                                                                      \
		note();                                                        \
		return libc args;                                              \
	}

INSTEAD(malloc, __libc_malloc, (size_t n), (n))
INSTEAD(calloc, __libc_calloc, (size_t n, size_t m), (n, m))
INSTEAD(realloc, __libc_realloc, (void *p, size_t n), (p, n))
INSTEAD(memalign, __libc_memalign, (size_t a, size_t n), (a, n))
INSTEAD(aligned_alloc, __libc_memalign, (size_t a, size_t n), (a, n))

int posix_memalign(void **p, size_t a, size_t n)
{
	*p = memalign(a, n);
	return *p != NULL ? 0 : 12;
}

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

static int call(struct tn_slots *slots, uint32_t slot)
{
	const int64_t args[4] = { 1, 2 };
	int64_t ret;

	return tn_slot_call(slots, slot, "hello_add", args, &ret);
}

static int hold_many(struct tn_slots *slots, uint32_t slot)
{
	struct tn_slot_handle h[HANDLES];
	int err = 0;

	for (int i = 0; i < HANDLES && err == 0; i++)
		err = tn_slot_acquire(slots, slot, "heap", &h[i]);
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
		tell(names[i][2], call(slots, 0));
		tell(names[i][3], hold_many(slots, 0));
		tell(names[i][4], tn_slot_unload(slots, 0, NULL));
		tell(names[i][5], tn_slot_unregister(slots, 0));
	}
	return NULL;
}

/* --- many threads at once, each with a slot */

struct user {
	struct tn_slots *slots;
	uint32_t slot;
	pthread_t thread;
	int err;
};

/* Nothing else is at work between the first barrier and the second. */
static pthread_barrier_t barrier;

static int use_slot(struct tn_slots *slots, uint32_t slot)
{
	int err = tn_slot_register(slots, slot, blob, blob_size, 0);

	if (err == 0)
		err = tn_slot_load(slots, slot, NULL);
	if (err == 0)
		err = call(slots, slot);
	if (err == 0)
		err = hold_many(slots, slot);
	if (err == 0)
		err = tn_slot_unload(slots, slot, NULL);
	return err != 0 ? err : tn_slot_unregister(slots, slot);
}

static void *use_one(void *arg)
{
	struct user *u = arg;

	pthread_barrier_wait(&barrier);
	u->err = use_slot(u->slots, u->slot);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void use_all(struct tn_slots *slots)
{
	static struct user user[THREADS];
	int err = pthread_barrier_init(&barrier, NULL, THREADS + 1);

	for (uint32_t i = 0; i < THREADS && err == 0; i++) {
		user[i] = (struct user){ .slots = slots, .slot = i };
		err = pthread_create(&user[i].thread, NULL, use_one, &user[i]);
	}
	if (err != 0)
		exit(1);
	tell("-", 0);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS && err == 0; i++)
		err = user[i].err;
	tell("threads", err);
	for (int i = 0; i < THREADS; i++)
		pthread_join(user[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
}

static int live(void *memory)
{
	const struct tn_slots_config config = {
		.size = sizeof(config),
		.abi = 1,
		.slot_count = THREADS,
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
	use_all(slots);
	return tn_slots_shutdown(slots, NULL) != 0;
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;

	if (!f) {
		fputs("usage: heap BLOB\n", stderr);
		return 2;
	}
	blob_size = fread(blob, 1, sizeof(blob), f);
	fclose(f);
	return live(pool) || live(NULL);
}
