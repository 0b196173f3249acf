/* SPDX-License-Identifier: MIT */
/*
 * Looking into a running engine: which code is at an address, what happens to
 * modules, and a copy of the whole registry. docs/debugging.md is the guide.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- addresses */

#define TN_SYMBOL_NAME_MAX  128 /* with its NUL; longer names are cut */
#define TN_SECTION_NAME_MAX 32

/*
 * What is at an address of code. It may be of a module that has been unloaded
 * since, and its record freed: who cannot know compares @module and no more.
 */
struct tn_location {
	struct tn_module *module;
	char module_name[TN_MODULE_NAME_MAX];
	char symbol[TN_SYMBOL_NAME_MAX]; /* "": no known symbol is there */
	uint64_t offset;                 /* in the symbol, else in the text */
	uint64_t size;                   /* of it */
	/*
	 * The file says that the symbol is so large. Otherwise it is the
	 * nearest export before the address, and the size reaches to the next.
	 */
	bool exact;
};

/*
 * Says what is at @addr, an address of code of a loaded module, in time
 * logarithmic in the number of modules and of symbols: of exports alone, or with
 * TN_CONFIG_KEEP_SYMBOLS of all functions. Takes no lock and makes no call of
 * the port: any context, also a signal handler or an interrupt in the middle of
 * a load. The first call for a module whose file has its exports in another
 * order than their addresses sorts them, and calls at the same time go through
 * all of them. -TN_ENOENT: no module has code there.
 */
int tn_symbolize(struct tn_system *sys, uint64_t addr, struct tn_location *out);

/* Where in its file a piece of code comes from. */
struct tn_origin {
	char path[256]; /* as given to the load; "" from memory, or too long */
	char section[TN_SECTION_NAME_MAX]; /* "": an ET_DYN file */
	uint64_t offset; /* in the section, or from the image's base */
};

/*
 * The same for the place in the module's file, which a debugger's tools want.
 * Any context. -TN_ENOENT: no module has code there, or its sections are not
 * kept (TN_CONFIG_KEEP_SYMBOLS).
 */
int tn_symbolize_origin(
    struct tn_system *sys, uint64_t addr, struct tn_origin *out);

/*
 * Calls @fn with the name and the text of each loaded module, by ascending
 * address, until it returns non-zero; returns that. Modules come and go
 * meanwhile, and @fn may do what its context allows, also load, unload or fork:
 * who is told had the text a moment ago. Any context.
 */
int tn_symbolize_each(struct tn_system *sys,
    int (*fn)(void *arg, const char *name, uint64_t addr, uint64_t size),
    void *arg);

/*
 * Writes the name of the module that was unloaded last, or "". Any context.
 */
void tn_last_unloaded(struct tn_system *sys, char name[TN_MODULE_NAME_MAX]);

/*
 * Which operation of @mod the engine is running now: "init" (constructors
 * included), "start", "quiesce", "resume", "stop", "exit" (destructors
 * included), "save" or "restore", or NULL: none. A moment's answer, to say what
 * does not return. Any context, also a signal handler inside of that operation.
 */
const char *tn_module_running(const struct tn_module *mod);

/* --- snapshots */

struct tn_snapshot_param {
	const char *name;
	char value[120]; /* as tn_param_get writes it, cut to fit */
};

struct tn_snapshot_part {
	uint64_t addr, size; /* 0: the module has no such part */
};

/* One module; everything is in the snapshot and stays with it. */
struct tn_snapshot_module {
	struct tn_module_info info;
	struct tn_snapshot_part parts[TN_PART_KINDS];
	const char *const
	    *providers; /* names of modules that it imports from */
	size_t nproviders;
	/* all but importers, who name it as a provider */
	const struct tn_holder *holders;
	size_t nholders;
	const struct tn_snapshot_param *params; /* those that are shown */
	size_t nparams;
};

struct tn_snapshot {
	/*
	 * Grows with each change of a module's state and with each that comes
	 * or goes: two snapshots with one number have the same modules in the
	 * same states.
	 */
	uint64_t number;
	uint64_t time_ns; /* of the port's clock */
	size_t nmodules;
	const struct tn_snapshot_module *modules; /* in load order */
	/* private: */
	struct tn_system *owner;
	size_t bytes;
};

/*
 * Copies the registry at one moment: modules, states, references, holders and
 * parameters belong together. Parameters that their module writes itself, and
 * counts that go up and down without a lock, are as they were when they were
 * read. -TN_ENOMEM. Sleeps.
 */
int tn_snapshot_take(struct tn_system *sys, struct tn_snapshot **out);
/* Frees it with all that it points to; NULL: nothing. Before the system is destroyed. */
void tn_snapshot_free(struct tn_snapshot *snapshot);

/* --- events */

struct tn_linked;

enum tn_event {
	/* The image is complete and in the registry, nothing of it has run. */
	TN_EVENT_LOADED,
	/* Init has run, its code and data are given back. */
	TN_EVENT_READY,
	/* Nothing of it will run again; the image is there for the last time. */
	TN_EVENT_UNLOADED,
};

/* "loaded", "ready", "unloaded". */
const char *tn_event_name(enum tn_event event);

struct tn_notice {
	uint32_t size; /* sizeof(struct tn_notice) */
	enum tn_event event;
	struct tn_module *module;
	const char *name; /* of the module; as long as @module is */
	/*
	 * TN_EVENT_LOADED: the file and the addresses of what is in it, see
	 * <tenon/link.h>, until the listener returns. Else NULL, also of a
	 * module that the system's dynamic linker has mapped.
	 */
	const struct tn_linked *file;
	const char *path; /* of the file, or NULL */
};

/*
 * Told of every module of a system, in the thread that loads or unloads it,
 * without a lock of the engine; of several threads at once. Of the engine it
 * may call what does not load or unload. Given in tn_config.listeners.
 */
struct tn_listener {
	void (*fn)(void *arg, const struct tn_notice *notice);
	void *arg;
};

/*
 * Does nothing: the place for a debugger's breakpoint. It is called for each
 * event, after the listeners have been told. The name and the two parameters
 * stay as they are.
 */
void tn_debug_event(enum tn_event event, struct tn_module *mod);

#ifdef __cplusplus
}
#endif
