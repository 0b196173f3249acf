/* SPDX-License-Identifier: MIT */
/*
 * Plugins are modules: their dependencies, versions, parameters, names, and the
 * engine that they belong to.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <elf/abi.h>
#include <tenon/tenon.h>
#include <test/test.h>

#include "plugin_kit.h"

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
	CHECK_STR(
	    plugin_refusal(actor), "Plugin in use (refcount=2) by user\n");
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

/* Moves what the section headers say of tables of the type @type. */
static bool spoil(const char *path, uint32_t type)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	struct elf_ehdr eh;
	struct elf_shdr sh;
	bool done = false;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		return false;
	for (unsigned i = 0; i < eh.e_shnum; i++) {
		const off_t at = (off_t)(eh.e_shoff + i * sizeof(sh));

		if (pread(fd, &sh, sizeof(sh), at) != sizeof(sh) ||
		    sh.sh_type != type || sh.sh_addr == 0)
			continue;
		sh.sh_addr += UINT64_C(1) << 30;
		done = pwrite(fd, &sh, sizeof(sh), at) == sizeof(sh);
	}
	close(fd);
	return done;
}

/* The dynamic linker does not read them; nobody may follow them blindly. */
TEST(plugin, section_headers_that_lie_lead_nowhere)
{
	static const uint32_t types[] = { SHT_DYNSYM, SHT_STRTAB };
	char path[PATH_MAX], folder[PATH_MAX], copy[PATH_MAX + 20];
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = copy };
	struct plugin *p;
	void *addr;

	plugin_folder_make(folder);
	for (int i = 0; i < 2; i++) {
		snprintf(copy, sizeof(copy), "%slies%d.so", folder, i);
		CHECK_EQ(plugin_copy(plugin_path("actor", path), copy), 0);
		CHECK(spoil(copy, types[i]));
		CHECK_EQ(plugin_load_with(&args, &p, NULL), 0);
		CHECK_EQ(
		    tn_module_symbol(plugin_module(p), "actor_level", &addr),
		    -TN_ENOENT);
		CHECK_EQ(plugin_kit_unload(p), 0);
	}
	plugin_folder_remove(folder);
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
