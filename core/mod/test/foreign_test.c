/* SPDX-License-Identifier: MIT */
/*
 * Modules whose image somebody else maps, and those whose entry is a table:
 * what is called when, what a failure at each step leaves, and what is refused.
 */
#include <stdlib.h>
#include <string.h>

#include <tenon/foreign.h>
#include <tenon/inspect.h>
#include <tenon/registry.h>
#include <test/test.h>

#include "shared.h"
#include "world.h"

#define FUNC OBJECT_SYM(STB_GLOBAL, STT_FUNC)
#define DATA OBJECT_SYM(STB_GLOBAL, STT_OBJECT)

/* A dynamic linker of the simplest kind: a copy of the file. */
struct linker {
	struct tn_foreign foreign;
	void *memory; /* NULL: not mapped */
	size_t size;
	uint64_t table_at; /* in the image, 0: none */
	int map_result, take_result, init_result;
	struct tn_module *provider; /* that it needs, or NULL */
	struct tn_module *mod;
	void *table;
	int maps, inits, exits, gones;
};

static int map(void *ctx, struct tn_foreign_load *load, const void *data,
    size_t size, struct tn_foreign_image *out)
{
	struct linker *l = ctx;

	l->maps++;
	if (l->map_result != 0)
		return tn_foreign_fail(load, l->map_result, TN_REASON_DLOPEN,
		    "no room in the attic");
	if (l->provider != NULL) {
		const int err = tn_foreign_needs(load, l->provider);

		if (err != 0)
			return err;
	}
	l->memory = malloc(size);
	if (l->memory == NULL)
		abort();
	memcpy(l->memory, data, size);
	l->size = size;
	out->base = (uintptr_t)l->memory;
	out->table = l->table_at != 0 ? out->base + l->table_at : 0;
	return 0;
}

static int take(
    void *ctx, struct tn_foreign_load *load, struct tn_module *mod, void *table)
{
	struct linker *l = ctx;

	l->mod = mod;
	l->table = table;
	if (l->take_result != 0)
		return tn_foreign_fail(
		    load, l->take_result, TN_REASON_BAD_ARGUMENT, "the table");
	tn_foreign_note(load, "was taken");
	return 0;
}

static int init(void *ctx)
{
	struct linker *l = ctx;

	l->inits++;
	return l->init_result;
}

static void run_exit(void *ctx)
{
	((struct linker *)ctx)->exits++;
}

static void gone(void *ctx)
{
	struct linker *l = ctx;

	l->gones++;
	free(l->memory);
	l->memory = NULL;
}

static void linker_init(struct linker *l)
{
	*l = (struct linker){ .foreign = { .size = sizeof(l->foreign),
				  .abi = 1,
				  .symbol = "the_table",
				  .map = map,
				  .take = take,
				  .init = init,
				  .exit = run_exit,
				  .gone = gone } };
	l->foreign.ctx = l;
}

static int load(struct world *w, struct linker *l, struct span file,
    const char *name, struct tn_module **mod)
{
	const struct tn_load_args args = { .size = sizeof(args),
		.flags = TN_LOAD_UNMARKED,
		.name = name,
		.data = file.p,
		.data_size = file.n };

	tn_diag_fini(&w->diag);
	return tn_load_foreign(w->sys, &args, &l->foreign, mod, &w->diag);
}

static const char *said(struct world *w)
{
	static char text[200];

	tn_diag_text(&w->diag, text, sizeof(text));
	return text;
}

/* A shared object with a table, and where in it that is. */
static struct shared *shared_with_table(uint64_t *table_at)
{
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);

	shared_symbol(s, "f", FUNC, shared_function(s, 77));
	*table_at = shared_word(s, 0x77);
	shared_symbol(s, "the_table", DATA, *table_at);
	(void)shared_file(s);
	return s;
}

