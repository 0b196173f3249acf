/* SPDX-License-Identifier: MIT */
/*
 * Plugins one by one: the calls as they were printed, what is refused, and
 * what the engine adds to them.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static void unload_in_vain(void *arg)
{
	CHECK_EQ(plugin_unload(arg), -1);
}

TEST(plugin, in_use_is_refused_with_the_count)
{
	struct plugin *p = plugin_kit_load(NULL, "actor", NULL);

	PROVES("L26 L27 L28");
	CHECK(p);
	CHECK_EQ(plugin_get(p), 1);
	CHECK_EQ(p->refcount, 2);
	CHECK_STR(
	    plugin_printed(unload_in_vain, p), "Plugin in use (refcount=2)\n");
	CHECK_EQ(plugin_get(p), 1);
	CHECK_STR(
	    plugin_printed(unload_in_vain, p), "Plugin in use (refcount=3)\n");
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
	CHECK_STR(plugin_said(&d), "a module called actor is loaded already");
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

/* --- init and exit may do anything */

static struct {
	struct plugin *p;
	int result;
	char name[20];
} inner;

static void load_inner(void)
{
	struct tn_diag d;

	plugin_script(NULL);
	tn_diag_init(&d);
	inner.p = plugin_kit_load(NULL, inner.name, &d);
	inner.result = d.error;
	tn_diag_fini(&d);
}

static void unload_inner(void)
{
	inner.result = plugin_kit_unload(inner.p);
}

TEST(plugin, init_loads_another_plugin_and_exit_unloads_it)
{
	struct script s = { .in_init = load_inner, .in_exit = unload_inner };
	struct plugin *p;

	PROVES("L25 L28");
	strcpy(inner.name, "bare");
	plugin_script(&s);
	p = plugin_kit_load(NULL, "actor", NULL);
	CHECK(p && inner.p);
	CHECK_STR(inner.p->ops->name, "bare");
	plugin_script(&s);
	inner.result = 1;
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_EQ(inner.result, 0);
	CHECK_EQ(plugin_get(inner.p), 0);
	plugin_script(NULL);
}

TEST(plugin, init_that_loads_itself_is_refused)
{
	struct script s = { .in_init = load_inner };
	struct plugin *p;

	strcpy(inner.name, "actor");
	plugin_script(&s);
	p = plugin_kit_load(NULL, "actor", NULL);
	CHECK(p && !inner.p);
	CHECK_EQ(inner.result, -TN_EEXIST);
	CHECK_EQ(plugin_kit_unload(p), 0);
	plugin_script(NULL);
}

static int unload_me(void *data)
{
	return plugin_kit_unload(data);
}

static void unload_leaving(void)
{
	inner.result = plugin_kit_unload(inner.p);
}

TEST(plugin, its_own_code_cannot_unload_it)
{
	struct script s = { .in_process = unload_me,
		.in_exit = unload_leaving };
	int result;

	plugin_script(&s);
	inner.p = plugin_kit_load(NULL, "actor", NULL);
	CHECK(inner.p);
	CHECK_EQ(plugin_process(inner.p, inner.p, &result), 0);
	/* A tail call makes the plugin the one that asks. */
	CHECK(result == -TN_EBUSY || result == -TN_EDEADLK);
	CHECK_EQ(plugin_kit_unload(inner.p), 0);
	CHECK(inner.result == -TN_EALREADY);
	plugin_script(NULL);
}

static int get_leaving_result;

static void get_leaving(void)
{
	get_leaving_result = plugin_try_get(inner.p);
}

TEST(plugin, exit_runs_when_nobody_can_get_it_any_more)
{
	struct script s = { .in_exit = get_leaving };

	PROVES("L26 L28");
	plugin_script(&s);
	inner.p = plugin_kit_load(NULL, "actor", NULL);
	CHECK(inner.p);
	CHECK_EQ(plugin_try_get(inner.p), 0);
	CHECK_EQ(plugin_kit_unload(inner.p), -TN_EBUSY);
	CHECK_EQ(s.exits, 0);
	CHECK_EQ(plugin_try_get(inner.p), 0);
	CHECK_EQ(plugin_try_put(inner.p), 0);
	CHECK_EQ(plugin_try_put(inner.p), 0);
	CHECK_EQ(plugin_kit_unload(inner.p), 0);
	CHECK_EQ(s.exits, 1);
	CHECK_EQ(get_leaving_result, -TN_ENOENT);
	plugin_script(NULL);
}

