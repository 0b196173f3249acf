/* SPDX-License-Identifier: MIT */
/*
 * The module engine: load, find, call, unload.
 *
 * A struct tn_system is one engine: a registry of modules and an index of
 * their exports over one port. Several may live in one process. Functions
 * are safe to call from any thread unless they say otherwise, and return 0
 * or a negative enum tn_errno, and leave results alone when they fail. No
 * pointer may be NULL but @diag and what says so. Functions marked "sleeps"
 * take the registry lock or call the port; the others do not block.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/diag.h>
#include <tenon/err.h>
#include <tenon/port.h>

#ifdef __cplusplus
/* A function is called as the struct that it tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

#define TN_ABI_MAJOR 1u
#define TN_ABI_MINOR 0u

struct tn_system;
struct tn_module;

/* The two profiles of module files (docs/module-format.md). */
enum tn_profile {
	TN_PROFILE_NONE = 0,   /* no note: linked, run only when asked */
	TN_PROFILE_COMMON = 1, /* every world */
	TN_PROFILE_HOSTED = 2, /* processes only */
};

/* --- systems */

/* An export that the world itself offers to modules. */
struct tn_export {
	const char *name;
	const void *addr;
	uint32_t crc;   /* 0: no version */
	uint32_t flags; /* TN_EXPORT_* */
	const char *ns; /* namespace, or NULL */
};
#define TN_EXPORT_GPL        1u
#define TN_EXPORT_DEPRECATED 2u /* an import of it is noted */

/* An export of the world that will go, and what to do about it. */
struct tn_deprecated {
	const char *symbol;
	const char *advice; /* "use other"; or "" */
};

/*
 * The symbols that a module of the common profile may rely on in every world,
 * generated from api/exports.list and linked into each world: what a world
 * passes as tn_config.exports.
 */
extern const struct tn_export tn_guaranteed[];
extern const size_t tn_guaranteed_count;

/*
 * Asked before any byte of a module is parsed; non-zero refuses it
 * (TN_REASON_VERIFY). @data is the file after unpacking.
 */
typedef int tn_verify_fn(void *arg, const void *data, size_t size);

/* tn_config.flags */
#define TN_CONFIG_KEEP_SYMBOLS                                                 \
	1u /* keep the names of all functions, and where sections lie, for
	      tn_symbolize and tn_symbolize_origin */

struct tn_listener; /* <tenon/inspect.h> */

struct tn_config {
	uint32_t size;                   /* sizeof(struct tn_config) */
	uint32_t abi;                    /* 1 */
	const struct tn_export *exports; /* live as long as the system */
	size_t nexports;
	uint64_t seed;        /* secret; keeps hash collisions unpredictable */
	tn_verify_fn *verify; /* or NULL */
	void *verify_arg;
	const struct tn_deprecated *deprecated; /* as exports; or NULL */
	size_t ndeprecated;
	uint32_t flags;                      /* TN_CONFIG_* */
	const struct tn_listener *listeners; /* live as long as the system */
	size_t nlisteners;
	/* How long a load waits for a module that another thread is loading;
	   0: 30 s. */
	uint64_t wait_ns;
};

/*
 * Makes a system over @port, which must outlive it. Sleeps.
 * -TN_EINVAL: a table is missing or of another abi; -TN_ENOMEM;
 * -TN_EEXIST: an export is named twice.
 */
int tn_system_create(const struct tn_port *port, const struct tn_config *config,
    struct tn_system **out);

/*
 * Frees @sys. -TN_EBUSY while a module is loaded or a tn_linked is not freed.
 * Sleeps.
 */
int tn_system_destroy(struct tn_system *sys);
/*
 * Would tn_system_destroy refuse now? For whoever has to put something away
 * before. Takes the port's lock. Since 0.1.
 */
bool tn_system_is_busy(struct tn_system *sys);

/* --- loading */

/* tn_load_args.flags */
#define TN_LOAD_UNMARKED 1u /* run a file that carries no .note.tenon */
#define TN_LOAD_DIRECT                                                         \
	2u                  /* bind=direct: GOT loads and branches become
			       direct where they reach; pins the providers */
#define TN_LOAD_NO_RELAX 4u /* keep every GOT access as it is */
#define TN_LOAD_NO_INIT                                                        \
	8u /* run neither constructors and init nor any other
			       hook, nor exit and destructors */
#define TN_LOAD_NO_IMPORTS                                                     \
	16u                   /* an undefined symbol is refused as not
				  supported (slots); a weak one is 0, as no
				  provider is asked: compilers put weak hooks
				  of their own into every shared object */
#define TN_LOAD_NO_START  32u /* stop at INITIALIZED: tn_start goes on */
#define TN_LOAD_EXCLUSIVE 64u /* do not share what another thread loads */

