/* SPDX-License-Identifier: MIT */
/*
 * Graphs and what is outside of their files: modules that run, files that a
 * finder supplies, and files that are none or damaged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "graphing.h"

/* --- what runs */

TEST(graph, running_modules_fulfil_dependencies)
{
	struct graphing f;
	struct tn_module *mod;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	f.hidden = 1;
	graphing_file(&f, "a", "tenon.depends=base >= 1, clock");
	graphing_imports(&f.a[0], "base_sym");
	graphing_file(&f, "base", "version=1.5");
	author_info(&f.a[1], "tenon.provides=clock");
	CHECK_EQ(world_load(&f.w, f.a[1].o, 0, &mod), 0);
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_STR(graphing_order(&f), "a");
	CHECK_EQ(f.asked, 0);
	CHECK_EQ(world_unload(&f.w, mod), 0);
	graphing_end(&f);
}

TEST(graph, version_of_what_runs_counts)
{
	struct graphing f;
	struct tn_module *mod;

	CHECK(graphing_begin(&f));
	f.hidden = 1;
	graphing_file(&f, "a", "tenon.depends=base < 1.5");
	graphing_file(&f, "base", "version=1.5");
	CHECK_EQ(world_load(&f.w, f.a[1].o, 0, &mod), 0);
	graphing_refused(&f, TN_ERANGE, "depends_new",
	    "a: needs base < 1.5; present is 1.5, which is too new");
	CHECK_EQ(world_unload(&f.w, mod), 0);
	graphing_end(&f);
}

/* At last: each call of the port fails once before. */
static void add_module(struct graphing *f, struct tn_module *mod)
{
	int err = 1;

	for (unsigned n = 1; err != 0; n++) {
		rig_arm(&f->w.rig, n);
		err = tn_graph_add_module(f->g, mod, NULL);
		CHECK(err == 0 || err == -TN_ENOMEM);
		CHECK(err == 0 || n < 100);
	}
	rig_arm(&f->w.rig, 0);
}

TEST(graph, running_modules_can_be_nodes)
{
	struct graphing f;
	struct tn_module *mod[3];

	PROVES("H25 L16");
	CHECK(graphing_begin(&f));
	f.hidden = 0;
	graphing_file(&f, "base", NULL);
	graphing_imports(graphing_file(&f, "mid", NULL), "base_sym");
	graphing_file(&f, "top", "tenon.depends=mid");
	for (int i = 0; i < 3; i++)
		CHECK_EQ(world_load(&f.w, f.a[i].o, 0, &mod[i]), 0);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	for (int i = 2; i >= 0; i--)
		add_module(&f, mod[i]);
	CHECK_EQ(tn_graph_add_module(f.g, mod[0], NULL), -TN_EEXIST);
	CHECK_EQ(tn_graph_resolve(f.g, NULL), 0);
	CHECK_STR(graphing_order(&f), "base mid top");
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
	graphing_end(&f);
}

TEST(graph, file_that_uses_a_running_node_depends_on_it)
{
	struct graphing f;
	struct tn_module *mod;

	CHECK(graphing_begin(&f));
	f.hidden = 0;
	graphing_file(&f, "base", NULL);
	graphing_imports(graphing_file(&f, "user", NULL), "base_sym");
	CHECK_EQ(world_load(&f.w, f.a[0].o, 0, &mod), 0);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	const struct tn_load_args args = graphing_args(&f.a[1]);

	CHECK_EQ(tn_graph_add(f.g, &args, NULL), 0);
	CHECK_EQ(tn_graph_add_module(f.g, mod, NULL), 0);
	CHECK_EQ(tn_graph_resolve(f.g, NULL), 0);
	CHECK_STR(graphing_order(&f), "base user");
	CHECK(tn_graph_depends(f.g, 1, 0));
	tn_graph_free(f.g);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	CHECK_EQ(tn_unload(f.w.sys, mod, NULL), 0);
	CHECK_EQ(tn_graph_add_module(f.g, mod, NULL), -TN_ENOENT);
	CHECK_EQ(tn_module_forget(f.w.sys, mod), 0);
	graphing_end(&f);
}

TEST(graph, node_that_was_unloaded_by_force_is_missing)
{
	const struct tn_unload_args force = { .size = sizeof(force),
		.flags = TN_UNLOAD_FORCE };
	struct graphing f;
	struct tn_module *mod[2];

	CHECK(graphing_begin(&f));
	f.hidden = 0;
	graphing_file(&f, "base", "version=1.0");
	graphing_imports(graphing_file(&f, "mid", NULL), "base_sym");
	for (int i = 0; i < 2; i++)
		CHECK_EQ(world_load(&f.w, f.a[i].o, 0, &mod[i]), 0);
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(tn_graph_add_module(f.g, mod[i], NULL), 0);
	CHECK_EQ(tn_unload_with(f.w.sys, mod[1], &force, NULL), 0);
	CHECK_EQ(tn_graph_resolve(f.g, &f.w.diag), -TN_ENOENT);
	CHECK_EQ(f.w.diag.reason, TN_REASON_NOT_LOADED);
	CHECK_STR(f.w.diag.other, "mid");
	/* It can be asked again: nothing has been resolved, or is pinned. */
	CHECK_EQ(world_load(&f.w, f.a[1].o, 0, &mod[1]), 0);
	CHECK_EQ(tn_graph_resolve(f.g, NULL), 0);
	CHECK_STR(graphing_order(&f), "base mid");
	tn_graph_free(f.g);
	f.g = NULL;
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	for (int i = 1; i >= 0; i--)
		CHECK_EQ(world_unload(&f.w, mod[i]), 0);
	graphing_end(&f);
}