/* --- what the engine adds */

TEST(plugin, needs_what_it_is_linked_with_and_keeps_it)
{
	struct plugin *user, *actor;
	int level = 0;
	struct tn_diag d;

	tn_diag_init(&d);
	/* Mapped with it, but its init has not run. */
	CHECK(!plugin_kit_load(NULL, "user", &d));
	CHECK_EQ(d.error, -TN_ENOENT);
	CHECK_STR(plugin_said(&d), "user: needs actor.so, which is not loaded");
	actor = plugin_kit_load(NULL, "actor", NULL);
	user = plugin_kit_load(NULL, "user", NULL);
	CHECK(actor && user);
	CHECK_EQ(tn_param_set(plugin_module(actor), "level", "4", NULL), 0);
	CHECK_EQ(plugin_process(user, NULL, &level), 0);
	CHECK_EQ(level, 4);
	CHECK_EQ(plugin_unload_with(actor, NULL, &d), -TN_EBUSY);
	CHECK_STR(plugin_said(&d), "Module actor is in use by user");
	CHECK_STR(plugin_printed(unload_in_vain, actor),
	    "Plugin in use (refcount=2) by user\n");
	/* Users first, whatever is asked for. */
	CHECK_EQ(plugin_unload_all(NULL), 0);
	CHECK_EQ(plugin_get(actor) + plugin_get(user), 0);
}

TEST(plugin, dependencies_and_versions_are_declared_as_modules_do)
{
	struct plugin *actor, *p;
	struct tn_diag d;

	tn_diag_init(&d);
	CHECK(!plugin_kit_load(NULL, "depends", &d));
	CHECK_STR(plugin_said(&d),
	    "depends: needs actor >= 1.2 < 2, which is not loaded");
	actor = plugin_kit_load(NULL, "actor", NULL);
	p = plugin_kit_load(NULL, "depends", NULL);
	CHECK(actor && p);
	CHECK_EQ(plugin_kit_unload(actor), -TN_EBUSY);
	CHECK(!plugin_kit_load(NULL, "newer", &d));
	CHECK_STR(plugin_said(&d),
	    "newer: needs actor >= 2; present is 1.4, which is too old");
	CHECK(!plugin_kit_load(NULL, "future", &d));
	CHECK_EQ(d.error, -TN_EOPNOTSUPP);
	CHECK_STR(plugin_said(&d),
	    "future: was built for engine ABI 99.1, this is 1.0");
	CHECK_EQ(plugin_unload_all(NULL), 0);
}

TEST(plugin, parameters_are_set_before_init_and_at_run_time)
{
	char path[PATH_MAX], text[20];
	struct plugin_load_args args = { .size = sizeof(args),
		.path = plugin_path("actor", path),
		.params = "level=5" };
	struct tn_module *mod;
	struct tn_diag d;
	struct plugin *p;
	size_t len;
	union {
		void *addr;
		int (*fn)(void);
	} level;

	tn_diag_init(&d);
	CHECK_EQ(plugin_load_with(&args, &p, NULL), 0);
	mod = plugin_module(p);
	CHECK_EQ(tn_module_symbol(mod, "actor_level", &level.addr), 0);
	CHECK_EQ(level.fn(), 5);
	CHECK_EQ(tn_param_set(mod, "level", "9", NULL), 0);
	CHECK_EQ(level.fn(), 9);
	CHECK_EQ(tn_param_get(mod, "level", text, sizeof(text), &len), 0);
	CHECK_STR(text, "9");
	CHECK_EQ(tn_param_set(mod, "level", "10", &d), -TN_ERANGE);
	CHECK_STR(
	    plugin_said(&d), "actor: parameter level: 10 is not within 1 to 9");
	CHECK_EQ(plugin_kit_unload(p), 0);
	args.params = "lewel=5";
	CHECK_EQ(plugin_load_with(&args, &p, &d), -TN_ENOENT);
	CHECK_STR(plugin_said(&d),
	    "actor: there is no parameter 'lewel' (nearest: level)");
	args.flags = 1;
	CHECK_EQ(plugin_load_with(&args, &p, &d), -TN_EINVAL);
	tn_diag_fini(&d);
}

