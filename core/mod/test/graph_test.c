/* SPDX-License-Identifier: MIT */
/*
 * Graphs of files and modules: the order in which they load, cycles with
 * their path, what is missing, and what a finder supplies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/graph.h>
#include <test/test.h>

#include "world.h"

#define MAX_FILES 8

/* Files by name, and a world that knows none of them. */
struct fixture {
	struct world w;
	struct author a[MAX_FILES];
	unsigned n;
	struct tn_graph *g;
	char text[512];
	/* the finder's: how often it was asked, and for what last */
	unsigned asked;
	char last[64];
	int find_error;
	unsigned hidden; /* files from this one on are the finder's */
};

static bool begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->hidden = MAX_FILES;
	return world_open(&f->w, NULL, 0);
}

static void end(struct fixture *f)
{
	tn_graph_free(f->g);
	for (unsigned i = 0; i < f->n; i++)
		author_free(&f->a[i]);
	CHECK(world_close(&f->w));
}

/* A file that exports "NAME_sym"; @info: NULL or an entry of .modinfo. */
static struct author *file(
    struct fixture *f, const char *name, const char *info)
{
	struct author *a = &f->a[f->n++];
	char symbol[32];

	*a = author_new(isa_here()->machine, name);
	snprintf(symbol, sizeof(symbol), "%s_sym", name);
	author_export(a, (struct author_export){ .name = symbol,
			     .symbol = author_word(a, symbol, 0),
			     .gpl = f->n % 2 == 0 });
	if (info != NULL)
		author_info(a, info);
	return a;
}

static void imports(struct author *a, const char *symbol)
{
	char name[32];

	snprintf(name, sizeof(name), "p_%s", symbol);
	author_pointer(a, name, object_undefined(a->o, symbol), 0);
}

static void imports_weakly(struct author *a, const char *symbol)
{
	char name[32];

	snprintf(name, sizeof(name), "w_%s", symbol);
	author_pointer(a, name,
	    object_symbol(
		a->o, symbol, OBJECT_SYM(STB_WEAK, STT_NOTYPE), SHN_UNDEF, 0),
	    0);
}

static struct tn_load_args args_of(struct author *a)
{
	const struct span s = object_file(a->o);

	return (struct tn_load_args){ .size = sizeof(struct tn_load_args),
		.data = s.p,
		.data_size = s.n };
}

/* Is there such an entry in its .modinfo? */
static bool says(struct author *a, const char *key, const char *value)
{
	char entry[80];
	const struct span s = object_file(a->o);
	const size_t n =
	    (size_t)snprintf(entry, sizeof(entry), "%s%s", key, value) + 1;

	return memmem(s.p, s.n, entry, n) != NULL;
}

static int find(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out)
{
	struct fixture *f = arg;

	f->asked++;
	snprintf(f->last, sizeof(f->last), "%s%s", name != NULL ? "" : "@",
	    name != NULL ? name : symbol);
	if (f->find_error != 0)
		return f->find_error;
	for (unsigned i = f->hidden; i < f->n; i++) {
		struct author *a = &f->a[i];

		if ((name != NULL && says(a, "name=", name)) ||
		    (symbol != NULL && says(a, "exports=", symbol))) {
			*out = args_of(a);
			return 0;
		}
	}
	return -TN_ENOENT;
}

/* Adds what is not the finder's, and resolves. */
static int resolve(struct fixture *f)
{
	int err = tn_graph_create(f->w.sys, find, f, &f->g);

	tn_diag_fini(&f->w.diag);
	for (unsigned i = 0; i < f->n && i < f->hidden && err == 0; i++) {
		const struct tn_load_args args = args_of(&f->a[i]);

		err = tn_graph_add(f->g, &args, &f->w.diag);
	}
	return err != 0 ? err : tn_graph_resolve(f->g, &f->w.diag);
}

/* The names in load order, by blanks. */
static const char *order(struct fixture *f)
{
	size_t n = 0;

	f->text[0] = '\0';
	for (size_t i = 0; tn_graph_node(f->g, i) != NULL; i++)
		n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%s%s",
		    i != 0 ? " " : "", tn_graph_node(f->g, i)->name);
	return f->text;
}

