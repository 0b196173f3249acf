/* SPDX-License-Identifier: MIT */
/*
 * References: who holds a module, what that forbids, and in which order
 * modules come and go.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include "world.h"

static struct {
	struct world *w;
	struct tn_module *mod, *inner;
	struct object *object;
	bool got;
	int result;
	enum tn_state state;
	char text[128]; /* of the load inside of an entry point */
} probe;

static int t_nothing(void)
{
	return 0;
}

static int find_self(void *arg, struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (strcmp(info.name, arg) != 0)
		return 0;
	probe.mod = mod;
	probe.state = info.state;
	return 1;
}

/* init and exit of "self": is it to be had, and in which state is it? */
static int t_probe(void)
{
	static char name[] = "self";

	probe.mod = NULL;
	tn_module_each(probe.w->sys, find_self, name);
	probe.got = probe.mod != NULL && tn_module_get(probe.mod);
	return probe.result;
}

/* init or exit of "outer": loads another module. */
static int t_nest(void)
{
	struct world *w = probe.w;
	const int err = world_load(w, probe.object, 0, &probe.inner);

	tn_diag_text(&w->diag, probe.text, sizeof(probe.text));
	return err;
}

static const struct tn_export exports[] = {
	WORLD_EXPORT(t_nothing),
	WORLD_EXPORT(t_probe),
	WORLD_EXPORT(t_nest),
};

static bool begin(struct world *w)
{
	memset(&probe, 0, sizeof(probe));
	probe.w = w;
	return world_open(w, exports, ARRAY_SIZE(exports));
}

static struct author provider(const char *name, const char *symbol)
{
	struct author a = author_new(isa_here()->machine, name);

	author_export(&a, (struct author_export){ .name = symbol,
			      .symbol = author_word(&a, symbol, 1) });
	return a;
}

/* Imports @from, and exports @symbol when that is not NULL. */
static struct author importer(
    const char *name, const char *from, const char *symbol)
{
	struct author a = author_new(isa_here()->machine, name);
	const uint32_t p =
	    author_pointer(&a, "p", object_undefined(a.o, from), 0);

	if (symbol != NULL)
		author_export(
		    &a, (struct author_export){ .name = symbol, .symbol = p });
	return a;
}

static uint32_t refs_of(struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	return info.refs;
}

TEST(refs, unload_is_refused_while_one_is_held)
{
	struct author a = provider("held", "x");
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;
	char text[128];

	PROVES("K5.3");
	CHECK(begin(&w));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	for (uint32_t i = 0; i < 300; i++) /* no counter of 8 bits */
		CHECK(tn_module_get(mod));
	CHECK_EQ(refs_of(mod), 300);
	for (uint32_t i = 300; i > 0; i--) {
		CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
		CHECK_EQ(w.diag.reason, TN_REASON_IN_USE);
		CHECK_EQ(w.diag.value, i);
		tn_module_put(mod);
	}
	/* the refusals have changed nothing: it can still be had */
	CHECK(tn_module_get(mod));
	CHECK_EQ(tn_symbol_find(w.sys, "x", &sym), 0);
	CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK(strstr(text, "Module held is in use by the program (reference "
			   "taken at 0x") == text);
	tn_module_put(mod);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(refs, find_takes_one)
{
	struct author a = provider("found", "x");
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	CHECK(tn_module_find(w.sys, "found") == NULL);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK(tn_module_find(w.sys, "found") == mod);
	CHECK_EQ(refs_of(mod), 1);
	CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
	tn_module_put(mod);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- importers */

static int name_of(void *arg, struct tn_module *mod)
{
	struct tn_module_info info;
	char *names = arg;

	tn_module_info(mod, &info);
	strcat(names, info.name);
	strcat(names, " ");
	return 0;
}

/* base <- middle <- top: each stays until its users are gone. */
TEST(refs, providers_stay_until_their_users_are_gone)
{
	struct author a[3] = { provider("base", "b"),
		importer("middle", "b", "m"), importer("top", "m", NULL) };
	struct tn_module *mod[3];
	struct world w;
	char text[128] = "", names[64] = "";

	PROVES("L09 L11");
	CHECK(begin(&w));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(world_load(&w, a[i].o, 0, &mod[i]), 0);
	tn_module_each(w.sys, name_of, names);
	CHECK_STR(names, "base middle top ");
	names[0] = '\0';
	tn_module_providers(mod[1], name_of, names);
	CHECK_STR(names, "base ");
	CHECK_EQ(world_unload(&w, mod[0]), -TN_EBUSY);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "Module base is in use by middle");
	CHECK_EQ(world_unload(&w, mod[1]), -TN_EBUSY);
	for (int i = 2; i >= 0; i--) {
		CHECK_EQ(world_unload(&w, mod[i]), 0);
		author_free(&a[i]);
	}
	CHECK(world_close(&w));
}

TEST(refs, an_importer_counts_once_however_much_it_imports)
{
	struct author a = author_new(isa_here()->machine, "wide");
	struct author b = author_new(isa_here()->machine, "user");
	struct author c = author_new(isa_here()->machine, "other_user");
	struct tn_module *mod[3];
	struct world w;
	char name[32], text[128];

	CHECK(begin(&w));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		author_export(&a, (struct author_export){ .name = name,
				      .symbol = author_word(&a, name, 1) });
		author_pointer(&b, "p", object_undefined(b.o, name), 0);
	}
	author_pointer(&c, "p", object_undefined(c.o, "w1"), 0);
	CHECK_EQ(world_load(&w, a.o, 0, &mod[0]), 0);
	CHECK_EQ(world_load(&w, b.o, 0, &mod[1]), 0);
	CHECK_EQ(world_load(&w, c.o, 0, &mod[2]), 0);
	CHECK_EQ(refs_of(mod[0]), 2);
	CHECK_EQ(world_unload(&w, mod[0]), -TN_EBUSY);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "Module wide is in use by user, other_user");
	for (int i = 2; i >= 0; i--)
		CHECK_EQ(world_unload(&w, mod[i]), 0);
	author_free(&a);
	author_free(&b);
	author_free(&c);
	CHECK(world_close(&w));
}