TEST(plugin, is_a_module_of_its_engine)
{
	struct plugin *p = plugin_kit_load(NULL, "actor", NULL);
	struct tn_system *sys = plugin_system();
	struct tn_snapshot *snapshot;
	struct tn_location at;
	void *level;

	CHECK(p && sys);
	CHECK_EQ(tn_snapshot_take(sys, &snapshot), 0);
	CHECK_EQ(snapshot->nmodules, 1);
	CHECK_STR(snapshot->modules[0].info.name, "actor");
	CHECK_STR(snapshot->modules[0].info.version, "1.4");
	CHECK_EQ(snapshot->modules[0].info.state, TN_STATE_RUNNING);
	CHECK_EQ(snapshot->modules[0].info.taints, 0);
	CHECK_EQ(snapshot->modules[0].nparams, 1);
	tn_snapshot_free(snapshot);
	/* Its code has names, and the addresses that dlsym knows. */
	level = dlsym(p->handle, "actor_level");
	CHECK_EQ(tn_symbolize(sys, (uintptr_t)level + 1, &at), 0);
	CHECK_STR(at.symbol, "actor_level");
	CHECK_EQ(at.offset, 1);
	CHECK_EQ(at.module, plugin_module(p));
	/* The engine's own calls may take it away. */
	CHECK_EQ(tn_unload(sys, plugin_module(p), NULL), 0);
	CHECK_EQ(plugin_try_get(p), -TN_ENOENT);
	CHECK(!plugin_registry()->plugins);
	CHECK_EQ(tn_symbolize(sys, (uintptr_t)level + 1, &at), -TN_ENOENT);
}

TEST(plugin, a_table_of_another_library_is_not_taken)
{
	struct plugin *actor = plugin_kit_load(NULL, "actor", NULL);
	struct tn_diag d;

	PROVES("L25");
	tn_diag_init(&d);
	CHECK(!plugin_kit_load(NULL, "borrower", &d));
	CHECK_EQ(d.error, -TN_ENOEXEC);
	CHECK_STR(plugin_said(&d), "borrower: has no plugin_ops");
	CHECK_EQ(plugin_kit_unload(actor), 0);
}

static int unloaded_early;

/* Another thread unloads it by its engine as soon as it runs. */
static void *unload_early(void *arg)
{
	struct tn_module *mod = NULL;

	while (!(mod = tn_module_find(arg, "actor")))
		sched_yield();
	tn_module_put(mod);
	if (tn_unload(arg, mod, NULL) == 0)
		unloaded_early++;
	return NULL;
}

TEST(plugin, an_engine_may_unload_it_before_its_load_has_returned)
{
	struct tn_system *sys = plugin_system();

	unloaded_early = 0;
	for (int i = 0; i < 50; i++) {
		struct plugin *p;
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, unload_early, sys), 0);
		p = plugin_kit_load(NULL, "actor", NULL);
		pthread_join(thread, NULL);
		if (p && plugin_try_get(p) == 0) {
			CHECK_EQ(plugin_try_put(p), 0);
			CHECK_EQ(plugin_kit_unload(p), 0);
		}
		CHECK(!plugin_registry()->plugins);
	}
	CHECK(unloaded_early > 0);
}

/* --- forks */

static int child(struct plugin *p)
{
	struct script s = { .in_process = NULL };
	int result;

	alarm(30); /* a hang is a failure */
	plugin_script(&s);
	if (plugin_process(p, NULL, &result) != 0 || s.calls != 1)
		return 2;
	if (plugin_kit_unload(p) != 0 || s.exits != 1)
		return 3;
	p = plugin_kit_load(NULL, "bare", NULL);
	if (!p || plugin_kit_unload(p) != 0)
		return 4;
	return 0;
}

TEST(plugin, a_forked_child_goes_on_with_what_is_loaded)
{
	struct plugin *p = plugin_kit_load(NULL, "actor", NULL);
	int status = -1;
	pid_t pid;

	CHECK(p);
	pid = fork();
	if (pid == 0)
		_exit(child(p));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(plugin_get(p), 1);
	plugin_put(p);
	CHECK_EQ(plugin_kit_unload(p), 0);
}