static void refused(struct fixture *f, enum tn_errno error, const char *reason,
    const char *text)
{
	CHECK_EQ(resolve(f), -(int)error);
	tn_diag_text(&f->w.diag, f->text, sizeof(f->text));
	CHECK_STR(tn_reason_name(f->w.diag.reason), reason);
	CHECK_STR(f->text, text);
	CHECK_EQ(tn_graph_count(f->g), 0);
	CHECK(tn_graph_node(f->g, 0) == NULL);
}

/* --- order */

TEST(graph, chain_of_symbols_loads_from_its_end)
{
	struct fixture f;

	PROVES("L12 H17 H25");
	CHECK(begin(&f));
	imports(file(&f, "driver", NULL), "storage_sym");
	imports(file(&f, "storage", NULL), "core_sym");
	file(&f, "core", NULL);
	CHECK_EQ(resolve(&f), 0);
	CHECK_STR(order(&f), "core storage driver");
	CHECK_EQ(tn_graph_count(f.g), 3);
	CHECK(tn_graph_depends(f.g, 1, 0));
	CHECK(tn_graph_depends(f.g, 2, 1));
	CHECK(!tn_graph_depends(f.g, 2, 0)); /* not directly */
	CHECK(!tn_graph_depends(f.g, 0, 2));
	CHECK(!tn_graph_depends(f.g, 0, 7));
	CHECK(!tn_graph_depends(f.g, 7, 0));
	/* users first: the reverse, and nobody before who uses him */
	for (size_t i = 0; i < 3; i++)
		for (size_t k = i; k < 3; k++)
			CHECK(!tn_graph_depends(f.g, i, k));
	CHECK_EQ(tn_graph_resolve(f.g, NULL), -TN_EALREADY);
	end(&f);
}

TEST(graph, both_kinds_of_dependency_make_one_order)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	imports(file(&f, "a", "tenon.depends=d >= 1"), "c_sym");
	file(&f, "b", NULL);
	file(&f, "c", "tenon.depends=clock, ?nowhere");
	file(&f, "d", "version=1.2");
	author_info(&f.a[3], "tenon.provides=time, clock");
	CHECK_EQ(resolve(&f), 0);
	CHECK_STR(order(&f), "b d c a");
	end(&f);
}

TEST(graph, without_dependencies_the_order_is_the_callers)
{
	struct fixture f;

	CHECK(begin(&f));
	file(&f, "z", NULL);
	file(&f, "m", NULL);
	file(&f, "a", NULL);
	CHECK_EQ(resolve(&f), 0);
	CHECK_STR(order(&f), "z m a");
	end(&f);
}

TEST(graph, empty_one_is_resolved)
{
	struct fixture f;

	CHECK(begin(&f));
	CHECK_EQ(resolve(&f), 0);
	CHECK_EQ(tn_graph_count(f.g), 0);
	end(&f);
}

TEST(graph, soft_dependencies_only_say_what_is_first)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	file(&f, "a", "softdep=pre: b post: c");
	file(&f, "b", NULL);
	file(&f, "c", "softdep=pre: b");
	file(&f, "d", "depends=c,absent");
	imports_weakly(file(&f, "e", NULL), "f_sym");
	file(&f, "f", NULL);
	CHECK_EQ(resolve(&f), 0);
	CHECK_STR(order(&f), "b f a e c d");
	CHECK(!tn_graph_depends(f.g, 2, 0));
	end(&f);
}

TEST(graph, soft_cycles_are_broken)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	imports_weakly(file(&f, "a", NULL), "b_sym");
	imports(file(&f, "b", NULL), "a_sym");
	file(&f, "c", "softdep=pre: d");
	file(&f, "d", "softdep=pre: c");
	file(&f, "e", "softdep=pre: e");
	CHECK_EQ(resolve(&f), 0);
	CHECK_STR(order(&f), "e a b c d");
	end(&f);
}

/* --- cycles */

