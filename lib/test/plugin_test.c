/* SPDX-License-Identifier: MIT */
/*
 * Plugins one by one: the calls as they were printed, and what is refused.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

#include "plugin_kit.h"

/* --- as it was printed */

static void load_use_unload(void *arg)
{
	struct plugin *p = plugin_load(arg);
	char text[] = "Hello, plugin!";

	CHECK(p);
	if (plugin_get(p)) {
		p->ops->process(text);
		plugin_put(p);
	}
	CHECK_EQ(plugin_unload(p), 0);
}

TEST(plugin, example_prints_what_the_document_says)
{
	char path[PATH_MAX], expected[PATH_MAX + 200];

	PROVES("L22 L23 L25 L26 L27 L28 L29");
	plugin_path("my_plugin", path);
	snprintf(expected, sizeof(expected),
	    "My plugin initializing\n"
	    "Plugin loaded: %s (my_plugin)\n"
	    "Processing: Hello, plugin!\n"
	    "My plugin exiting\n"
	    "Plugin unloaded\n",
	    path);
	CHECK_STR(plugin_printed(load_use_unload, path), expected);
	CHECK_STR(plugin_printed(load_use_unload, path), expected);
}

TEST(plugin, fields_and_order_are_those_of_the_document)
{
	PROVES("L22 L23 L24");
	/* Positional initializers: the order is the document's. */
	struct plugin_ops ops = { "name", NULL, NULL, NULL };
	char path[] = "path";
	struct plugin plugin = { path, &ops, &ops, 1, NULL };
	struct plugin_registry r = { &plugin, PTHREAD_MUTEX_INITIALIZER };

	CHECK_STR(r.plugins->ops->name, "name");
	CHECK_STR(r.plugins->path, "path");
	CHECK_EQ(r.plugins->refcount, 1);
	CHECK(!r.plugins->next);
	CHECK_EQ(pthread_mutex_lock(&r.lock), 0);
	CHECK_EQ(pthread_mutex_unlock(&r.lock), 0);
}

TEST(plugin, registry_lists_the_newest_first)
{
	struct plugin_registry *r = plugin_registry();
	struct plugin *a = plugin_kit_load(NULL, "actor", NULL);
	struct plugin *b = plugin_kit_load(NULL, "bare", NULL);

	PROVES("L24 L25");
	CHECK(a && b);
	CHECK_EQ(a->refcount, 1);
	pthread_mutex_lock(&r->lock);
	CHECK_EQ(r->plugins, b);
	CHECK_EQ(b->next, a);
	CHECK(!a->next);
	pthread_mutex_unlock(&r->lock);
	CHECK_EQ(plugin_kit_unload(a), 0);
	CHECK_EQ(r->plugins, b);
	CHECK(!b->next);
	CHECK_EQ(plugin_kit_unload(b), 0);
	CHECK(!r->plugins);
}

static void load_in_vain(void *arg)
{
	CHECK(!plugin_load(arg));
}

static void load_alone(void *arg)
{
	CHECK(plugin_load(arg));
}

TEST(plugin, with_something_else_of_that_name_is_refused)
{
	char path[PATH_MAX];

	CHECK(strstr(plugin_printed(load_in_vain, plugin_path("wrong", path)),
		  "a plugin_ops that is no struct plugin_ops") != NULL);
}

TEST(plugin, failures_are_told_in_the_words_of_the_document)
{
	struct script s = { .init_result = 7 };
	char path[PATH_MAX], expected[PATH_MAX + 100];

	PROVES("L25");
	CHECK_STR(plugin_printed(load_in_vain, plugin_path("library", path)),
	    "No plugin_ops found\n");
	CHECK_STR(plugin_printed(load_in_vain, "./no_such.so"),
	    "dlopen failed: ./no_such.so: cannot open shared object file: "
	    "No such file or directory\n");
	CHECK_STR(plugin_printed(load_in_vain, "no_such_anywhere.so"),
	    "dlopen failed: no_such_anywhere.so: cannot open shared object "
	    "file: No such file or directory\n");
	plugin_script(&s);
	CHECK_STR(plugin_printed(load_in_vain, plugin_path("actor", path)),
	    "Plugin init failed: 7\n");
	s.init_result = -12;
	CHECK_STR(
	    plugin_printed(load_in_vain, path), "Plugin init failed: -12\n");
	CHECK_EQ(s.exits, 0);
	s.init_result = 0;
	(void)plugin_printed(load_alone, path);
	snprintf(
	    expected, sizeof(expected), "Plugin already loaded: %s\n", path);
	CHECK_STR(plugin_printed(load_in_vain, path), expected);
	CHECK_EQ(plugin_unload_all(NULL), 0);
	CHECK_EQ(s.exits, 1);
	plugin_script(NULL);
}

