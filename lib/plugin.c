/* SPDX-License-Identifier: MIT */
/*
 * Plugins: see <tenon/plugin.h>. A plugin is a module of its engine, which
 * counts references and decides about unloads; here is what a struct plugin
 * adds to it.
 *
 *	record   what users hold, for ever (plugin_record.h)
 *	entry    what is known of it while it is loaded (plugin_entry.h)
 *	foreign  how the engine takes it (plugin_take.c)
 *
 * A reference is one of the module. A module's record is used again by a later
 * load of its name, so a get looks at the state of the plugin before and after:
 * that becomes GOING before the module is withdrawn, and whoever is between the
 * two looks is inside of a section, for which a withdrawal waits.
 */
#include <tenon/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gate/world.h>
#include <tenon/inspect.h>
#include <tenon/tenon.h>

#include "plugin_entry.h"
#include "plugin_take.h"

/* --- the engine of those who bring none */

struct tn_system *plugin_system(void)
{
	static struct tn_system *_Atomic standard;
	struct tn_system *sys = atomic_load(&standard), *mine;

	if (sys || tn_open(NULL, &mine) != 0)
		return sys;
	if (atomic_compare_exchange_strong(&standard, &sys, mine))
		return mine;
	(void)tn_close(mine); /* another thread was first */
	return sys;
}

/* --- failures that are not the engine's */

static int fail(
    struct tn_diag *d, int error, enum tn_reason reason, const char *other)
{
	if (!d)
		return error;
	tn_diag_fini(d);
	d->error = error;
	d->reason = reason;
	d->stage = TN_STAGE_SOURCE;
	(void)snprintf(d->other, sizeof(d->other), "%s", other);
	return error;
}

static int fail_find(struct tn_diag *d, int number, const char *path)
{
	switch (number) {
	case -ENOENT:
	case -ENOTDIR: return fail(d, -TN_ENOENT, TN_REASON_UNREADABLE, path);
	case -EACCES: return fail(d, -TN_EACCES, TN_REASON_UNREADABLE, path);
	case -ENOMEM: return fail(d, -TN_ENOMEM, TN_REASON_UNREADABLE, path);
	case -ENAMETOOLONG:
		return fail(d, -TN_EINVAL, TN_REASON_BAD_NAME, path);
	default: return fail(d, -TN_EIO, TN_REASON_UNREADABLE, path);
	}
}

/* --- loading */

static int check_args(const struct plugin_load_args *args, struct tn_diag *d)
{
	if (args->size == sizeof(*args) && args->flags == 0 && args->path)
		return 0;
	return fail(d, -TN_EINVAL, TN_REASON_BAD_ARGUMENT,
	    "size, flags or path of struct plugin_load_args");
}

static int fail_new(struct tn_diag *d, const char *twin)
{
	if (twin[0] != '\0')
		return fail(d, -TN_EEXIST, TN_REASON_DUPLICATE_MODULE, twin);
	fail(d, -TN_ENOMEM, TN_REASON_NO_MEMORY, "");
	if (d)
		d->value = sizeof(struct plugin_entry);
	return -TN_ENOMEM;
}

/* Before @e is in the registry, from where others may end it. */
static void take_said(struct plugin_entry *e, char **said)
{
	if (!said)
		return;
	*said = e->said;
	e->said = NULL;
}

/*
 * Loads @e, which is the plugin's then, or freed. Its struct plugin_entry.said
 * goes to @said, to be freed, unless that is NULL.
 */
static int load_entry(struct plugin_entry *e, const char *params,
    struct plugin **out, struct tn_diag *diag, char **said)
{
	const struct tn_load_args load = {
		.size = sizeof(load),
		.flags = TN_LOAD_UNMARKED,
		.name = e->file.name,
		.path = e->file.real,
		.params = params,
	};
	struct tn_module *mod;
	int err;

	plugin_foreign(&e->foreign, e);
	err = tn_load_foreign(e->sys, &load, &e->foreign, &mod, diag);
	take_said(e, said);
	if (err != 0) {
		entry_drop(e);
		return err;
	}
	return entry_settle(e, mod, out)
		   ? 0
		   : fail(diag, -TN_ENOENT, TN_REASON_NOT_LOADED,
			 "what was just loaded and unloaded again");
}

static int load_plugin(const struct plugin_load_args *args, struct plugin **out,
    struct tn_diag *diag, char **said)
{
	char twin[TN_MODULE_NAME_MAX];
	struct plugin_file file;
	struct plugin_entry *e;
	int err = check_args(args, diag);

	if (err != 0)
		return err;
	err = plugin_file_find(args->path, &file);
	if (err != 0)
		return fail_find(diag, err, args->path);
	struct tn_system *sys = args->system ? args->system : plugin_system();

