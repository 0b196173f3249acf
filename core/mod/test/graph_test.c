/* SPDX-License-Identifier: MIT */
/*
 * Graphs of files: the order in which they load, cycles with their path, and
 * what is missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "graphing.h"

/* --- order */

TEST(graph, chain_of_symbols_loads_from_its_end)
{
	struct graphing f;

	PROVES("L12 H17 H25");
	CHECK(graphing_begin(&f));
	graphing_imports(graphing_file(&f, "driver", NULL), "storage_sym");
	graphing_imports(graphing_file(&f, "storage", NULL), "core_sym");
	graphing_file(&f, "core", NULL);
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_STR(graphing_order(&f), "core storage driver");
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
	graphing_end(&f);
}

TEST(graph, both_kinds_of_dependency_make_one_order)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	graphing_imports(
	    graphing_file(&f, "a", "tenon.depends=d >= 1"), "c_sym");
	graphing_file(&f, "b", NULL);
	graphing_file(&f, "c", "tenon.depends=clock, ?nowhere");
	graphing_file(&f, "d", "version=1.2");
	author_info(&f.a[3], "tenon.provides=time, clock");
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_STR(graphing_order(&f), "b d c a");
	graphing_end(&f);
}

TEST(graph, without_dependencies_the_order_is_the_callers)
{
	struct graphing f;

	CHECK(graphing_begin(&f));
	graphing_file(&f, "z", NULL);
	graphing_file(&f, "m", NULL);
	graphing_file(&f, "a", NULL);
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_STR(graphing_order(&f), "z m a");
	graphing_end(&f);
}

TEST(graph, empty_one_is_resolved_and_takes_nothing_more)
{
	const struct tn_load_args args = { .size = sizeof(args) };
	struct graphing f;

	CHECK(graphing_begin(&f));
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_EQ(tn_graph_resolve(f.g, NULL), -TN_EALREADY);
	CHECK_EQ(tn_graph_add(f.g, &args, NULL), -TN_EALREADY);
	CHECK_EQ(tn_graph_add_module(f.g, NULL, NULL), -TN_EALREADY);
	CHECK_EQ(tn_graph_count(f.g), 0);
	graphing_end(&f);
}

TEST(graph, soft_dependencies_only_say_what_is_first)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	graphing_file(&f, "a", "softdep=pre: b post: c");
	graphing_file(&f, "b", NULL);
	graphing_file(&f, "c", "softdep=pre: b");
	graphing_file(&f, "d", "depends=c,absent");
	graphing_imports_weakly(graphing_file(&f, "e", NULL), "f_sym");
	graphing_file(&f, "f", NULL);
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_STR(graphing_order(&f), "b f a e c d");
	CHECK(!tn_graph_depends(f.g, 2, 0));
	graphing_end(&f);
}

TEST(graph, soft_cycles_are_broken)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	graphing_imports_weakly(graphing_file(&f, "a", NULL), "b_sym");
	graphing_imports(graphing_file(&f, "b", NULL), "a_sym");
	graphing_file(&f, "c", "softdep=pre: d");
	graphing_file(&f, "d", "softdep=pre: c");
	graphing_file(&f, "e", "softdep=pre: e");
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_STR(graphing_order(&f), "e a b c d");
	graphing_end(&f);
}

/* --- cycles */

TEST(graph, cycle_is_named_with_its_path)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	graphing_imports(graphing_file(&f, "a", NULL), "b_sym");
	graphing_file(&f, "b", "tenon.depends=c");
	graphing_imports(graphing_file(&f, "c", NULL), "a_sym");
	graphing_refused(
	    &f, TN_ELOOP, "cycle", "a: depends on itself: a -> b -> c -> a");
	CHECK_EQ(f.w.diag.value, 3);
	graphing_end(&f);
}