struct tn_load_args {
	uint32_t size; /* sizeof(struct tn_load_args) */
	uint32_t flags;
	const char *name; /* overrides the file's own; or NULL */
	const char *path; /* a file, or NULL: */
	const void *data; /* the file in memory; must stay until tn_load
			      returns; 8-byte aligned, or it is copied */
	size_t data_size;
	const char *params; /* "level=3 verbose" (tenon/param.h); or NULL */
};

/*
 * Loads one module: reads, checks, links, protects, publishes, runs its
 * constructors and init, and starts it. On failure nothing is left. Sleeps;
 * init runs without any lock of the engine.
 *
 * When another thread is loading a module of this name, the call waits for it
 * and returns its result: that module, or that error; what else @args says
 * is not looked at. A load also waits for a provider that another thread is
 * loading.
 *
 * -TN_EINVAL: bad argument or module name, no such value of a parameter, or a
 * hook returned a positive number;
 * -TN_ENOENT: a symbol, the file or a needed module is missing, or there is no
 * such parameter;
 * -TN_ENOEXEC: the file, or a record of a parameter in it, is malformed;
 * -TN_EOPNOTSUPP: refused by name;
 * -TN_EACCES: licence, namespace or the verification hook;
 * -TN_ERANGE: a relocation does not reach, the parts do not fit together, a
 * needed module is too old or too new, or a parameter is beyond its limits;
 * -TN_ENOSPC: the pool is full, or a parameter has too many elements or
 * characters;
 * -TN_EFBIG: more than a limit of the engine, or of the port for sources;
 * -TN_EIO, -TN_EBADMSG, -TN_ENAMETOOLONG: of the source;
 * -TN_EEXIST: a module or an export of this name is there;
 * -TN_EAGAIN: a provider is stopped or being unloaded;
 * -TN_EDEADLK: it would wait for itself, or is called inside of a call;
 * -TN_ETIMEDOUT: a provider did not come in time;
 * -TN_ELOOP: it depends on itself, or loads in init are nested too deeply;
 * -TN_ENOMEM; what init or start returned.
 */
int tn_load(struct tn_system *sys, const struct tn_load_args *args,
    struct tn_module **out, struct tn_diag *diag);

/*
 * Reads and unpacks the file of @args as tn_load would, runs the verification
 * hook (-TN_EACCES), and calls @fn with the bytes, which are valid until it
 * returns; returns what @fn returns, or a negative error. Sleeps.
 */
int tn_read(struct tn_system *sys, const struct tn_load_args *args,
    int (*fn)(void *arg, const void *data, size_t size), void *arg,
    struct tn_diag *diag);

/*
 * Unloads: asks the module's quiesce, makes sure that nobody uses it, runs
 * stop, exit and destructors, and frees the image. @mod stays a valid name
 * without an image: a load of the same name uses it again. Sleeps.
 *
 * A refusal changes nothing. -TN_EBUSY: references or dependents are left (all
 * are named), it is permanent, or it is being loaded or started; -TN_EPERM: it
 * forbids its unload; -TN_ENOENT: it is not loaded; -TN_EALREADY: another
 * thread unloads it; -TN_EDEADLK: its own code asks; -TN_ELOOP: nested too
 * deeply; -TN_EOPNOTSUPP: this process has forbidden all that other threads
 * could be waited for with; what stop returned. Calls that do not sleep are let
 * out first, however it ends: it takes up to a second while one stays inside.
 */
int tn_unload(
    struct tn_system *sys, struct tn_module *mod, struct tn_diag *diag);

/* tn_unload_args.flags */
#define TN_UNLOAD_WAIT 1u /* wait until nobody uses it, or time runs out */
#define TN_UNLOAD_FORCE                                                        \
	2u /* one module only: whatever permanence and references say
	      that somebody has asked for; not while another module
	      imports from it or a call is inside; taints (rmmod -f) */

struct tn_unload_args {
	uint32_t size;       /* sizeof(struct tn_unload_args) */
	uint32_t flags;      /* TN_UNLOAD_* */
	uint64_t timeout_ns; /* for TN_UNLOAD_WAIT; 0: as without it */
};

/*
 * Those that end in _name or _names take modules by their names, which are
 * looked up in the same step. They are for whoever holds no reference: a record
 * that a load has made is gone when the load fails. -TN_ENOENT: there is none.
 */