TEST(foreign, image_of_another_is_a_module_from_init_to_gone)
{
	struct tn_module_info info;
	struct tn_module *mod;
	struct tn_location at;
	struct linker l;
	struct world w;
	struct shared *s;

	linker_init(&l);
	s = shared_with_table(&l.table_at);
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(load(&w, &l, shared_bytes(s), "strange", &mod), 0);
	CHECK_EQ(mod, l.mod);
	CHECK_EQ(*(uint64_t *)l.table, 0x77);
	CHECK_EQ(l.inits, 1);
	CHECK_EQ(w.diag.nnotes, 1);
	CHECK_STR(w.diag.note, "strange: was taken");
	tn_module_info(mod, &info);
	CHECK_STR(info.name, "strange");
	CHECK_EQ(info.state, TN_STATE_RUNNING);
	CHECK_EQ(info.taints, 0);
	CHECK_EQ(info.text_addr, (uintptr_t)l.memory + SHARED_TEXT);
	CHECK_EQ(tn_symbolize(w.sys, info.text_addr, &at), 0);
	CHECK_EQ(at.module, mod);
	CHECK(tn_module_get(mod));
	CHECK_EQ(tn_unload(w.sys, mod, NULL), -TN_EBUSY);
	CHECK_EQ(l.exits + l.gones, 0);
	tn_module_put(mod);
	CHECK_EQ(tn_unload(w.sys, mod, NULL), 0);
	CHECK_EQ(l.exits, 1);
	CHECK_EQ(l.gones, 1);
	CHECK_EQ(tn_symbolize(w.sys, info.text_addr, &at), -TN_ENOENT);
	CHECK_EQ(tn_module_forget(w.sys, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(foreign, each_refusal_is_told_and_leaves_nothing)
{
	struct tn_module *mod;
	struct linker l;
	struct world w;
	struct shared *s;

	linker_init(&l);
	s = shared_with_table(&l.table_at);
	CHECK(world_open(&w, NULL, 0));
	const uint64_t before = world_state(&w);

	l.map_result = -TN_ENOEXEC;
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), -TN_ENOEXEC);
	CHECK_STR(said(&w), "x: no room in the attic");
	CHECK_EQ(l.gones, 0);
	l.map_result = 0;
	l.take_result = -TN_EPERM;
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), -TN_EPERM);
	CHECK_STR(said(&w), "x: bad argument: the table");
	CHECK_EQ(l.gones, 1);
	l.take_result = 0;
	l.init_result = 5;
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), -TN_EINVAL);
	CHECK_STR(said(&w), "x: init failed with 5");
	CHECK_EQ(l.gones, 2);
	CHECK_EQ(l.exits, 0);
	l.init_result = 0;
	/* A table that is none, or is another image's. */
	const uint64_t at = l.table_at;

	for (int i = 0; i < 2; i++) {
		l.table_at = i == 0 ? 0 : (uintptr_t)&l - 0x1000;
		CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), -TN_ENOEXEC);
		CHECK_STR(said(&w), "x: has no the_table");
		CHECK_EQ(l.gones, 3 + i);
	}
	CHECK(!l.memory);
	tn_diag_fini(&w.diag);
	CHECK_EQ(world_state(&w), before);
	l.table_at = at;
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(foreign, a_needed_module_stays_as_long)
{
	struct tn_module *base, *user, *found;
	struct linker l, m;
	struct world w;
	struct shared *s;

	linker_init(&l);
	linker_init(&m);
	s = shared_with_table(&l.table_at);
	m.table_at = l.table_at;
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(load(&w, &l, shared_bytes(s), "base", &base), 0);
	m.provider = base;
	CHECK_EQ(load(&w, &m, shared_bytes(s), "user", &user), 0);
	CHECK_EQ(tn_unload(w.sys, base, &w.diag), -TN_EBUSY);
	CHECK_STR(said(&w), "Module base is in use by user");
	CHECK_EQ(world_unload(&w, user), 0);
	CHECK_EQ(tn_unload(w.sys, base, NULL), 0);
	/* Gone: it cannot be needed any more. */
	CHECK_EQ(load(&w, &m, shared_bytes(s), "user", &found), -TN_EAGAIN);
	CHECK_EQ(tn_module_forget(w.sys, base), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(foreign, object_of_the_engine_is_entered_by_its_table)
{
	struct author a = author_new(isa_here()->machine, "object");
	struct tn_module *mod;
	struct linker l;
	struct world w;

	linker_init(&l);
	(void)author_word(&a, "the_table", 0x1234);
	CHECK(world_open(&w, NULL, 0));
	const uint64_t before = world_state(&w);

	CHECK_EQ(load(&w, &l, object_file(a.o), NULL, &mod), 0);
	CHECK_EQ(l.maps, 0);
	CHECK_EQ(*(uint64_t *)l.table, 0x1234);
	CHECK_EQ(l.inits, 1);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(l.exits, 1);
	CHECK_EQ(l.gones, 1);
	l.foreign.symbol = "no_table";
	CHECK_EQ(load(&w, &l, object_bytes(a.o), NULL, &mod), -TN_ENOEXEC);
	CHECK_STR(said(&w), "object: has no no_table");
	CHECK_EQ(l.gones, 1); /* it has not been taken */
	tn_diag_fini(&w.diag);
	CHECK_EQ(world_state(&w), before);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(foreign, what_is_no_such_table_is_not_taken)
{
	struct author a = author_new(isa_here()->machine, "object");
	struct tn_module *mod;
	struct linker l;
	struct world w;
	struct shared *s;

	linker_init(&l);
	(void)author_word(&a, "the_table", 0x1234);
	(void)author_return(&a, "function");
	CHECK(world_open(&w, NULL, 0));
	const uint64_t before = world_state(&w);

	l.foreign.table_size = 9;
	CHECK_EQ(load(&w, &l, object_file(a.o), NULL, &mod), -TN_EOPNOTSUPP);
	CHECK_STR(said(&w),
	    "object: a the_table that is no object of 9 bytes is not "
	    "supported");
	l.foreign.table_size = 0;
	l.foreign.symbol = "function";
	CHECK_EQ(load(&w, &l, object_bytes(a.o), NULL, &mod), -TN_EOPNOTSUPP);
	CHECK_EQ(l.gones, 0);
	/* Who maps it says where it is; there is not so much of it. */
	linker_init(&l);
	s = shared_with_table(&l.table_at);
	l.foreign.table_size = UINT32_MAX;
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), -TN_EOPNOTSUPP);
	CHECK_EQ(l.gones, 1);
	l.foreign.size--;
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), -TN_EINVAL);
	CHECK_STR(said(&w), "bad argument: size or abi of struct tn_foreign");
	l.foreign.size++;
	l.foreign.abi = 2;
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), -TN_EINVAL);
	tn_diag_fini(&w.diag);
	CHECK_EQ(world_state(&w), before);
	shared_free(s);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(foreign, two_ways_in_are_refused)
{
	struct author a = author_new(isa_here()->machine, "object");
	struct tn_module *mod;
	struct linker l;
	struct world w;

	linker_init(&l);
	(void)author_word(&a, "the_table", 0);
	(void)author_return(&a, "cleanup_module");
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(load(&w, &l, object_file(a.o), NULL, &mod), -TN_ENOEXEC);
	CHECK_STR(said(&w),
	    "object: has no sound module_ops: init_module or cleanup_module "
	    "beside a foreign table");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(foreign, fails_at_every_call_of_the_port)
{
	struct tn_module *mod;
	struct linker l;
	struct world w;
	struct shared *s;
	unsigned n = 1;

	linker_init(&l);
	s = shared_with_table(&l.table_at);
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(load(&w, &l, shared_bytes(s), "x", &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	const uint64_t before = world_state(&w);

	for (;; n++) {
		int err;

		rig_arm(&w.rig, n);
		err = load(&w, &l, shared_bytes(s), "x", &mod);
		if (w.rig.calls < n)
			break;
		rig_arm(&w.rig, 0);
		CHECK_EQ(err, -TN_ENOMEM);
		CHECK_EQ(w.diag.reason, TN_REASON_NO_MEMORY);
		CHECK(!l.memory); /* mapped or not, it is gone */
		tn_diag_fini(&w.diag);
		CHECK_EQ(world_state(&w), before);
	}
	rig_arm(&w.rig, 0);
	CHECK(n > 4);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(world_state(&w), before);
	shared_free(s);
	CHECK(world_close(&w));
}