TEST(graph, cycle_is_named_with_its_path)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	imports(file(&f, "a", NULL), "b_sym");
	file(&f, "b", "tenon.depends=c");
	imports(file(&f, "c", NULL), "a_sym");
	refused(
	    &f, TN_ELOOP, "cycle", "a: depends on itself: a -> b -> c -> a");
	CHECK_EQ(f.w.diag.value, 3);
	end(&f);
}

TEST(graph, who_depends_on_a_cycle_is_no_part_of_it)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	file(&f, "tail", "tenon.depends=x, ok");
	file(&f, "ok", NULL);
	file(&f, "x", "tenon.depends=y");
	file(&f, "y", "tenon.depends=x, ok");
	refused(&f, TN_ELOOP, "cycle", "x: depends on itself: x -> y -> x");
	end(&f);
}

TEST(graph, on_itself_is_a_cycle)
{
	struct fixture f;

	CHECK(begin(&f));
	file(&f, "x", "tenon.depends=x");
	refused(&f, TN_ELOOP, "cycle", "x: depends on itself: x -> x");
	end(&f);
}

/* --- what is missing or does not fit */

TEST(graph, missing_dependency_is_named)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	file(&f, "a", "tenon.depends=gone > 1");
	refused(&f, TN_ENOENT, "depends_missing",
	    "a: needs gone > 1, which is not loaded");
	CHECK_STR(f.last, "gone");
	end(&f);
}

TEST(graph, version_of_a_file_counts)
{
	struct fixture f;

	PROVES("H22 H25");
	CHECK(begin(&f));
	file(&f, "a", "tenon.depends=b ^ 2.1");
	file(&f, "b", "version=2.0.7");
	refused(&f, TN_ERANGE, "depends_old",
	    "a: needs b ^ 2.1; present is 2.0.7, which is too old");
	end(&f);
}

TEST(graph, malformed_declaration_is_refused)
{
	struct fixture f;

	CHECK(begin(&f));
	file(&f, "a", "tenon.depends=two words");
	refused(&f, TN_ENOEXEC, "bad_depends",
	    "a: declares a malformed dependency: two words");
	end(&f);
}

TEST(graph, missing_symbols_are_named_before_anything_is_loaded)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	file(&f, "ok", NULL);
	imports(file(&f, "a", NULL), "gone");
	imports(&f.a[1], "ok_sym");
	imports(&f.a[1], "lost");
	imports_weakly(&f.a[1], "nowhere");
	refused(&f, TN_ENOENT, "missing_symbol",
	    "a: 2 missing symbols:\n  gone\n  lost");
	end(&f);
}

TEST(graph, name_is_used_once)
{
	struct fixture f;

	CHECK(begin(&f));
	file(&f, "a", NULL);
	file(&f, "a", NULL);
	refused(&f, TN_EEXIST, "duplicate_module",
	    "a: a module called a is loaded already");
	end(&f);
}

/* --- what runs */

TEST(graph, running_modules_fulfil_dependencies)
{
	struct fixture f;
	struct tn_module *mod;

	PROVES("H25");
	CHECK(begin(&f));
	f.hidden = 1;
	file(&f, "a", "tenon.depends=base >= 1, clock");
	imports(&f.a[0], "base_sym");
	file(&f, "base", "version=1.5");
	author_info(&f.a[1], "tenon.provides=clock");
	CHECK_EQ(world_load(&f.w, f.a[1].o, 0, &mod), 0);
	CHECK_EQ(resolve(&f), 0);
	CHECK_STR(order(&f), "a");
	CHECK_EQ(f.asked, 0);
	CHECK_EQ(world_unload(&f.w, mod), 0);
	end(&f);
}

TEST(graph, version_of_what_runs_counts)
{
	struct fixture f;
	struct tn_module *mod;

	CHECK(begin(&f));
	f.hidden = 1;
	file(&f, "a", "tenon.depends=base < 1.5");
	file(&f, "base", "version=1.5");
	CHECK_EQ(world_load(&f.w, f.a[1].o, 0, &mod), 0);
	refused(&f, TN_ERANGE, "depends_new",
	    "a: needs base < 1.5; present is 1.5, which is too new");
	CHECK_EQ(world_unload(&f.w, mod), 0);
	end(&f);
}