	if (!sys)
		return fail(diag, -TN_ENOMEM, TN_REASON_BAD_ARGUMENT,
		    "the engine cannot be opened");
	e = entry_new(args->path, &file, twin);
	if (!e)
		return fail_new(diag, twin);
	e->sys = sys;
	return load_entry(e, args->params, out, diag, said);
}

int plugin_load_with(const struct plugin_load_args *args, struct plugin **out,
    struct tn_diag *diag)
{
	return load_plugin(args, out, diag, NULL);
}

/* --- references */

int plugin_try_get(struct plugin *p)
{
	struct record *rec = record_of(p);
	struct tn_module *mod;
	bool got = false;

	if (!rec)
		return -TN_EINVAL;
	gate_world()->enter();
	if (record_is_live(rec)) {
		mod = atomic_load_explicit(&rec->mod, memory_order_relaxed);
		got = tn_foreign_get(mod);
		if (got && !record_is_live(rec)) {
			tn_foreign_put(mod); /* a later load of that name */
			got = false;
		}
	}
	gate_world()->exit();
	if (!got)
		return -TN_ENOENT;
	(void)__atomic_fetch_add(&p->refcount, 1, __ATOMIC_RELAXED);
	return 0;
}

int plugin_try_put(struct plugin *p)
{
	struct record *rec = record_of(p);
	int count;

	if (!rec)
		return -TN_EINVAL;
	count = __atomic_load_n(&p->refcount, __ATOMIC_RELAXED);
	do {
		if (count == 0)
			return -TN_ENOENT;
		if (count == 1)
			return -TN_EINVAL; /* the load's own is not given */
	} while (!__atomic_compare_exchange_n(&p->refcount, &count, count - 1,
	    true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	/* The caller's reference keeps it until here. */
	tn_foreign_put(atomic_load_explicit(&rec->mod, memory_order_relaxed));
	return 0;
}

int plugin_process(struct plugin *p, void *data, int *result)
{
	int err = plugin_try_get(p);

	if (err != 0)
		return err;
	if (record_of(p)->entry->own->process)
		*result = p->ops->process(data);
	else
		err = -TN_EOPNOTSUPP;
	(void)plugin_try_put(p); /* taken above */
	return err;
}

struct tn_module *plugin_module(struct plugin *p)
{
	const struct record *rec = record_of(p);

	if (!rec || !record_is_live(rec))
		return NULL;
	return atomic_load_explicit(&rec->mod, memory_order_relaxed);
}

/* --- unloading */

/* What is asked of an unload, and what is known when it has ended. */
struct leaving {
	struct plugin *p;
	const struct tn_unload_args *args;
	const void *caller;
	struct tn_diag *diag;
	struct plugin_file file;
};

/* Does code of the plugin itself ask? */
static bool is_own_code(
    struct tn_system *sys, const struct tn_module *mod, const void *caller)
{
	struct tn_location at;

	return tn_symbolize(sys, (uintptr_t)caller, &at) == 0 &&
	       at.module == mod;
}

/* After 0 nobody else unloads it, so that it stays what it is. */
static int begin_unload(struct record *rec, struct tn_diag *d)
{
	uint32_t state = RECORD_LIVE;

	if (atomic_compare_exchange_strong(&rec->state, &state, RECORD_LEAVING))
		return 0;
	if (state == RECORD_LEAVING || state == RECORD_GOING)
		return fail(d, -TN_EALREADY, TN_REASON_BAD_ARGUMENT,
		    "the plugin is being unloaded already");
	return fail(
	    d, -TN_ENOENT, TN_REASON_BAD_ARGUMENT, "the plugin is not loaded");
}

/* What is to be unloaded; its engine may have been faster. */
static bool look_up(
    struct leaving *l, const struct record *rec, struct tn_system **sys)
{
	bool found;

	entries_lock();
	found = record_is_live(rec);
	if (found) {
		l->file = rec->entry->file;
		*sys = rec->entry->sys;
	}
	entries_unlock();
	return found;
}

static int run_unload(struct leaving *l, struct record *rec)
{
	struct tn_module *mod =
	    atomic_load_explicit(&rec->mod, memory_order_relaxed);
	uint32_t state = RECORD_LEAVING;
	struct tn_system *sys;
	int err = -TN_EDEADLK;

	if (!look_up(l, rec, &sys))
		return fail(l->diag, -TN_ENOENT, TN_REASON_BAD_ARGUMENT,
		    "the plugin is not loaded");
	if (!is_own_code(sys, mod, l->caller))
		err = tn_unload_with(sys, mod, l->args, l->diag);
	else
		(void)fail(l->diag, err, TN_REASON_OWN_CODE, "");
	if (err != 0)
		(void)atomic_compare_exchange_strong(
		    &rec->state, &state, RECORD_LIVE);
	return err;
}

static int unload(struct leaving *l)
{
	struct record *rec = record_of(l->p);
	char why[WHY_MAX];
	int err;

	if (!rec)
		return fail(l->diag, -TN_EINVAL, TN_REASON_BAD_ARGUMENT,
		    "the pointer is none of a plugin");
	err = begin_unload(rec, l->diag);
	if (err == 0)
		err = run_unload(l, rec);
	if (err == 0 && l->diag && lingering_find(&l->file, why)) {
		l->diag->nnotes = 1;
		(void)snprintf(l->diag->note, sizeof(l->diag->note), "%s", why);
	}
	return err;
}

#define CALLER __builtin_return_address(0)

int plugin_unload_with(
    struct plugin *p, const struct tn_unload_args *args, struct tn_diag *diag)
{
	struct leaving l = {
		.p = p, .args = args, .caller = CALLER, .diag = diag
	};

	return unload(&l);
}

/* The newest that can be unloaded; NULL: there is none. */
static struct plugin *newest(void)
{
	struct plugin *p;

	entries_lock();
	p = plugin_registry()->plugins;
	entries_unlock();
	return p;
}

int plugin_unload_all(struct tn_diag *diag)
{
	struct leaving l = { .caller = CALLER, .diag = diag };
	int err = 0;

	/* Users have been loaded after what they use. */
	while (err == 0 && (l.p = newest()) != NULL) {
		err = unload(&l);
		if (err == -TN_ENOENT)
			err = 0; /* somebody else was faster */
	}
	return err;
}

/* --- the calls that say what they do */

static void say_sentence(const char *before, const struct tn_diag *d)
{
	char text[512];

	(void)tn_diag_text(d, text, sizeof(text));
	fprintf(stderr, "%s%s\n", before, text);
}

static void say_load(
    const char *path, const struct tn_diag *d, const char *said)
{
	switch (d->reason) {
	case TN_REASON_DUPLICATE_MODULE:
		fprintf(stderr, "Plugin already loaded: %s\n", path);
		break;
	case TN_REASON_NO_TABLE:
		fprintf(stderr, "No %s found\n", d->symbol);
		break;
	case TN_REASON_INIT_FAILED:
		fprintf(stderr, "Plugin init failed: %d\n", (int)d->value);
		break;
	case TN_REASON_UNREADABLE:
		fprintf(stderr,
		    "dlopen failed: %s: cannot open shared object file: %s\n",
		    d->other, strerror(-d->error));
		break;
	case TN_REASON_DLOPEN:
		fprintf(stderr, "dlopen failed: %s\n", said ? said : d->other);
		break;
	default: say_sentence("Plugin not loaded: ", d);
	}
}

struct plugin *plugin_load(const char *path)
{
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = path };
	struct plugin *p = NULL;
	struct tn_diag d;
	char *said = NULL;

	tn_diag_init(&d);
	if (load_plugin(&args, &p, &d, &said) != 0) {
		p = NULL;
		say_load(path ? path : "(null)", &d, said);
	} else {
		/* Nothing of @p: somebody else may have unloaded it. */
		printf(
		    "Plugin loaded: %s (%s)\n", path, said ? said : "no name");
		if (d.nnotes != 0)
			fprintf(stderr, "Plugin %s\n", d.note);
	}
	free(said);
	tn_diag_fini(&d);
	return p;
}

int plugin_get(struct plugin *p)
{
	return plugin_try_get(p) == 0;
}

void plugin_put(struct plugin *p)
{
	const int err = plugin_try_put(p);

	if (err != 0)
		fprintf(stderr, "Plugin not put: %s\n",
		    err == -TN_ENOENT ? "it is not loaded"
		    : record_of(p)    ? "nobody has a reference"
				      : "the pointer is none of a plugin");
}

/*
 * One for the load; dependents count, as they hold references. Those of
 * plugin_get are in the number alone: all of them are the program's.
 */
static void say_in_use(const struct tn_diag *d)
{
	const char *between = " by ";

	fprintf(stderr, "Plugin in use (refcount=%d)",
	    (int)(d->value > 0 ? d->value : 1) + 1);
	for (size_t i = 0; d->holders && i < d->nholders; i++) {
		if (d->holders[i].kind == TN_HOLDER_REFERENCE)
			continue;
		fprintf(stderr, "%s%s", between, d->holders[i].name);
		between = ", ";
	}
	fputc('\n', stderr);
}

int plugin_unload(struct plugin *p)
{
	struct tn_diag d;
	struct leaving l = { .p = p, .caller = CALLER, .diag = &d };
	int err;

	tn_diag_init(&d);
	err = unload(&l);
	if (err == 0)
		printf("Plugin unloaded\n");
	else if (d.reason == TN_REASON_IN_USE)
		say_in_use(&d);
	else
		say_sentence("Plugin not unloaded: ", &d);
	if (err == 0 && d.nnotes != 0)
		fprintf(stderr, "Plugin %s stays in the process: %s\n",
		    l.file.name, d.note);
	tn_diag_fini(&d);
	return err == 0 ? 0 : -1;
}
