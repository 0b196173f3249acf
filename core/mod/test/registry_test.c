/* SPDX-License-Identifier: MIT */
/*
 * Metadata of modules, and questions to the registry: by id, name, flag and
 * what they provide; providers and dependents.
 */
#include <stdio.h>
#include <string.h>

#include <tenon/registry.h>
#include <test/test.h>

#include "world.h"

struct fixture {
	struct world w;
	struct tn_module *base, *user;
};

static struct author describe(void)
{
	struct author a = author_new(isa_here()->machine, "base");

	author_info(&a, "version=2.10.3-rc1");
	author_info(&a, "description=a base for tests");
	author_info(&a, "author=one");
	author_info(&a, "author=two");
	author_info(&a, "tenon.flags=driver, security");
	author_info(&a, "tenon.flags=kernel_space,unheard_of");
	author_info(&a, "tenon.provides=clock, my-timer");
	author_info(&a, "tenon.provides=fs/fat32");
	return a;
}

static bool begin(struct fixture *f)
{
	struct author a = describe();
	struct author b = author_new(isa_here()->machine, "user");
	bool ok;

	author_info(&b, "tenon.depends=base");
	author_info(&b, "tenon.flags=driver");
	ok = world_open(&f->w, NULL, 0) &&
	     world_load(&f->w, a.o, 0, &f->base) == 0 &&
	     world_load(&f->w, b.o, 0, &f->user) == 0;
	author_free(&a);
	author_free(&b);
	return ok;
}

static void end(struct fixture *f)
{
	CHECK_EQ(world_unload(&f->w, f->user), 0);
	CHECK_EQ(world_unload(&f->w, f->base), 0);
	CHECK(world_close(&f->w));
}

TEST(registry, metadata_is_what_the_file_says)
{
	struct tn_metadata m, other;
	struct fixture f;

	PROVES("H05 H20");
	CHECK(begin(&f));
	CHECK_EQ(tn_module_metadata(f.base, &m), 0);
	CHECK_STR(m.name, "base");
	CHECK_STR(m.version, "2.10.3-rc1");
	CHECK_EQ(m.parts.part[0], 2);
	CHECK_EQ(m.parts.part[1], 10);
	CHECK_EQ(m.parts.part[2], 3);
	CHECK_STR(m.description, "a base for tests");
	CHECK_STR(m.author, "one");
	CHECK_STR(m.license, "GPL");
	CHECK_EQ(m.flags,
	    TN_MODULE_DRIVER | TN_MODULE_SECURITY | TN_MODULE_KERNEL_SPACE);
	CHECK_EQ(tn_module_metadata(f.user, &other), 0);
	CHECK_STR(other.version, "");
	CHECK_STR(other.description, "");
	CHECK_STR(other.author, "");
	CHECK_EQ(other.parts.part[0], 0);
	CHECK(m.id != 0 && other.id != 0 && m.id != other.id);
	end(&f);
}

TEST(registry, module_that_is_gone_says_nothing)
{
	struct tn_metadata m;
	struct fixture f;

	CHECK(begin(&f));
	CHECK_EQ(tn_unload(f.w.sys, f.user, NULL), 0);
	CHECK_EQ(tn_module_metadata(f.user, &m), -TN_ENOENT);
	CHECK(!tn_module_provides(f.user, "clock"));
	CHECK_EQ(tn_module_forget(f.w.sys, f.user), 0);
	CHECK_EQ(world_unload(&f.w, f.base), 0);
	CHECK(world_close(&f.w));
}

TEST(registry, flags_have_names)
{
	static const char *const words[] = { "essential", "hot_reloadable",
		"userspace", "kernel_space", "driver", "filesystem",
		"scheduler", "allocator", "security", "experimental",
		"deprecated" };
	char name[40];
	unsigned n = 0;

	PROVES("H20");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		CHECK(tn_module_flag(words[i], strlen(words[i])) != 0);
	for (unsigned i = 0; i < 32; i++) {
		const char *s = tn_module_flag_name(1u << i);

		if (s == NULL)
			continue;
		n++;
		CHECK_EQ(tn_module_flag(s, strlen(s)), 1u << i);
		snprintf(name, sizeof(name), "%sx", s);
		CHECK_EQ(tn_module_flag(name, strlen(name)), 0);
		CHECK_EQ(tn_module_flag(name, strlen(s)), 1u << i);
	}
	CHECK_EQ(n, ARRAY_SIZE(words));
	CHECK_EQ(tn_module_flag("", 0), 0);
	CHECK(tn_module_flag_name(3) == NULL);
	CHECK(tn_module_flag_name(0) == NULL);
}