TEST(graph, running_modules_can_be_nodes)
{
	struct fixture f;
	struct tn_module *mod[3];

	PROVES("H25 L16");
	CHECK(begin(&f));
	f.hidden = 0;
	file(&f, "base", NULL);
	imports(file(&f, "mid", NULL), "base_sym");
	file(&f, "top", "tenon.depends=mid");
	for (int i = 0; i < 3; i++)
		CHECK_EQ(world_load(&f.w, f.a[i].o, 0, &mod[i]), 0);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	for (int i = 2; i >= 0; i--)
		CHECK_EQ(tn_graph_add_module(f.g, mod[i], NULL), 0);
	CHECK_EQ(tn_graph_add_module(f.g, mod[0], NULL), -TN_EEXIST);
	CHECK_EQ(tn_graph_resolve(f.g, NULL), 0);
	CHECK_STR(order(&f), "base mid top");
	CHECK(tn_graph_depends(f.g, 2, 1));
	CHECK(tn_graph_node(f.g, 2)->mod == mod[2]);
	CHECK(tn_graph_node(f.g, 2)->args == NULL);
	/* a node is held */
	CHECK_EQ(world_unload(&f.w, mod[2]), -TN_EBUSY);
	tn_graph_free(f.g);
	f.g = NULL;
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	for (int i = 2; i >= 0; i--)
		CHECK_EQ(world_unload(&f.w, mod[i]), 0);
	end(&f);
}

TEST(graph, file_that_uses_a_running_node_depends_on_it)
{
	struct fixture f;
	struct tn_module *mod;

	CHECK(begin(&f));
	f.hidden = 0;
	file(&f, "base", NULL);
	imports(file(&f, "user", NULL), "base_sym");
	CHECK_EQ(world_load(&f.w, f.a[0].o, 0, &mod), 0);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	const struct tn_load_args args = args_of(&f.a[1]);

	CHECK_EQ(tn_graph_add(f.g, &args, NULL), 0);
	CHECK_EQ(tn_graph_add_module(f.g, mod, NULL), 0);
	CHECK_EQ(tn_graph_resolve(f.g, NULL), 0);
	CHECK_STR(order(&f), "base user");
	CHECK(tn_graph_depends(f.g, 1, 0));
	tn_graph_free(f.g);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	CHECK_EQ(world_unload(&f.w, mod), 0);
	/* gone: it cannot become a node */
	end(&f);
}

/* --- the finder */

TEST(graph, finder_is_asked_by_name_and_by_symbol)
{
	struct fixture f;

	PROVES("H25");
	CHECK(begin(&f));
	f.hidden = 1;
	file(&f, "a", "tenon.depends=b");
	file(&f, "b", "softdep=pre: d");
	imports(&f.a[1], "c_sym");
	file(&f, "c", "exports=c_sym");
	file(&f, "d", NULL);
	CHECK_EQ(resolve(&f), 0);
	CHECK_STR(order(&f), "d c b a");
	CHECK_EQ(f.asked, 3);
	CHECK(!tn_graph_node(f.g, 3)->is_found);
	CHECK(tn_graph_node(f.g, 0)->is_found);
	end(&f);
}

TEST(graph, finder_that_fails_ends_it)
{
	struct fixture f;

	CHECK(begin(&f));
	f.find_error = -TN_EIO;
	file(&f, "a", "tenon.depends=b");
	CHECK_EQ(resolve(&f), -TN_EIO);
	end(&f);
}

TEST(graph, finder_that_gives_another_file_does_not_help)
{
	struct fixture f;

	CHECK(begin(&f));
	f.hidden = 1;
	imports(file(&f, "a", NULL), "c_sym");
	/* claims the symbol and exports another */
	file(&f, "b", "exports=c_sym");
	refused(&f, TN_ENOENT, "missing_symbol", "a: 1 missing symbol: c_sym");
	CHECK_STR(f.last, "@c_sym");
	end(&f);
}

TEST(graph, found_file_that_is_damaged_is_named)
{
	struct fixture f;

	CHECK(begin(&f));
	f.hidden = 1;
	file(&f, "a", "tenon.depends=b");
	file(&f, "b", "tenon.depends=x y");
	refused(&f, TN_ENOEXEC, "bad_depends",
	    "b: declares a malformed dependency: x y");
	end(&f);
}

