/* SPDX-License-Identifier: MIT */
/*
 * Dependencies by declaration at a load: what is missing, too old or too new
 * refuses it with both versions, what fits is held, and what is deprecated is
 * said.
 */
#include <stdio.h>
#include <string.h>

#include <tenon/registry.h>
#include <test/test.h>

#include "world.h"

static struct author module(const char *name, const char *version)
{
	struct author a = author_new(isa_here()->machine, name);
	char text[64];

	snprintf(text, sizeof(text), "version=%s", version);
	if (version[0] != '\0')
		author_info(&a, text);
	return a;
}

static struct author needing(const char *list)
{
	struct author a = module("needy", "");
	char text[160];

	snprintf(text, sizeof(text), "tenon.depends=%s", list);
	author_info(&a, text);
	return a;
}

/* A world in which "base" of version 1.4.2 runs. */
struct fixture {
	struct world w;
	struct tn_module *base;
};

static bool begin(struct fixture *f, const char *version, const char *info)
{
	struct author a = module("base", version);
	bool ok;

	if (info != NULL)
		author_info(&a, info);
	ok = world_open(&f->w, NULL, 0) &&
	     world_load(&f->w, a.o, 0, &f->base) == 0;
	author_free(&a);
	return ok;
}

static void end(struct fixture *f)
{
	CHECK_EQ(world_unload(&f->w, f->base), 0);
	CHECK(world_close(&f->w));
}

static void fits(struct fixture *f, const char *list)
{
	struct author a = needing(list);
	struct tn_module *mod;

	CHECK_EQ(world_load(&f->w, a.o, 0, &mod), 0);
	CHECK_EQ(world_unload(&f->w, mod), 0);
	author_free(&a);
}

static void refused(struct fixture *f, const char *list, enum tn_errno error,
    const char *reason, const char *sentence)
{
	struct author a = needing(list);

	CHECK_REFUSED(&f->w, a.o, error, reason, sentence);
	author_free(&a);
}

TEST(depend, what_fits_loads)
{
	struct fixture f;

	PROVES("H17 H22");
	CHECK(begin(&f, "1.4.2", NULL));
	fits(&f, "");
	fits(&f, "base");
	fits(&f, "base >= 1.2 < 2");
	fits(&f, "base ^ 1.4");
	fits(&f, "base = 1.4.2, base > 1");
	fits(&f, "?base >= 1");
	fits(&f, "?absent >= 7, base");
	end(&f);
}

TEST(depend, what_does_not_fit_is_named_with_both_versions)
{
	struct fixture f;

	PROVES("H17 H22");
	CHECK(begin(&f, "1.4.2", NULL));
	refused(&f, "absent", TN_ENOENT, "depends_missing",
	    "needy: needs absent, which is not loaded");
	refused(&f, "base, absent >= 2 < 3", TN_ENOENT, "depends_missing",
	    "needy: needs absent >= 2 < 3, which is not loaded");
	refused(&f, "base >= 1.5", TN_ERANGE, "depends_old",
	    "needy: needs base >= 1.5; present is 1.4.2, which is too old");
	refused(&f, "base < 1.4.2", TN_ERANGE, "depends_new",
	    "needy: needs base < 1.4.2; present is 1.4.2, which is too new");
	refused(&f, "base ^ 2", TN_ERANGE, "depends_old",
	    "needy: needs base ^ 2; present is 1.4.2, which is too old");
	/* the second time that it is named */
	refused(&f, "base >= 1, base > 2", TN_ERANGE, "depends_old",
	    "needy: needs base > 2; present is 1.4.2, which is too old");
	/* what is optional may be absent, not wrong */
	refused(&f, "?base > 2", TN_ERANGE, "depends_old",
	    "needy: needs base > 2; present is 1.4.2, which is too old");
	end(&f);
}

TEST(depend, module_without_version_fulfils_no_condition)
{
	struct fixture f;

	CHECK(begin(&f, "", NULL));
	fits(&f, "base");
	refused(&f, "base >= 0", TN_ERANGE, "depends_old",
	    "needy: needs base >= 0; what is present states no version");
	end(&f);
}

TEST(depend, malformed_declaration_is_refused)
{
	struct fixture f;

	CHECK(begin(&f, "1", NULL));
	refused(&f, "base, two words", TN_ENOEXEC, "bad_depends",
	    "needy: declares a malformed dependency: base, two words");
	refused(&f, "base >= x", TN_ENOEXEC, "bad_depends",
	    "needy: declares a malformed dependency: base >= x");
	end(&f);
}