TEST(plugin, in_use_is_refused_with_the_count)
{
	struct plugin *p = plugin_kit_load(NULL, "actor", NULL);

	PROVES("L26 L27 L28");
	CHECK(p);
	CHECK_EQ(plugin_get(p), 1);
	CHECK_EQ(p->refcount, 2);
	CHECK_STR(plugin_refusal(p), "Plugin in use (refcount=2)\n");
	CHECK_EQ(plugin_get(p), 1);
	CHECK_STR(plugin_refusal(p), "Plugin in use (refcount=3)\n");
	plugin_put(p);
	plugin_put(p);
	CHECK_EQ(p->refcount, 1);
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_EQ(plugin_get(p), 0);
}

/* --- one library is one plugin */

TEST(plugin, one_library_is_one_plugin_however_it_is_spelled)
{
	struct script s = { .inits = 0 };
	char path[PATH_MAX], folder[PATH_MAX], other[PATH_MAX + 20];
	char first[PATH_MAX + 20];
	struct plugin_load_args args = { .size = sizeof(args) };
	struct plugin *p, *q;

	PROVES("L25");
	plugin_script(&s);
	plugin_folder_make(folder);
	snprintf(first, sizeof(first), "%sx.so", folder);
	CHECK_EQ(plugin_copy(plugin_path("actor", path), first), 0);
	args.path = first;
	CHECK_EQ(plugin_load_with(&args, &p, NULL), 0);
	static const char *const spellings[] = { "././x.so", "link.so",
		"hard.so" };

	snprintf(other, sizeof(other), "%slink.so", folder);
	CHECK_EQ(symlink("x.so", other), 0);
	snprintf(other, sizeof(other), "%shard.so", folder);
	CHECK_EQ(link(first, other), 0);
	for (int i = 0; i < 3; i++) {
		snprintf(other, sizeof(other), "%s%s", folder, spellings[i]);
		args.path = other;
		CHECK_EQ(plugin_load_with(&args, &q, NULL), -TN_EEXIST);
	}
	/* Renamed, it is still the same. */
	snprintf(other, sizeof(other), "%srenamed.so", folder);
	CHECK_EQ(rename(first, other), 0);
	args.path = other;
	CHECK_EQ(plugin_load_with(&args, &q, NULL), -TN_EEXIST);
	CHECK_EQ(s.inits, 1);
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_EQ(s.exits, 1);
	CHECK_EQ(plugin_load_with(&args, &q, NULL), 0);
	CHECK_EQ(plugin_kit_unload(q), 0);
	plugin_folder_remove(folder);
	plugin_script(NULL);
}

TEST(plugin, two_libraries_of_one_name_are_two_plugins)
{
	char path[PATH_MAX], folder[PATH_MAX], copy[PATH_MAX + 20];
	struct plugin *p = plugin_kit_load(NULL, "bare", NULL), *q;
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = copy };
	struct tn_module_info info;

	plugin_folder_make(folder);
	snprintf(copy, sizeof(copy), "%sbare.so", folder);
	CHECK_EQ(plugin_copy(plugin_path("bare", path), copy), 0);
	CHECK(p);
	CHECK_EQ(plugin_load_with(&args, &q, NULL), 0);
	CHECK(p->handle != q->handle);
	tn_module_info(plugin_module(p), &info);
	CHECK_STR(info.name, "bare");
	tn_module_info(plugin_module(q), &info);
	CHECK_STR(info.name, "bare.2");
	CHECK_EQ(plugin_unload_all(NULL), 0);
	plugin_folder_remove(folder);
}