/* --- files that are no modules, and damaged ones */

TEST(graph, file_that_is_none_is_refused)
{
	const struct tn_load_args none = { .size = sizeof(none) };
	const struct tn_load_args text = { .size = sizeof(text),
		.data = "not an ELF file at all, but long enough to be read "
			"as if it were the header of one",
		.data_size = 64 };
	struct fixture f;

	CHECK(begin(&f));
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	CHECK_EQ(tn_graph_add(f.g, &none, &f.w.diag), -TN_EINVAL);
	CHECK_EQ(f.w.diag.reason, TN_REASON_BAD_ARGUMENT);
	CHECK_EQ(tn_graph_add(f.g, &text, &f.w.diag), -TN_ENOEXEC);
	CHECK_EQ(f.w.diag.reason, TN_REASON_ELF);
	CHECK_EQ(tn_graph_add(f.g, &text, NULL), -TN_ENOEXEC);
	tn_diag_fini(&f.w.diag);
	end(&f);
}

/* Every byte of a file damaged once: no more than an error. */
TEST(graph, damaged_files_do_no_harm)
{
	struct author a = author_new(isa_here()->machine, "a");
	struct fixture f;
	struct span s;
	uint8_t *copy;

	CHECK(begin(&f));
	author_export(&a,
	    (struct author_export){
		.name = "x", .symbol = author_word(&a, "x", 0), .ns = "N" });
	imports(&a, "y");
	author_info(&a, "tenon.depends=?b > 1");
	s = object_file(a.o);
	copy = malloc(s.n);
	for (size_t i = 0; i < s.n; i++) {
		const struct tn_load_args args = { .size = sizeof(args),
			.data = copy,
			.data_size = i % 3 != 0 ? s.n : i };

		memcpy(copy, s.p, s.n);
		copy[i] ^= (uint8_t)(1u << i % 8);
		CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
		if (tn_graph_add(f.g, &args, NULL) == 0)
			(void)tn_graph_resolve(f.g, NULL);
		tn_graph_free(f.g);
	}
	free(copy);
	author_free(&a);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	end(&f);
}

/* --- many */

static struct author link_of_chain(unsigned i, unsigned n, bool closed)
{
	struct author a;
	char text[48];

	snprintf(text, sizeof(text), "m%u", i);
	a = author_new(isa_here()->machine, text);
	snprintf(text, sizeof(text), "tenon.depends=m%u", (i + 1) % n);
	if (i + 1 < n || closed)
		author_info(&a, text);
	return a;
}

static int build_chain(
    struct fixture *f, struct author *a, unsigned n, bool closed)
{
	int err = tn_graph_create(f->w.sys, NULL, NULL, &f->g);

	for (unsigned i = 0; i < n && err == 0; i++) {
		a[i] = link_of_chain(i, n, closed);
		const struct tn_load_args args = args_of(&a[i]);

		err = tn_graph_add(f->g, &args, NULL);
	}
	return err != 0 ? err : tn_graph_resolve(f->g, &f->w.diag);
}

TEST(graph, long_chain_and_long_cycle_need_no_stack)
{
	enum {
		N = 3000
	};
	struct author *a = calloc(N, sizeof(*a));
	struct fixture f;

	CHECK(begin(&f));
	CHECK_EQ(build_chain(&f, a, N, false), 0);
	CHECK_STR(tn_graph_node(f.g, 0)->name, "m2999");
	CHECK_STR(tn_graph_node(f.g, N - 1)->name, "m0");
	tn_graph_free(f.g);
	for (unsigned i = 0; i < N; i++)
		author_free(&a[i]);
	CHECK_EQ(build_chain(&f, a, N, true), -TN_ELOOP);
	CHECK_EQ(f.w.diag.value, N);
	CHECK(strncmp(f.w.diag.other, "m0 -> m1 -> ", 12) == 0);
	for (unsigned i = 0; i < N; i++)
		author_free(&a[i]);
	free(a);
	end(&f);
}