/* Zephyr's trap: more providers than some table holds. */
TEST(refs, a_module_may_import_from_many)
{
	struct author user = author_new(isa_here()->machine, "user");
	struct author a[40];
	struct tn_module *mod[40], *u;
	struct world w;
	char name[32];

	CHECK(begin(&w));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		a[i] = provider(name, name);
		CHECK_EQ(world_load(&w, a[i].o, 0, &mod[i]), 0);
		author_pointer(&user, "p", object_undefined(user.o, name), 0);
	}
	CHECK_EQ(world_load(&w, user.o, 0, &u), 0);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(world_unload(&w, mod[i]), -TN_EBUSY);
	CHECK_EQ(world_unload(&w, u), 0);
	for (int i = 0; i < 40; i++) {
		CHECK_EQ(world_unload(&w, mod[i]), 0);
		author_free(&a[i]);
	}
	author_free(&user);
	CHECK(world_close(&w));
}

/* A load that fails after it has found its provider lets go of it. */
TEST(refs, a_failed_importer_holds_nobody)
{
	struct author a = provider("base", "b");
	struct author u = importer("user", "b", NULL);
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	author_pointer(&u, "q", object_undefined(u.o, "missing"), 0);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_REFUSED(&w, u.o, TN_ENOENT, "missing_symbol",
	    "user: 1 missing symbol: missing");
	CHECK_EQ(refs_of(mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	author_free(&u);
	CHECK(world_close(&w));
}

/* --- while a module comes and goes */

static struct author self(void)
{
	struct author a = provider("self", "of_self");

	author_jump(&a, "init_module", "t_probe");
	author_jump(&a, "cleanup_module", "t_probe");
	return a;
}

TEST(refs, a_module_cannot_be_had_during_init_and_exit)
{
	struct author a = self();
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK(probe.mod == mod);
	CHECK_EQ(probe.state, TN_STATE_LOADED);
	CHECK(!probe.got);
	CHECK(tn_module_get(mod));
	tn_module_put(mod);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(probe.mod == mod);
	CHECK_EQ(probe.state, TN_STATE_GOING);
	CHECK(!probe.got);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Nobody is linked to what is not whole yet, or not any more. */
TEST(refs, a_coming_or_going_module_exports_nothing)
{
	static const char *const entries[] = { "init_module",
		"cleanup_module" };
	struct author inner = importer("inner", "of_outer", NULL);
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;

	CHECK(begin(&w));
	probe.object = inner.o;
	for (int i = 0; i < 2; i++) {
		struct author outer = provider("outer", "of_outer");

		author_jump(&outer, entries[i], "t_nest");
		author_jump(&outer, entries[1 - i], "t_nothing");
		/* init waits for itself, exit is too late for anybody */
		CHECK_EQ(
		    world_load(&w, outer.o, 0, &mod), i == 0 ? -TN_EDEADLK : 0);
		if (i == 1)
			CHECK_EQ(world_unload(&w, mod), 0);
		CHECK_STR(probe.text,
		    i == 0 ? "inner: would wait for itself: outer -> inner -> "
			     "outer"
			   : "inner: 'of_outer' is of outer, which is not "
			     "running but going");
		CHECK_EQ(tn_symbol_find(w.sys, "of_outer", &sym), -TN_ENOENT);
		author_free(&outer);
	}
	CHECK_EQ(tn_symbol_count(w.sys), ARRAY_SIZE(exports));
	author_free(&inner);
	CHECK(world_close(&w));
}

/* A symbol and its owner at once: the address is good until the put. */
TEST(refs, a_symbol_can_be_had_with_its_owner)
{
	struct author a = provider("owner", "owned");
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;

	CHECK(begin(&w));
	CHECK_EQ(tn_symbol_get(w.sys, "owned", &sym), -TN_ENOENT);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_symbol_get(w.sys, "owned", &sym), 0);
	CHECK(sym.owner == mod);
	CHECK_EQ(refs_of(mod), 1);
	CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
	CHECK_EQ(*(uint64_t *)(uintptr_t)sym.addr, 1);
	tn_module_put(sym.owner);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(tn_symbol_get(w.sys, "owned", &sym), -TN_ENOENT);
	CHECK_EQ(tn_symbol_get(w.sys, "t_nothing", &sym), 0);
	CHECK(sym.owner == NULL);
	author_free(&a);
	CHECK(world_close(&w));
}

/* init runs without a lock of the engine: it may load other modules. */
TEST(refs, init_may_load_another_module)
{
	struct author inner = provider("inner", "of_inner");
	struct author outer = author_new(isa_here()->machine, "outer");
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	author_jump(&outer, "init_module", "t_nest");
	author_return(&outer, "cleanup_module");
	probe.object = inner.o;
	CHECK_EQ(world_load(&w, outer.o, 0, &mod), 0);
	CHECK(tn_module_find(w.sys, "inner") == probe.inner);
	tn_module_put(probe.inner);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(world_unload(&w, probe.inner), 0);
	author_free(&inner);
	author_free(&outer);
	CHECK(world_close(&w));
}

/* The same name again while the first is in its init. */
TEST(refs, a_coming_module_has_taken_its_name)
{
	struct author inner = provider("twin", "of_inner");
	struct author outer = author_new(isa_here()->machine, "twin");
	struct world w;

	CHECK(begin(&w));
	author_jump(&outer, "init_module", "t_nest");
	author_return(&outer, "cleanup_module");
	probe.object = inner.o;
	CHECK_EQ(world_load(&w, outer.o, 0, &probe.mod), -TN_EDEADLK);
	CHECK_STR(probe.text, "twin: would wait for itself: twin -> twin");
	author_free(&inner);
	author_free(&outer);
	CHECK(world_close(&w));
}

TEST(refs, a_system_with_modules_is_not_destroyed)
{
	struct author a = provider("last", "x");
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_system_destroy(w.sys), -TN_EBUSY);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* RT-Thread's trap: after a failure of each kind the next load works. */
TEST(refs, a_failed_load_does_not_poison_the_next)
{
	struct author good = provider("good", "g");
	struct author missing = importer("bad", "missing", NULL);
	struct author failing = self();
	struct author doubled = provider("doubled", "t_nothing");
	struct author *const bad[] = { &missing, &failing, &doubled };
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	probe.result = -TN_EIO;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(world_load(&w, bad[i]->o, 0, &mod) < 0);
		CHECK_EQ(world_load(&w, good.o, 0, &mod), 0);
		CHECK_EQ(*(uint64_t *)world_object(mod, "g"), 1);
		CHECK_EQ(world_unload(&w, mod), 0);
		author_free(bad[i]);
	}
	author_free(&good);
	CHECK(world_close(&w));
}
