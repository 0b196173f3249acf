/* SPDX-License-Identifier: MIT */
/*
 * Threads that look up, hold and list modules while others load and unload
 * them: nobody may see a module that is not whole. A few thousand rounds;
 * the thread sanitizer makes more of them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <test/test.h>

#include "world.h"

#define LOADERS 2
#define READERS 3
#define ROUNDS  200

static int world_word;

static const struct tn_export exports[] = {
	WORLD_EXPORT(world_word),
};

struct storm {
	struct world w;
	atomic_bool stop;
	atomic_ulong loads, imports, gets, hits, errors;
	const char *_Atomic what; /* the first error */
};

struct loader {
	struct storm *s;
	struct author a;
	pthread_t thread;
};

static void blame(struct storm *s, const char *what)
{
	const char *none = NULL;

	atomic_fetch_add(&s->errors, 1);
	atomic_compare_exchange_strong(&s->what, &none, what);
}

/* Two modules, each with an export of its own and one that both have. */
static struct author shared_provider(const char *name, const char *own)
{
	struct author a = author_new(isa_here()->machine, name);

	author_export(&a, (struct author_export){ .name = own,
			      .symbol = author_word(&a, own, 0x600d) });
	author_export(&a, (struct author_export){ .name = "in_turns",
			      .symbol = author_word(&a, "in_turns", 0x600d) });
	return a;
}

static void unload(struct storm *s, struct tn_module *mod)
{
	struct tn_diag diag;
	int err;

	tn_diag_init(&diag);
	do
		err = tn_unload(s->w.sys, mod, &diag);
	while (err == -TN_EBUSY);
	if (err != 0)
		blame(s, "unload");
	tn_diag_fini(&diag);
}

/* Long enough for the importer to have met what it wants. */
static bool goes_on(struct storm *s, int round)
{
	return round < ROUNDS ||
	       (round < 20 * ROUNDS && atomic_load(&s->imports) < 20);
}

static void *run_loader(void *arg)
{
	struct loader *l = arg;
	const struct span file = object_bytes(l->a.o);
	const struct tn_load_args args = {
		.size = sizeof(args), .data = file.p, .data_size = file.n
	};
	struct tn_module *mod;

	for (int i = 0; goes_on(l->s, i); i++) {
		const int err = tn_load(l->s->w.sys, &args, &mod, NULL);

		if (err == 0) {
			atomic_fetch_add(&l->s->loads, 1);
			unload(l->s, mod);
		} else if (err != -TN_EEXIST) {
			blame(l->s, "load");
		}
	}
	return NULL;
}

/* A module that is held is whole: its word can be read. */
static void hold(struct storm *s, const char *name, const char *symbol)
{
	struct tn_module *mod = tn_module_find(s->w.sys, name);
	struct tn_module_info info;
	void *addr;

	if (mod == NULL)
		return;
	atomic_fetch_add(&s->gets, 1);
	tn_module_info(mod, &info);
	if (strcmp(info.name, name) != 0 || info.state != TN_STATE_RUNNING)
		blame(s, "held module is not live");
	if (tn_module_symbol(mod, symbol, &addr) != 0)
		blame(s, "held module has lost its symbol");
	else if (*(volatile uint64_t *)addr != 0x600d)
		blame(s, "held module has other data");
	if (!tn_module_get(mod))
		blame(s, "held module cannot be held again");
	else
		tn_module_put(mod);
	tn_module_put(mod);
}

/* A symbol that is held with its owner can be read. */
static void read_symbol(struct storm *s)
{
	struct tn_symbol sym;

	if (tn_symbol_get(s->w.sys, "in_turns", &sym) != 0)
		return;
	atomic_fetch_add(&s->hits, 1);
	if (*(volatile uint64_t *)(uintptr_t)sym.addr != 0x600d)
		blame(s, "symbol has other data");
	tn_module_put(sym.owner);
}

static int list_one(void *arg, struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (info.name[0] != 's' && info.name[0] != 't')
		blame(arg, "list has another module");
	return 0;
}

static void *run_reader(void *arg)
{
	struct storm *s = arg;
	struct tn_symbol sym;

	while (!atomic_load(&s->stop)) {
		read_symbol(s);
		if (tn_symbol_find(s->w.sys, "world_word", &sym) != 0 ||
		    sym.addr != (uintptr_t)&world_word)
			blame(s, "the world's symbol is gone");
		hold(s, "s1", "own_1");
		hold(s, "s2", "own_2");
		tn_module_each(s->w.sys, list_one, s);
	}
	return NULL;
}