TEST(depend, on_itself_is_a_cycle)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f, "1", NULL));
	refused(&f, "base, needy", TN_ELOOP, "cycle",
	    "needy: depends on itself: needy -> needy");
	end(&f);
}

TEST(depend, what_a_module_provides_serves_as_well)
{
	struct fixture f;

	PROVES("H17");
	CHECK(begin(&f, "1.4.2", "tenon.provides=clock, fs/fat32"));
	fits(&f, "clock");
	fits(&f, "fs/fat32 >= 1.4");
	refused(&f, "clock > 2", TN_ERANGE, "depends_old",
	    "needy: needs clock > 2; present is 1.4.2, which is too old");
	refused(&f, "cloc", TN_ENOENT, "depends_missing",
	    "needy: needs cloc, which is not loaded");
	refused(&f, "clocks", TN_ENOENT, "depends_missing",
	    "needy: needs clocks, which is not loaded");
	refused(&f, "fs", TN_ENOENT, "depends_missing",
	    "needy: needs fs, which is not loaded");
	end(&f);
}

TEST(depend, alias_without_wildcards_serves_as_well)
{
	struct fixture f;

	PROVES("H17");
	CHECK(begin(&f, "1.4.2", "alias=old-base"));
	fits(&f, "old_base >= 1.4");
	refused(&f, "old", TN_ENOENT, "depends_missing",
	    "needy: needs old, which is not loaded");
	end(&f);
	CHECK(begin(&f, "1.4.2", "alias=old*"));
	refused(&f, "old_base", TN_ENOENT, "depends_missing",
	    "needy: needs old_base, which is not loaded");
	end(&f);
}

static struct tn_module *provider(struct world *w, const char *name)
{
	struct author a = module(name, "1.0");
	struct tn_module *mod = NULL;

	author_info(&a, "tenon.provides=clock, clock");
	author_info(&a, "tenon.provides=time");
	EXPECT(world_load(w, a.o, 0, &mod) == 0);
	author_free(&a);
	return mod;
}

static int note_name(void *arg, struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	strcpy(arg, info.name);
	return 0;
}

/* Whom a module that needs a clock is given. */
static const char *who_is_it(struct world *w)
{
	static char name[TN_MODULE_NAME_MAX];
	struct author a = needing("clock, time");
	struct tn_module *mod;

	name[0] = '\0';
	EXPECT(world_load(w, a.o, 0, &mod) == 0);
	(void)tn_module_providers(mod, note_name, name);
	EXPECT(world_unload(w, mod) == 0);
	author_free(&a);
	return name;
}

/* The first that is there, in whatever order they come and go. */
TEST(depend, of_several_that_provide_it_the_first_serves)
{
	struct tn_module *a, *b, *c;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	a = provider(&w, "a");
	b = provider(&w, "b");
	c = provider(&w, "c");
	CHECK_STR(who_is_it(&w), "a");
	CHECK_EQ(world_unload(&w, b), 0);
	CHECK_STR(who_is_it(&w), "a");
	CHECK_EQ(world_unload(&w, a), 0);
	CHECK_STR(who_is_it(&w), "c");
	a = provider(&w, "a");
	CHECK_STR(who_is_it(&w), "c");
	CHECK_EQ(world_unload(&w, c), 0);
	CHECK_STR(who_is_it(&w), "a");
	CHECK_EQ(world_unload(&w, a), 0);
	CHECK(world_close(&w));
}

static int count(void *arg, struct tn_module *mod)
{
	(void)mod;
	++*(int *)arg;
	return 0;
}

