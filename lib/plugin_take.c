/* SPDX-License-Identifier: MIT */
/*
 * Mapping a plugin, calling its init and exit, and unmapping it: the functions
 * that the engine calls while it loads and unloads one.
 *
 * The dynamic linker is asked by the file's real path. It may answer with a
 * library that it had before, because that is the same file, or because it goes
 * by names: so what it has mapped is compared with what the engine has read.
 */
#include "plugin_take.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_entry.h"

/* --- mapping */

static bool is_open(const char *path)
{
	void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);

	if (handle)
		dlclose(handle);
	return handle != NULL;
}

static int fail_dlopen(struct plugin_entry *e, struct tn_foreign_load *load)
{
	const char *text = dlerror();

	text = text ? text : "the dynamic linker does not say why";
	e->said = strdup(text); /* longer than a diagnosis has room for */
	return tn_foreign_fail(load, -TN_ENOEXEC, TN_REASON_DLOPEN, text);
}

static int fail_other_file(struct plugin_entry *e, struct tn_foreign_load *load)
{
	char why[WHY_MAX] = "another library has its name";

	if (lingering_find(&e->file, why) || libc_unmaps())
		return tn_foreign_fail(load, -TN_EBUSY, TN_REASON_LINGERS, why);
	return tn_foreign_fail(
	    load, -TN_EBUSY, TN_REASON_LINGERS, "this C library unmaps none");
}

/* A library that the plugin needs, when that is a plugin too. */
struct need {
	struct tn_foreign_load *load;
	const char *symbol;
};

static int hold_needed(void *arg, const char *name)
{
	const struct need *need = arg;
	void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
	struct plugin *p;
	int err = 0;

	if (!handle)
		return 0;
	p = entry_by_handle(handle);
	if (p) {
		err = tn_foreign_needs(need->load, plugin_module(p));
		plugin_put(p);
	} else if (own_symbol(handle, need->symbol)) {
		/* Mapped, but its init has not run. */
		err = tn_foreign_fail(
		    need->load, -TN_ENOENT, TN_REASON_NEEDED, name);
	}
	dlclose(handle);
	return err;
}

static int check_mapped(struct plugin_entry *e, struct tn_foreign_load *load,
    const void *data, size_t size)
{
	struct need need = { load, e->foreign.symbol };

	if (!mapped_open(e->image.handle, &e->image))
		return fail_dlopen(e, load);
	if (!mapped_is(&e->image, data, size))
		return fail_other_file(e, load);
	return each_needed(data, size, hold_needed, &need);
}

static void tell_lingering(
    const struct plugin_entry *e, struct tn_foreign_load *load)
{
	char why[WHY_MAX], text[WHY_MAX + 80];

	if (!e->was_there || !lingering_find(&e->file, why))
		return;
	(void)snprintf(text, sizeof(text),
	    "its data are as its last unload has left them: %s", why);
	tn_foreign_note(load, text);
}

static int map(void *ctx, struct tn_foreign_load *load, const void *data,
    size_t size, struct tn_foreign_image *out)
{
	struct plugin_entry *e = ctx;
	int err;

	if (!is_table(data, size, e->foreign.symbol, sizeof(*e->own)))
		return tn_foreign_fail(load, -TN_ENOEXEC, TN_REASON_UNSUPPORTED,
		    "a plugin_ops that is no struct plugin_ops");
	e->was_there = is_open(e->file.real);
	e->image.handle = dlopen(e->file.real, RTLD_NOW);
	if (!e->image.handle)
		return fail_dlopen(e, load);
	err = check_mapped(e, load, data, size);
	if (err) {
		dlclose(e->image.handle);
		return err;
	}
	why_it_stays(data, size, e->why, sizeof(e->why));
	tell_lingering(e, load);
	out->base = e->image.base;
	out->table = (uintptr_t)own_symbol(e->image.handle, e->foreign.symbol);
	return 0;
}

/* --- what it offers */

static int no_process(void *data)
{
	(void)data;
	return -TN_EOPNOTSUPP;
}

static int take(
    void *ctx, struct tn_foreign_load *load, struct tn_module *mod, void *table)
{
	struct plugin_entry *e = ctx;
	struct plugin *p = &e->rec->pub;

	(void)load, (void)mod;
	e->own = table;
	p->handle = e->image.handle;
	p->ops = e->own;
	if (e->own->process)
		return 0;
	e->filled = *e->own;
	e->filled.process = no_process;
	p->ops = &e->filled;
	return 0;
}

static int run_init(void *ctx)
{
	struct plugin_entry *e = ctx;
	const int err = e->own->init ? e->own->init() : 0;
	const char *name = e->rec->pub.ops->name;

	/* A copy, as the image may be gone when it is told; without memory
	   it is not told. */
	if (err == 0 && name)
		e->said = strdup(name);
	return err;
}

static void run_exit(void *ctx)
{
	struct plugin_entry *e = ctx;

	entry_close(e);
	if (e->own->exit)
		e->own->exit();
}

/* --- the end */

static void unmap(struct plugin_entry *e)
{
	char *name = strdup(e->image.name); /* the linker's own goes with it */

	dlclose(e->image.handle);
	if (!name || !mapped_is_there(e->image.base, name))
		lingering_set(&e->file, NULL);
	else if (!e->was_there && libc_unmaps())
		lingering_set(&e->file, e->why);
	free(name);
}

static void gone(void *ctx)
{
	struct plugin_entry *e = ctx;

	if (e->image.handle)
		unmap(e);
	entry_gone(e);
}

void plugin_foreign(struct tn_foreign *foreign, struct plugin_entry *e)
{
	*foreign = (struct tn_foreign){
		.size = sizeof(*foreign),
		.abi = 1,
		.ctx = e,
		.symbol = "plugin_ops",
		.table_size = sizeof(struct plugin_ops),
		.map = map,
		.take = take,
		.init = run_init,
		.exit = run_exit,
		.gone = gone,
	};
}