TEST(graph, who_depends_on_a_cycle_is_no_part_of_it)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	graphing_file(&f, "tail", "tenon.depends=x, ok");
	graphing_file(&f, "ok", NULL);
	graphing_file(&f, "x", "tenon.depends=y");
	graphing_file(&f, "y", "tenon.depends=x, ok");
	graphing_refused(
	    &f, TN_ELOOP, "cycle", "x: depends on itself: x -> y -> x");
	graphing_end(&f);
}

TEST(graph, on_itself_is_a_cycle)
{
	struct graphing f;

	CHECK(graphing_begin(&f));
	graphing_file(&f, "x", "tenon.depends=x");
	graphing_refused(&f, TN_ELOOP, "cycle", "x: depends on itself: x -> x");
	graphing_end(&f);
}

/* --- what is missing or does not fit */

TEST(graph, missing_dependency_is_named)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	graphing_file(&f, "a", "tenon.depends=gone > 1");
	graphing_refused(&f, TN_ENOENT, "depends_missing",
	    "a: needs gone > 1, which is not loaded");
	CHECK_STR(f.last, "gone");
	graphing_end(&f);
}

TEST(graph, version_of_a_file_counts)
{
	struct graphing f;

	PROVES("H22 H25");
	CHECK(graphing_begin(&f));
	graphing_file(&f, "a", "tenon.depends=b ^ 2.1");
	graphing_file(&f, "b", "version=2.0.7");
	graphing_refused(&f, TN_ERANGE, "depends_old",
	    "a: needs b ^ 2.1; present is 2.0.7, which is too old");
	graphing_end(&f);
}

TEST(graph, malformed_declaration_is_refused)
{
	struct graphing f;

	CHECK(graphing_begin(&f));
	graphing_file(&f, "a", "tenon.depends=two words");
	graphing_refused(&f, TN_ENOEXEC, "bad_depends",
	    "a: declares a malformed dependency: two words");
	graphing_end(&f);
}

TEST(graph, missing_symbols_are_named_before_anything_is_loaded)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	graphing_file(&f, "ok", NULL);
	graphing_imports(graphing_file(&f, "a", NULL), "gone");
	graphing_imports(&f.a[1], "ok_sym");
	graphing_imports(&f.a[1], "lost");
	graphing_imports_weakly(&f.a[1], "nowhere");
	graphing_refused(&f, TN_ENOENT, "missing_symbol",
	    "a: 2 missing symbols:\n  gone\n  lost");
	graphing_end(&f);
}

TEST(graph, name_is_used_once)
{
	struct graphing f;

	CHECK(graphing_begin(&f));
	graphing_file(&f, "a", NULL);
	graphing_file(&f, "a", NULL);
	graphing_refused(&f, TN_EEXIST, "duplicate_module",
	    "a: a module called a is loaded already or on its way");
	graphing_end(&f);
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
    struct graphing *f, struct author *a, unsigned n, bool closed)
{
	int err = tn_graph_create(f->w.sys, NULL, NULL, &f->g);

	for (unsigned i = 0; i < n && err == 0; i++) {
		a[i] = link_of_chain(i, n, closed);
		const struct tn_load_args args = graphing_args(&a[i]);

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
	struct graphing f;

	CHECK(graphing_begin(&f));
	CHECK_EQ(build_chain(&f, a, N, false), 0);
	CHECK_STR(tn_graph_node(f.g, 0)->name, "m2999");
	CHECK_STR(tn_graph_node(f.g, N - 1)->name, "m0");
	tn_graph_free(f.g);
	for (unsigned i = 0; i < N; i++)
		author_free(&a[i]);
	CHECK_EQ(build_chain(&f, a, N, true), -TN_ELOOP);
	CHECK_EQ(f.w.diag.value, N);
	CHECK(strncmp(f.w.diag.other, "m0 -> m1 -> ", 12) == 0);
	CHECK_STR(f.w.diag.other + sizeof(f.w.diag.other) - 4, "...");
	for (unsigned i = 0; i < N; i++)
		author_free(&a[i]);
	free(a);
	graphing_end(&f);
}