/* --- the finder */

TEST(graph, finder_is_asked_by_name_and_by_symbol)
{
	struct graphing f;

	PROVES("H25");
	CHECK(graphing_begin(&f));
	f.hidden = 1;
	graphing_file(&f, "a", "tenon.depends=b");
	graphing_file(&f, "b", "softdep=pre: d");
	graphing_imports(&f.a[1], "c_sym");
	graphing_file(&f, "c", "exports=c_sym");
	graphing_file(&f, "d", NULL);
	CHECK_EQ(graphing_resolve(&f), 0);
	CHECK_STR(graphing_order(&f), "d c b a");
	CHECK_EQ(f.asked, 3);
	CHECK(!tn_graph_node(f.g, 3)->is_found);
	CHECK(tn_graph_node(f.g, 0)->is_found);
	graphing_end(&f);
}

TEST(graph, finder_that_fails_ends_it)
{
	struct graphing f;
	char text[128];

	CHECK(graphing_begin(&f));
	f.find_error = -TN_EIO;
	graphing_file(&f, "a", "tenon.depends=b");
	CHECK_EQ(graphing_resolve(&f), -TN_EIO);
	tn_diag_text(&f.w.diag, text, sizeof(text));
	CHECK_STR(text, "a: b could not be looked for: the finder returned -5");
	graphing_end(&f);
}

TEST(graph, finder_that_gives_another_file_does_not_help)
{
	struct graphing f;

	CHECK(graphing_begin(&f));
	f.hidden = 1;
	graphing_imports(graphing_file(&f, "a", NULL), "c_sym");
	/* claims the symbol and exports another */
	graphing_file(&f, "b", "exports=c_sym");
	graphing_refused(
	    &f, TN_ENOENT, "missing_symbol", "a: 1 missing symbol: c_sym");
	CHECK_STR(f.last, "@c_sym");
	graphing_end(&f);
}

TEST(graph, found_file_that_is_damaged_is_named)
{
	struct graphing f;

	CHECK(graphing_begin(&f));
	f.hidden = 1;
	graphing_file(&f, "a", "tenon.depends=b");
	graphing_file(&f, "b", "tenon.depends=x y");
	graphing_refused(&f, TN_ENOEXEC, "bad_depends",
	    "b: declares a malformed dependency: x y");
	graphing_end(&f);
}

static int find_what_is_gone(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out)
{
	(void)arg;
	(void)name;
	(void)symbol;
	out->path = "/no/such/b.ko";
	return 0;
}

/* It is no answer that there is none. */
TEST(graph, found_file_that_cannot_be_read_is_named)
{
	struct tn_load_args args;
	struct graphing f;
	char text[128];

	CHECK(graphing_begin(&f));
	args = graphing_args(graphing_file(&f, "a", "tenon.depends=b"));
	CHECK_EQ(tn_graph_create(f.w.sys, find_what_is_gone, NULL, &f.g), 0);
	CHECK_EQ(tn_graph_add(f.g, &args, NULL), 0);
	CHECK_EQ(tn_graph_resolve(f.g, &f.w.diag), -TN_ENOENT);
	tn_diag_text(&f.w.diag, text, sizeof(text));
	CHECK_STR(text, "cannot read /no/such/b.ko: there is no such file");
	graphing_end(&f);
}

/* --- files that are no modules, and damaged ones */

TEST(graph, file_that_is_none_is_refused)
{
	const struct tn_load_args none = { .size = sizeof(none) };
	const struct tn_load_args text = { .size = sizeof(text),
		.data = "not an ELF file at all, but long enough to be read "
			"as if it were the header of one",
		.data_size = 64 };
	struct graphing f;

	CHECK(graphing_begin(&f));
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	CHECK_EQ(tn_graph_add(f.g, &none, &f.w.diag), -TN_EINVAL);
	CHECK_EQ(f.w.diag.reason, TN_REASON_BAD_ARGUMENT);
	CHECK_EQ(tn_graph_add(f.g, &text, &f.w.diag), -TN_ENOEXEC);
	CHECK_EQ(f.w.diag.reason, TN_REASON_ELF);
	CHECK_EQ(tn_graph_add(f.g, &text, NULL), -TN_ENOEXEC);
	tn_diag_fini(&f.w.diag);
	graphing_end(&f);
}

TEST(graph, names_of_imports_are_in_proportion_to_the_file)
{
	struct author a = author_new(isa_here()->machine, "greedy");
	const struct span file = author_one_name(&a);
	const struct tn_load_args args = {
		.size = sizeof(args), .data = file.p, .data_size = file.n
	};
	struct graphing f;

	CHECK(graphing_begin(&f));
	CHECK_EQ(tn_graph_create(f.w.sys, NULL, NULL, &f.g), 0);
	CHECK_EQ(tn_graph_add(f.g, &args, &f.w.diag), 0);
	CHECK_EQ(tn_graph_resolve(f.g, &f.w.diag), -TN_EFBIG);
	CHECK_EQ(f.w.diag.reason, TN_REASON_LIMIT);
	tn_diag_fini(&f.w.diag);
	author_free(&a);
	graphing_end(&f);
}

/* Every byte of a file damaged once: no more than an error. */
TEST(graph, damaged_files_do_no_harm)
{
	struct author a = author_new(isa_here()->machine, "a");
	struct graphing f;
	struct span s;
	uint8_t *copy;

	CHECK(graphing_begin(&f));
	author_export(&a,
	    (struct author_export){
		.name = "x", .symbol = author_word(&a, "x", 0), .ns = "N" });
	graphing_imports(&a, "y");
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
	graphing_end(&f);
}