/* --- questions */

static int add_name(void *arg, struct tn_module *mod)
{
	char *text = arg;
	struct tn_module_info info;

	tn_module_info(mod, &info);
	strcat(strcat(text, info.name), ";");
	return strlen(text) > 20 ? 5 : 0;
}

static const char *ask(struct fixture *f, struct tn_query q)
{
	static char text[64];

	text[0] = '\0';
	return tn_module_query(f->w.sys, &q, add_name, text) == 0 ? text
								  : "stopped";
}

TEST(registry, modules_are_found_by_what_they_are)
{
	struct tn_metadata m;
	struct fixture f;

	PROVES("H17 H24");
	CHECK(begin(&f));
	CHECK_STR(ask(&f, (struct tn_query){ .id = 0 }), "base;user;");
	CHECK_STR(ask(&f, (struct tn_query){ .name = "user" }), "user;");
	CHECK_STR(ask(&f, (struct tn_query){ .name = "use" }), "");
	CHECK_STR(ask(&f, (struct tn_query){ .flags = TN_MODULE_DRIVER }),
	    "base;user;");
	CHECK_STR(ask(&f, (struct tn_query){ .flags = TN_MODULE_DRIVER |
						      TN_MODULE_SECURITY }),
	    "base;");
	CHECK_STR(ask(&f, (struct tn_query){ .provides = "clock" }), "base;");
	CHECK_STR(
	    ask(&f, (struct tn_query){ .provides = "my_timer" }), "base;");
	CHECK_STR(
	    ask(&f, (struct tn_query){ .provides = "fs/fat32" }), "base;");
	CHECK_STR(ask(&f, (struct tn_query){ .provides = "fs" }), "");
	CHECK_STR(ask(&f, (struct tn_query){ .provides = "base" }), "");
	CHECK_EQ(tn_module_metadata(f.user, &m), 0);
	CHECK_STR(ask(&f, (struct tn_query){ .id = m.id }), "user;");
	CHECK_STR(ask(&f, (struct tn_query){ .id = m.id + 1 }), "");
	CHECK(tn_module_provides(f.base, "clock"));
	CHECK(!tn_module_provides(f.user, "clock"));
	end(&f);
}

TEST(registry, who_uses_whom_is_known_both_ways)
{
	char text[64] = "";
	struct fixture f;

	PROVES("H24 L12");
	CHECK(begin(&f));
	CHECK_EQ(tn_module_dependents(f.base, add_name, text), 0);
	CHECK_STR(text, "user;");
	text[0] = '\0';
	CHECK_EQ(tn_module_providers(f.user, add_name, text), 0);
	CHECK_STR(text, "base;");
	text[0] = '\0';
	CHECK_EQ(tn_module_dependents(f.user, add_name, text), 0);
	CHECK_EQ(tn_module_providers(f.base, add_name, text), 0);
	CHECK_STR(text, "");
	end(&f);
}

/* An id is never used again, though a name is. */
TEST(registry, id_is_of_one_module_for_ever)
{
	struct author a = author_new(isa_here()->machine, "again");
	struct tn_metadata m;
	struct tn_module *mod;
	struct world w;
	uint64_t last = 0;

	PROVES("H05");
	CHECK(world_open(&w, NULL, 0));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
		CHECK_EQ(tn_module_metadata(mod, &m), 0);
		CHECK(m.id > last);
		last = m.id;
		CHECK_EQ(world_unload(&w, mod), 0);
	}
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- what never goes */

TEST(registry, essential_module_is_not_unloaded)
{
	struct author a = author_new(isa_here()->machine, "heart");
	static struct world w; /* for good, with its module */
	struct tn_module *mod;
	char text[64];

	PROVES("H20");
	author_return(&a, "cleanup_module");
	author_info(&a, "tenon.flags=essential");
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_unload(w.sys, mod, &w.diag), -TN_EBUSY);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "heart: is essential and stays loaded");
	CHECK_STR(tn_reason_name(w.diag.reason), "essential");
	CHECK(tn_module_get(mod));
	tn_module_put(mod);
	author_free(&a);
}
