/* SPDX-License-Identifier: MIT */
/*
 * What the init and exit of a plugin may do, and what else its code may not;
 * and a child of fork, which goes on with it.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

#include "plugin_kit.h"

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

/* --- forks */

static int child(struct plugin *p)
{
	struct script s = { .in_process = NULL };
	int result;

	alarm(60); /* a hang is a failure */
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