TEST(depend, what_is_needed_cannot_go)
{
	struct author a = needing("base, ?base, base");
	struct tn_module *mod;
	struct fixture f;
	char text[128];
	int n = 0;

	PROVES("L12 L16");
	CHECK(begin(&f, "1", NULL));
	CHECK_EQ(world_load(&f.w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_module_providers(mod, count, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(world_unload(&f.w, f.base), -TN_EBUSY);
	tn_diag_text(&f.w.diag, text, sizeof(text));
	CHECK(strstr(text, "needy") != NULL);
	CHECK_EQ(world_unload(&f.w, mod), 0);
	author_free(&a);
	end(&f);
}

/* While init runs the module is there but not for others. */
static struct world *in_init;
static int init_error;

static int load_in_init(void)
{
	struct author a = needing("base");
	struct tn_module *mod;
	char text[128];

	init_error = world_load(in_init, a.o, 0, &mod);
	tn_diag_text(&in_init->diag, text, sizeof(text));
	author_free(&a);
	if (init_error == 0)
		(void)world_unload(in_init, mod);
	return 0;
}

static const struct tn_export hooks[] = { WORLD_EXPORT(load_in_init) };

TEST(depend, on_what_is_still_coming_is_refused)
{
	struct author a = module("base", "1");
	struct tn_module *mod;
	struct world w;

	author_jump(&a, "init_module", "load_in_init");
	author_return(&a, "cleanup_module");
	CHECK(world_open(&w, hooks, 1));
	in_init = &w;
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK(init_error == -TN_EAGAIN || init_error == -TN_EDEADLK);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- what will go */

static struct author importer(const char *symbol)
{
	struct author a = module("user", "");

	author_pointer(&a, "p", object_undefined(a.o, symbol), 0);
	return a;
}

static void notes(
    struct world *w, const char *symbol, unsigned n, const char *text)
{
	struct author a = importer(symbol);
	struct tn_module *mod;

	CHECK_EQ(world_load(w, a.o, 0, &mod), 0);
	CHECK_EQ(w->diag.nnotes, n);
	CHECK_STR(w->diag.note, text);
	CHECK_EQ(w->diag.error, 0);
	CHECK_EQ(world_unload(w, mod), 0);
	author_free(&a);
}

TEST(deprecated, import_of_it_is_noted_with_its_replacement)
{
	struct author a = module("base", "1");
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;

	PROVES("H23");
	author_export(&a, (struct author_export){ .name = "old_way",
			      .symbol = author_word(&a, "old_way", 1) });
	author_export(&a, (struct author_export){ .name = "new_way",
			      .symbol = author_word(&a, "new_way", 2) });
	author_export(&a, (struct author_export){ .name = "old",
			      .symbol = author_word(&a, "old", 3) });
	author_info(&a, "tenon.deprecated=old_way:use new_way");
	author_info(&a, "tenon.deprecated=old:");
	author_info(&a, "tenon.deprecated=new_way");  /* no colon: no entry */
	author_info(&a, "tenon.deprecated=absent:x"); /* no such export */
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_symbol_find(w.sys, "old_way", &sym), 0);
	CHECK_EQ(sym.flags, TN_EXPORT_DEPRECATED);
	CHECK_EQ(tn_symbol_find(w.sys, "new_way", &sym), 0);
	CHECK_EQ(sym.flags, 0);
	notes(&w, "old_way", 1,
	    "user: 'old_way' of base is deprecated: use new_way");
	notes(&w, "old", 1, "user: 'old' of base is deprecated");
	notes(&w, "new_way", 0, "");
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

static int word;

TEST(deprecated, exports_of_the_world_may_be_too)
{
	static const struct tn_export exports[] = { WORLD_EXPORT(word) };
	static const struct tn_deprecated going[] = {
		{ "word", "use none" },
		{ "absent", "" },
	};
	const struct tn_config config = { .size = sizeof(config),
		.abi = 1,
		.exports = exports,
		.nexports = 1,
		.deprecated = going,
		.ndeprecated = ARRAY_SIZE(going) };
	struct world w;

	PROVES("H23");
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(tn_system_destroy(w.sys), 0);
	CHECK_EQ(tn_system_create(&w.rig.port, &config, &w.sys), 0);
	notes(&w, "word", 1,
	    "user: 'word' of the engine is deprecated: use none");
	CHECK(world_close(&w));
}

TEST(deprecated, module_says_so_of_itself)
{
	struct author a = module("user", "");
	struct tn_module *mod;
	struct world w;

	PROVES("H20");
	author_info(&a, "tenon.flags=deprecated, experimental");
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(w.diag.nnotes, 2);
	CHECK_STR(w.diag.note, "user: this module is deprecated");
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(deprecated, many_are_counted)
{
	struct author a = module("base", "1"), b = module("user", "");
	struct tn_module *mod, *user;
	struct world w;
	char name[32], info[64];

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "old_%d", i);
		snprintf(info, sizeof(info), "tenon.deprecated=%s:%d", name, i);
		author_export(&a, (struct author_export){ .name = name,
				      .symbol = author_word(&a, name, 0) });
		author_info(&a, info);
		author_pointer(&b, name, object_undefined(b.o, name), 0);
	}
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(world_load(&w, b.o, 0, &user), 0);
	CHECK_EQ(w.diag.nnotes, 40);
	CHECK_STR(w.diag.note, "user: 'old_0' of base is deprecated: 0");
	CHECK_EQ(world_unload(&w, user), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}