/*
 * tn_unload with @args, NULL: none. While it waits, references can be taken;
 * one that ends in -TN_EBUSY, -TN_ETIMEDOUT or -TN_EPERM has made no reference
 * fail that was asked for meanwhile, unless a stop has returned that. Forced, it
 * leaves references that are worth nothing; each must still be put. What they
 * kept goes too: who forces answers for it that nobody is about to read a string
 * of tn_module_info or tn_module_metadata, or to follow an address. -TN_EINVAL:
 * a bad size or flag.
 */
int tn_unload_with(struct tn_system *sys, struct tn_module *mod,
    const struct tn_unload_args *args, struct tn_diag *diag);
int tn_unload_name(struct tn_system *sys, const char *name,
    const struct tn_unload_args *args, struct tn_diag *diag);

/*
 * Unloads all of @mods, given in any order, users before what they use, or
 * none of them. References and handles that one has on another do not count: it
 * may use them until its stop has run, no longer. -TN_EINVAL: one is listed
 * twice, or force is asked for more than one; also -TN_ENOMEM. Sleeps.
 */
int tn_unload_set(struct tn_system *sys, struct tn_module *const *mods,
    uint32_t n, const struct tn_unload_args *args, struct tn_diag *diag);
int tn_unload_names(struct tn_system *sys, const char *const *names, uint32_t n,
    const struct tn_unload_args *args, struct tn_diag *diag);

/*
 * RUNNING to STOPPED: the conditions and errors are those of an unload, but that
 * what is permanent can be stopped; -TN_EINVAL: it is not running. Sleeps.
 */
int tn_stop(struct tn_system *sys, struct tn_module *mod,
    const struct tn_unload_args *args, struct tn_diag *diag);
int tn_stop_name(struct tn_system *sys, const char *name,
    const struct tn_unload_args *args, struct tn_diag *diag);

/*
 * INITIALIZED or STOPPED to RUNNING. -TN_EINVAL: it is neither; -TN_ENOENT,
 * -TN_EBUSY, -TN_EALREADY, -TN_EDEADLK, -TN_ELOOP: as for an unload; what start
 * returned, and then it is what it was. Sleeps.
 */
int tn_start(
    struct tn_system *sys, struct tn_module *mod, struct tn_diag *diag);
int tn_start_name(
    struct tn_system *sys, const char *name, struct tn_diag *diag);

/*
 * Has a module that is STOPPED, or RUNNING and agrees to be quiet meanwhile,
 * write its state into @buf; *@len is its length. -TN_EOPNOTSUPP: it has no
 * save_state, or was loaded with TN_LOAD_NO_INIT; -TN_ENOSPC: @cap is too
 * small, *@len says what it takes; -TN_EPERM: its quiesce says no; else as
 * tn_start. Sleeps.
 */
int tn_module_save(struct tn_module *mod, void *buf, size_t cap, size_t *len,
    struct tn_diag *diag);

/*
 * Starts a module that is INITIALIZED or STOPPED with such a state. Errors as
 * tn_start and tn_module_save. Sleeps.
 */
int tn_module_restore(
    struct tn_module *mod, const void *buf, size_t len, struct tn_diag *diag);

/*
 * Frees the record of a module that is not loaded; @mod is invalid after 0.
 * -TN_EBUSY: it is loaded, coming or going, or was unloaded by force and
 * references on it have not been given back. Sleeps.
 */
int tn_module_forget(struct tn_system *sys, struct tn_module *mod);

/* --- symbols */

struct tn_symbol {
	const char *name;
	uint64_t addr;
	struct tn_module *owner; /* NULL: the world */
	uint32_t crc;
	uint32_t flags; /* TN_EXPORT_* */
	const char *ns; /* or NULL */
};

/*
 * Looks @name up among the exports of live modules and of the world.
 * -TN_ENOENT. Does not block. What is found stays valid only as long as the
 * caller knows that the owner is not unloaded; else use tn_symbol_get.
 */
int tn_symbol_find(
    struct tn_system *sys, const char *name, struct tn_symbol *out);

/*
 * The same, and takes a reference on the owner, if that is a module: the way to
 * an address that stays valid until tn_module_put(out->owner). -TN_ENOENT;
 * -TN_ENOMEM. Waits as tn_module_get does.
 */
int tn_symbol_get(
    struct tn_system *sys, const char *name, struct tn_symbol *out);

/*
 * Looks @name up in @mod alone: its exports, and for an ET_DYN image its
 * dynamic symbol table. The caller holds a reference. -TN_ENOENT.
 */
int tn_module_symbol(struct tn_module *mod, const char *name, void **addr);

/* Number of exports in the index. */
size_t tn_symbol_count(struct tn_system *sys);

/* --- references and introspection */

