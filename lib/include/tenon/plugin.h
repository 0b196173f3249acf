/* SPDX-License-Identifier: MIT */
/*
 * Plugins: shared objects (.so) and module objects (.ko) with a table of
 * operations called plugin_ops, loaded into a process, counted, and unloaded
 * when nobody uses them. docs/plugins.md is the guide.
 *
 *	struct plugin *p = plugin_load("./my_plugin.so");
 *
 *	if (p != NULL && plugin_get(p)) {
 *		p->ops->process("Hello, plugin!");
 *		plugin_put(p);
 *	}
 *	if (p != NULL)
 *		plugin_unload(p);
 *
 * A plugin is a module of an engine (<tenon/engine.h>), so it stands in every
 * list, can have a version, dependencies and parameters (<tenon/module_info.h>,
 * <tenon/module_param.h>), and a crash report names it.
 *
 * A library is one plugin of a process, whatever its path looks like and
 * whichever engine has it. A struct plugin is never used again: after its
 * unload every call with it is refused, for ever, and so is a pointer that has
 * never been one. All functions are safe to call from any thread, from init,
 * exit and process too, but not in signal handlers. Since 0.1.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include <tenon/engine.h>

#ifdef __cplusplus
/* A function is called as the struct that it tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

/* What a plugin defines as `struct plugin_ops plugin_ops`. */
struct plugin_ops {
	const char *name;
	int (*init)(void);          /* 0, or the load fails; or NULL */
	void (*exit)(void);         /* nobody is inside any more; or NULL */
	int (*process)(void *data); /* or NULL */
};

/*
 * A loaded plugin. For reading, by who has a reference or knows that it stays;
 * after its end everything in it is 0.
 */
struct plugin {
	char *path;             /* as it was given */
	void *handle;           /* of dlopen; NULL: the engine has linked it */
	struct plugin_ops *ops; /* process is never NULL here: one that is
				   missing returns -TN_EOPNOTSUPP */
	int refcount;           /* 1 for the load, and one for each get */
	struct plugin *next;    /* registry lock: loaded before this one */
};

/* The plugins of this process, the newest first. */
struct plugin_registry {
	struct plugin *plugins;
	pthread_mutex_t lock; /* protects the list; call nothing with it held */
};

/*
 * The one registry. Whoever walks it holds its lock, and calls plugin_get for
 * what it wants to use later.
 */
struct plugin_registry *plugin_registry(void);

/* --- the calls as everybody knows them: they say on stderr what is wrong */

/*
 * Loads the library at @path, without a slash one of the dynamic linker's
 * folders, and calls its init; says "Plugin loaded" on stdout. NULL: it could
 * not be loaded, or is loaded already. Sleeps.
 */
struct plugin *plugin_load(const char *path);

/*
 * Takes a reference: until plugin_put the plugin stays, and its operations can
 * be called. 1; 0 when it is not loaded any more. Waits for the outcome of an
 * unload that is just being decided (microseconds).
 */
int plugin_get(struct plugin *p);

/* Gives one back. Refused when there is none but the load's own. */
void plugin_put(struct plugin *p);

/*
 * Calls exit and unmaps the library; says "Plugin unloaded" on stdout. 0, or
 * -1 and nothing has changed: it is in use, needed by another plugin, or not
 * loaded. A library that the dynamic linker has kept in the process is named
 * on stderr, with the reason. Sleeps.
 */
int plugin_unload(struct plugin *p);

/* --- the same with arguments and a diagnosis, silent */

struct plugin_load_args {
	uint32_t size;            /* sizeof(struct plugin_load_args) */
	uint32_t flags;           /* 0 */
	const char *path;         /* as of plugin_load */
	const char *params;       /* "level=3" (<tenon/param.h>), or NULL */
	struct tn_system *system; /* the engine; NULL: the process's own */
};

/*
 * Loads a plugin into *@out. Errors as tn_load_foreign; -TN_EEXIST
 * (TN_REASON_DUPLICATE_MODULE): the library is loaded; -TN_ENOENT: no such
 * file, or a plugin that it needs is not loaded; TN_REASON_DLOPEN: the dynamic
 * linker refuses it; TN_REASON_LINGERS: the file is not the one that is still
 * in the process. After 0 a note in @diag says that an earlier load has left
 * its data in the library. Sleeps.
 */
int plugin_load_with(const struct plugin_load_args *args, struct plugin **out,
    struct tn_diag *diag);

/*
 * Unloads as tn_unload_with, whose errors these are; -TN_EINVAL: @p has never
 * been a plugin; -TN_ENOENT: it is not loaded. @args may be NULL. A note in
 * @diag says after 0 why the library is still in the process. Sleeps.
 */
int plugin_unload_with(
    struct plugin *p, const struct tn_unload_args *args, struct tn_diag *diag);

/*
 * Unloads all plugins, users before what they use, until one cannot go; returns
 * its error. Sleeps.
 */
int plugin_unload_all(struct tn_diag *diag);

/* plugin_get and plugin_put: 0; -TN_EINVAL: never a plugin, or, of a put, one
   too many; -TN_ENOENT: not loaded any more. */
int plugin_try_get(struct plugin *p);
int plugin_try_put(struct plugin *p);

/*
 * Calls process with a reference around it, and stores in *@result what it
 * returns. -TN_EOPNOTSUPP: it has none; else as plugin_try_get.
 */
int plugin_process(struct plugin *p, void *data, int *result);

/*
 * The module that it is to its engine, for lists, parameters and holders; NULL
 * when it is not loaded. The caller holds a reference, or knows that it stays.
 */
struct tn_module *plugin_module(struct plugin *p);

/*
 * The engine that plugins without one are loaded into: opened by the first of
 * them. NULL: it cannot be opened.
 */
struct tn_system *plugin_system(void);

/*
 * Libraries of plugins that were in the process still when they had been
 * unloaded, and have not been seen to leave since: calls @fn for each with its
 * path and the reason until it returns non-zero, and returns that. @fn calls
 * nothing of this header.
 */
int plugin_lingering_each(
    int (*fn)(void *arg, const char *path, const char *reason), void *arg);

/* --- for plugins */

/*
 * Written once in a plugin, states which engine it was built for; a load into
 * an engine that does not serve this ABI is refused with both numbers.
 *
 *	PLUGIN_ABI(TN_ABI_MAJOR, TN_ABI_MINOR);
 */
#define PLUGIN_ABI(major, minor)                                               \
	static const struct plugin_note plugin_abi_note                        \
	    __attribute__((section(".note.tenon"), used, aligned(4))) = { 6,   \
		    16, 1, "Tenon", 1, 2, (major), (minor) }

/* The note of docs/module-format.md, 6: of the hosted profile. */
struct plugin_note {
	uint32_t name_size, size, type;
	char name[8];
	uint32_t version, profile, abi_major, abi_minor;
};

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