TEST(plugin, another_engine_does_not_make_it_another_plugin)
{
	struct plugin *p, *q;
	struct tn_system *sys;
	struct tn_diag d;

	tn_diag_init(&d);
	CHECK_EQ(tn_open(NULL, &sys), 0);
	p = plugin_kit_load(sys, "actor", NULL);
	CHECK(p);
	CHECK(!plugin_kit_load(NULL, "actor", &d));
	CHECK_EQ(d.error, -TN_EEXIST);
	CHECK_STR(plugin_said(&d),
	    "a module called actor is loaded already or on its way");
	q = plugin_kit_load(NULL, "bare", NULL);
	CHECK(q);
	CHECK_EQ(tn_close(sys), -TN_EBUSY);
	CHECK_EQ(plugin_unload_all(NULL), 0);
	CHECK_EQ(tn_close(sys), 0);
	CHECK_EQ(plugin_get(p), 0);
	CHECK_EQ(plugin_try_get(q), -TN_ENOENT);
}

/* --- descriptors */

TEST(plugin, ended_and_unknown_pointers_are_refused_for_ever)
{
	struct plugin *old = plugin_kit_load(NULL, "bare", NULL), *p;
	struct plugin strange = { .refcount = 5 };

	PROVES("L26 L28");
	CHECK(old);
	CHECK_EQ(plugin_kit_unload(old), 0);
	CHECK_EQ(plugin_kit_unload(old), -TN_ENOENT);
	CHECK_EQ(plugin_try_get(old), -TN_ENOENT);
	CHECK_EQ(plugin_try_put(old), -TN_ENOENT);
	/* More than a page of records, all of the same library. */
	for (int i = 0; i < 200; i++) {
		p = plugin_kit_load(NULL, "bare", NULL);
		CHECK(p && p != old);
		CHECK_EQ(plugin_get(old), 0);
		CHECK_EQ(plugin_kit_unload(old), -TN_ENOENT);
		CHECK_EQ(plugin_kit_unload(p), 0);
	}
	CHECK(!old->path && !old->ops && !old->handle);
	CHECK_EQ(plugin_try_get(NULL), -TN_EINVAL);
	CHECK_EQ(plugin_try_get(&strange), -TN_EINVAL);
	CHECK_EQ(plugin_try_put(&strange), -TN_EINVAL);
	CHECK_EQ(plugin_kit_unload(&strange), -TN_EINVAL);
	CHECK_EQ(
	    plugin_try_get((struct plugin *)((char *)old + 8)), -TN_EINVAL);
	/* One that was never given out. */
	CHECK_EQ(plugin_try_get(old + 1000), -TN_EINVAL);
	CHECK(!plugin_module(old) && !plugin_module(&strange));
}

static void put_too_often(void *arg)
{
	plugin_put(arg);
}

TEST(plugin, a_put_too_many_is_refused)
{
	struct plugin *p = plugin_kit_load(NULL, "bare", NULL);
	struct plugin strange = { 0 };

	PROVES("L27");
	CHECK(p);
	CHECK_EQ(plugin_try_put(p), -TN_EINVAL);
	CHECK_STR(plugin_printed(put_too_often, p),
	    "Plugin not put: nobody has a reference\n");
	CHECK_EQ(p->refcount, 1);
	CHECK_EQ(plugin_get(p), 1);
	CHECK_EQ(plugin_try_put(p), 0);
	CHECK_EQ(plugin_try_put(p), -TN_EINVAL);
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_STR(plugin_printed(put_too_often, p),
	    "Plugin not put: it is not loaded\n");
	CHECK_STR(plugin_printed(put_too_often, &strange),
	    "Plugin not put: the pointer is none of a plugin\n");
}

TEST(plugin, a_missing_process_is_an_error_not_a_crash)
{
	struct plugin *p = plugin_kit_load(NULL, "bare", NULL);
	struct script s = { .init_result = 0 };
	int result = 5;

	PROVES("L22");
	CHECK(p);
	CHECK_EQ(plugin_get(p), 1);
	CHECK_STR(p->ops->name, "bare");
	CHECK_EQ(p->ops->process(NULL), -TN_EOPNOTSUPP);
	plugin_put(p);
	CHECK_EQ(plugin_process(p, NULL, &result), -TN_EOPNOTSUPP);
	CHECK_EQ(result, 5);
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_EQ(plugin_process(p, NULL, &result), -TN_ENOENT);

	plugin_script(&s);
	p = plugin_kit_load(NULL, "actor", NULL);
	CHECK_EQ(plugin_process(p, NULL, &result), 0);
	CHECK_EQ(result, 0);
	CHECK_EQ(s.calls, 1);
	CHECK_EQ(plugin_kit_unload(p), 0);
	plugin_script(NULL);
}