/*
 * Takes a reference for the caller: the module whose code calls, or the
 * program, which are named when an unload is refused. The return address tells
 * which: where the call is the last thing that a function does, and so a jump,
 * it is that function's caller; likewise for tn_module_put, and for the bare
 * symbols try_module_get and module_put. So a function of the program that
 * modules call does something behind such a call, or what it has taken is given
 * back with the module's; <tenon/module.h> does that for modules. False when
 * the module is not running, or there is no memory for the caller's first reference on it.
 * Waits for the outcome of an unload that is just being decided (microseconds)
 * and takes a short lock, so it is not for signal handlers.
 */
bool tn_module_get(struct tn_module *mod);
/*
 * Gives one of the caller's back; what others hold is theirs: with none of its
 * own nothing happens, and the log says so. Takes a short lock.
 */
void tn_module_put(struct tn_module *mod);

/*
 * Finds a live module and takes a reference on it; NULL: there is none, or no
 * memory. Sleeps.
 */
struct tn_module *tn_module_find(struct tn_system *sys, const char *name);

/*
 * The states of a module; docs/lifecycle.md says which other words there are
 * for them. A reference can be taken while a module is RUNNING, only then.
 */
enum tn_state {
	TN_STATE_EMPTY,       /* no such module yet */
	TN_STATE_REGISTERED,  /* known by name, not loaded */
	TN_STATE_COMING,      /* being loaded */
	TN_STATE_LOADED,      /* linked and published; init has not run */
	TN_STATE_INITIALIZED, /* init has run, start has not */
	TN_STATE_RUNNING,     /* can be used */
	TN_STATE_STOPPED,     /* stop has run: it can be started again */
	TN_STATE_GOING,       /* being unloaded */
	TN_STATE_FAILED,      /* was RUNNING and has failed */
	TN_STATE_QUARANTINED, /* has failed too often */
	TN_STATES
};

/* What loads and unloads have done to a system or a module; Linux's bits. */
#define TN_TAINT_PROPRIETARY   1u /* a licence that is not GPL-compatible */
#define TN_TAINT_UNMARKED      2u /* TN_LOAD_UNMARKED was needed */
#define TN_TAINT_FORCED_UNLOAD 8u /* TN_UNLOAD_FORCE was needed */

/* The taints of all modules that there have ever been. Sleeps. */
uint32_t tn_taints(struct tn_system *sys);

/* "empty", "running", ...: stable names for programs and people. */
const char *tn_state_name(enum tn_state state);

/* How long each step of the load took, in nanoseconds. */
struct tn_timing {
	uint64_t source;  /* read and unpack */
	uint64_t link;    /* parse, lay out, resolve, relocate */
	uint64_t protect; /* permissions and instruction cache */
	uint64_t init;    /* constructors and init */
};

struct tn_module_info {
	const char *name;
	const char *version; /* or "" */
	const char *license; /* or "" */
	enum tn_state state;
	bool busy;       /* it is being loaded, started, stopped or unloaded */
	uint32_t taints; /* TN_TAINT_* */
	enum tn_profile profile;
	bool direct;   /* imports are bound directly where they reach */
	uint32_t refs; /* references, dependents included */
	uint32_t nexports;
	uint32_t ncells; /* GOT cells */
	uint32_t nstubs;
	uint32_t nrelocs;   /* relocations applied */
	uint64_t text_addr; /* start of the text part, or of the span */
	size_t bytes;       /* all resident parts */
	size_t init_bytes;  /* freed after init */
	struct tn_timing timing;
	uint64_t base;  /* what addresses in a shared object's file count from;
			   0: it is no shared object */
	bool permanent; /* it cannot be unloaded, but by force */
};

/*
 * The module name of a file, by kmod's rules: "dir/a-b.ko.xz" is "a_b". False
 * when it is longer than a module's name may be; it is cut then. Any context.
 */
bool tn_module_name(const char *path, char name[TN_MODULE_NAME_MAX]);

/* Fills @info; the strings live as long as @mod. Caller holds a reference. */
void tn_module_info(struct tn_module *mod, struct tn_module_info *info);

/* The part that holds @kind, size 0 when there is none. */
void tn_module_part(struct tn_module *mod, enum tn_part_kind kind,
    uint64_t *addr, size_t *size);

/*
 * Calls @fn for every module in load order under the registry lock until it
 * returns non-zero, and returns that. Of the engine @fn may call what needs a
 * reference and takes no lock: tn_module_info, tn_module_part, and
 * tn_module_metadata and tn_module_provides of <tenon/registry.h>. Sleeps.
 */
int tn_module_each(struct tn_system *sys,
    int (*fn)(void *arg, struct tn_module *mod), void *arg);

/* The modules that @mod imports from, one call each; as tn_module_each. */
int tn_module_providers(struct tn_module *mod,
    int (*fn)(void *arg, struct tn_module *provider), void *arg);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
