/* SPDX-License-Identifier: MIT */
/*
 * The registry as a list, and calls by name.
 */
#include <limits.h>
#include <string.h>

#include <tenon/registry.h>
#include <test/test.h>

#include "world.h"

static uint64_t t_sum(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return a + 10 * b + 100 * c + 1000 * d;
}

static const struct tn_export exports[] = {
	WORLD_EXPORT(t_sum),
};

static struct tn_module *load_named(struct world *w, const char *name)
{
	struct author a = author_new(isa_here()->machine, name);
	struct tn_module *mod = NULL;

	author_export(&a, (struct author_export){ .name = name,
			      .symbol = author_jump(&a, name, "t_sum") });
	EXPECT(world_load(w, a.o, 0, &mod) == 0);
	author_free(&a);
	return mod;
}

TEST(walk, the_registry_has_a_first_a_next_and_a_last)
{
	static const char *const names[] = { "a", "b", "c" };
	struct tn_module *mods[3], *m;
	struct tn_module_info info;
	struct world w;
	unsigned n = 0;

	PROVES("G30");
	CHECK(world_open(&w, exports, ARRAY_SIZE(exports)));
	CHECK(tn_module_first(w.sys) == NULL && tn_module_last(w.sys) == NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(mods); i++)
		mods[i] = load_named(&w, names[i]);
	for (m = tn_module_first(w.sys); m != NULL; m = tn_module_next(m), n++)
		CHECK(n < ARRAY_SIZE(mods) && m == mods[n]);
	CHECK_EQ(n, ARRAY_SIZE(mods));
	m = tn_module_last(w.sys);
	CHECK(m == mods[2]);
	tn_module_info(m, &info);
	CHECK_STR(info.name, "c");
	CHECK(info.bytes > 0 && info.text_addr != 0);
	tn_module_put(m);
	m = tn_module_find(w.sys, "b");
	CHECK(m == mods[1]);
	tn_module_put(m);
	/* No reference was left behind. */
	for (unsigned i = 0; i < ARRAY_SIZE(mods); i++)
		CHECK_EQ(world_unload(&w, mods[i]), 0);
	CHECK(world_close(&w));
}

TEST(walk, functions_are_called_by_name)
{
	const uint64_t args[4] = { 1, 2, 3, 4 };
	struct tn_module *mod;
	uint64_t ret = 0;
	struct world w;

	PROVES("G30");
	CHECK(world_open(&w, exports, ARRAY_SIZE(exports)));
	mod = load_named(&w, "adder");
	CHECK_EQ(tn_module_call4(mod, "adder", args, &ret), 0);
	CHECK_EQ(ret, 4321);
	CHECK_EQ(tn_module_call4(mod, "absent", args, &ret), -TN_ENOENT);
	CHECK_EQ(tn_unload(w.sys, mod, &w.diag), 0);
	CHECK_EQ(tn_module_call4(mod, "adder", args, &ret), -TN_ENOENT);
	CHECK_EQ(ret, 4321);
	CHECK(world_close(&w));
}

static struct world *forced;

static uint64_t force(uint64_t mod)
{
	const struct tn_unload_args args = { .size = sizeof(args),
		.flags = TN_UNLOAD_FORCE };

	return (uint64_t)tn_unload_with(forced->sys,
	    (struct tn_module *)(uintptr_t)mod, &args, &forced->diag);
}

TEST(walk, module_stays_for_the_time_of_a_call_even_under_force)
{
	static const struct tn_export hooks[] = { WORLD_EXPORT(force) };
	struct author a = author_new(isa_here()->machine, "called");
	struct tn_module *mod;
	uint64_t ret = 0;
	char text[128];
	struct world w;

	author_export(&a, (struct author_export){ .name = "run",
			      .symbol = author_jump(&a, "run", "force") });
	forced = &w;
	CHECK(world_open(&w, hooks, 1));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	const uint64_t args[4] = { (uintptr_t)mod };

	CHECK_EQ(tn_module_call4(mod, "run", args, &ret), 0);
	CHECK_EQ((int)ret, -TN_EBUSY);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "Module called is in use by 1 call in progress");
	CHECK_EQ((int)force(args[0]), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(walk, errors_have_names)
{
	PROVES("G30");
	CHECK_STR(tn_error_name(0), "OK");
	CHECK_STR(tn_error_name(-TN_ENOENT), "ENOENT");
	CHECK_STR(tn_error_name(TN_EBUSY), "EBUSY");
	CHECK_STR(tn_error_name(INT_MIN), "unknown");
	CHECK_STR(tn_error_name(-TN_ESTALE), "ESTALE");
	CHECK_STR(tn_error_name(12345), "unknown");
}