/* Loads a module that imports what comes and goes: it gets it whole or not. */
static void *run_importer(void *arg)
{
	struct loader *l = arg;
	const struct span file = object_bytes(l->a.o);
	const struct tn_load_args args = {
		.size = sizeof(args), .data = file.p, .data_size = file.n
	};
	struct tn_module *mod;

	while (!atomic_load(&l->s->stop)) {
		const int err = tn_load(l->s->w.sys, &args, &mod, NULL);
		void *p;

		if (err != 0) {
			if (err != -TN_ENOENT && err != -TN_EAGAIN)
				blame(l->s, "import");
			continue;
		}
		atomic_fetch_add(&l->s->imports, 1);
		if (tn_module_symbol(mod, "imported", &p) != 0 ||
		    **(volatile uint64_t **)p != 0x600d)
			blame(l->s, "what was imported has other data");
		unload(l->s, mod);
	}
	return NULL;
}

static struct author make_importer(void)
{
	struct author a = author_new(isa_here()->machine, "storm_user");

	author_export(&a, (struct author_export){ .name = "imported",
			      .symbol = author_pointer(&a, "imported",
				  object_undefined(a.o, "in_turns"), 0) });
	return a;
}

TEST(storm, readers_never_see_a_module_that_is_not_whole)
{
	static const char *const names[] = { "s1", "s2" };
	static const char *const own[] = { "own_1", "own_2" };
	struct loader loaders[LOADERS], importer;
	pthread_t readers[READERS];
	struct storm s;

	PROVES("K5.3");
	memset(&s, 0, sizeof(s));
	CHECK(world_open(&s.w, exports, 1));
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&readers[i], NULL, run_reader, &s), 0);
	importer = (struct loader){ .s = &s, .a = make_importer() };
	object_file(importer.a.o);
	CHECK_EQ(
	    pthread_create(&importer.thread, NULL, run_importer, &importer), 0);
	for (int i = 0; i < LOADERS; i++) {
		loaders[i].s = &s;
		loaders[i].a = shared_provider(names[i], own[i]);
		object_file(loaders[i].a.o);
		CHECK_EQ(pthread_create(
			     &loaders[i].thread, NULL, run_loader, &loaders[i]),
		    0);
	}
	for (int i = 0; i < LOADERS; i++) {
		pthread_join(loaders[i].thread, NULL);
		author_free(&loaders[i].a);
	}
	atomic_store(&s.stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	pthread_join(importer.thread, NULL);
	author_free(&importer.a);
	CHECK_STR(s.what, NULL);
	CHECK_EQ(s.errors, 0);
	CHECK(s.loads > 0);
	CHECK(world_close(&s.w));
}

/* Of many who load one name at once there is one winner at a time. */
static void *run_rival(void *arg)
{
	struct loader *l = arg;
	const struct span file = object_bytes(l->a.o);
	const struct tn_load_args args = { .size = sizeof(args),
		.flags = TN_LOAD_EXCLUSIVE,
		.data = file.p,
		.data_size = file.n };
	struct tn_module *mod;

	for (int i = 0; i < ROUNDS / 2; i++) {
		const int err = tn_load(l->s->w.sys, &args, &mod, NULL);

		if (err == 0) {
			if (atomic_fetch_add(&l->s->loads, 1) != 0)
				blame(l->s, "two winners");
			atomic_fetch_sub(&l->s->loads, 1);
			unload(l->s, mod);
			atomic_fetch_add(&l->s->hits, 1);
		} else if (err != -TN_EEXIST) {
			blame(l->s, "load");
		}
	}
	return NULL;
}

TEST(storm, one_name_is_loaded_once_at_a_time)
{
	struct author a = shared_provider("s1", "own_1");
	struct loader rivals[4];
	struct storm s;

	memset(&s, 0, sizeof(s));
	CHECK(world_open(&s.w, exports, 1));
	object_file(a.o);
	for (int i = 0; i < 4; i++) {
		rivals[i] = (struct loader){ .s = &s, .a = a };
		CHECK_EQ(pthread_create(
			     &rivals[i].thread, NULL, run_rival, &rivals[i]),
		    0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(rivals[i].thread, NULL);
	CHECK_STR(s.what, NULL);
	CHECK(s.hits > 0);
	author_free(&a);
	CHECK(world_close(&s.w));
}
