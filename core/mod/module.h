/* SPDX-License-Identifier: MIT */
/*
 * Modules and systems, as the engine's own files see them.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/format.h>
#include <base/list.h>
#include <base/span.h>
#include <gate/close.h>
#include <tenon/engine.h>
#include <tenon/registry.h>

#include "activity.h"
#include "export.h"
#include "fire.h"
#include "image.h"
#include "index.h"
#include "ledger.h"
#include "symbolize.h"
#include "sync.h"

/* What the engine may call in a module: module_ops, or Linux's two. */
enum hook {
	HOOK_INIT,
	HOOK_START,
	HOOK_STOP,
	HOOK_EXIT,
	HOOK_QUIESCE,
	HOOK_RESUME,
	HOOK_SAVE,
	HOOK_RESTORE,
	HOOKS
};

struct image_range {
	uint64_t addr;
	uint64_t count; /* of 8-byte words */
};

/* What an ET_DYN image has of its own, in the image where nothing is said. */
struct dynamic {
	const struct elf_sym *symbols; /* NULL: none */
	const char *strings;
	size_t strings_size;
	uint32_t nsymbols;
	uint64_t init, fini; /* DT_INIT and DT_FINI: addresses, or 0 */
};

/*
 * One loaded image of a module. All but what is said otherwise is set once,
 * before it is published.
 */
struct generation {
	struct tn_module *mod;
	uint64_t number;           /* registry lock: later ones are larger */
	struct span modinfo;       /* a copy of the file's, or empty */
	struct provides *provides; /* what it lists of that, or NULL */
	struct kept_image *image;  /* its parts: registry lock while COMING */
	struct export_block *exports;
	struct tn_module **providers; /* each holds one reference */
	uint32_t nproviders;
	uint64_t hook[HOOKS]; /* entry points, or 0 */
	/* constructors and destructors in the order in which they run */
	struct image_range *arrays; /* init first, then fini */
	unsigned ninit_arrays, nfini_arrays;
	uint32_t ncells, nstubs, nrelocs;
	uint32_t taints; /* TN_TAINT_* that the file brings */
	uint32_t flags;  /* TN_MODULE_* */
	enum tn_profile profile;
	bool direct;         /* TN_LOAD_DIRECT was given */
	bool started;        /* init has been called, so other hooks may be */
	bool has_ops;        /* hooks of a module_ops: they take the module */
	bool is_mapped;      /* by somebody else: not the port's image */
	uint32_t init_bytes; /* registry lock: that were freed after init */
	const void *leaving; /* registry lock: the unload that takes it away */
	bool taken_back;     /* registry lock: its interfaces and bonds were */
	uint32_t nparams;
	struct dynamic *dynamic; /* of an ET_DYN image, or NULL */
	uint64_t base;
	const struct tenon_param *params; /* in the image */
	const struct tn_foreign *foreign; /* whose hooks they are, or NULL */
	struct kept_symbols *symbols;     /* or NULL */
	struct kept_sections *sections;   /* or NULL */
	/* param_lock: */
	struct param_text *param_texts;
	struct ledger_book book; /* what it holds */
	/* registry lock: */
	struct tn_timing timing;
	struct list provisions, bonds; /* interface.h */
};

/*
 * A module: a name, and the generation that is loaded under it, if any. The
 * record stays when the module is unloaded, so that a pointer to it never
 * dangles; tn_module_forget or the end of the system frees it.
 */
struct tn_module {
	struct index_key key; /* first: its name in sys->modules */
	/* set once: */
	struct tn_system *sys;
	uint64_t id;
	char name[TN_MODULE_NAME_MAX];
	/* registry lock: */
	struct list link; /* sys->list while a generation is there */
	/* These three are atomic: tn_module_info reads them without the lock. */
	enum tn_state state;
	uint32_t taints;
	/* NULL: not loaded, or not yet; changes under the ledger lock too */
	struct generation *gen;
	enum tn_state was; /* before it was claimed */
	/* atomic: the enum hook that runs, and 1; 0: none */
	uint8_t running;
	/* written under the registry lock: who works on it, or NULL */
	struct activity *_Atomic activity;
	struct tn_gate_target target; /* references and handles */
	struct list holds; /* ledger.lock: who has asked for some (hold.c) */
};

struct tn_system {
	const struct tn_port *port;
	struct tn_config config;
	struct export_block *world; /* the world's exports */
	struct mutex param_lock;    /* see param.c */
	/* writers: registry lock; readers: read sections */
	struct index exports;
	struct symbolizer symbolizer;
	uint64_t changes; /* registry lock: of states, and of the list */
	/* registry lock: */
	struct index modules; /* all records */
	struct index interfaces;
	struct index provides; /* of words, owned by modules */
	_Atomic(struct holder_names *) holder_names; /* or NULL */
	uint64_t bindings; /* number of the last one */
	struct event interfaces_changed;
	/* what handles on interfaces of the world hold; always live */
	struct tn_gate_target world_target;
	struct list list;     /* those with a generation, in load order */
	unsigned nlinked;     /* results of tn_link that are not freed */
	uint64_t generations; /* so many have been published */
	uint64_t last_id;     /* of a module */
	uint32_t taints;
	struct list activities; /* operations in progress */
	struct list waiters;    /* those whose threads wait for another */
	struct event ended;     /* one of them that somebody waits for */
	/* have a lock of their own: */
	struct ledger ledger;
	struct fires fires;
};

/* In sys->list. */
static inline struct tn_module *module_at(const struct list *pos)
{
	return CONTAINER_OF(
	    (struct list *)(uintptr_t)pos, struct tn_module, link);
}

/*
 * It says that it stays, or its init has run and has no exit (as in Linux).
 */
static inline bool generation_is_permanent(const struct generation *gen)
{
	return (gen->flags & TN_MODULE_ESSENTIAL) != 0 ||
	       (gen->started && gen->hook[HOOK_INIT] != 0 &&
		   gen->hook[HOOK_EXIT] == 0);
}

static inline bool module_is_live(const struct tn_module *mod)
{
	return gate_target_is_live(&mod->target);
}

/*
 * References that the engine takes for itself, as for the time of a call: they
 * count, but no holder is recorded (hold.h).
 */
static inline bool module_pin(struct tn_module *mod)
{
	return tn_target_get(&mod->target);
}

static inline void module_unpin(struct tn_module *mod)
{
	tn_target_put(&mod->target);
}

/* --- name.c */

/* Letters, digits, '_', '.' and '+', at least one. */
bool module_name_is_sound(const char *name);
/* Takes a name as it is given; false when it is too long. */
bool module_name_take(const char *s, char name[TN_MODULE_NAME_MAX]);

/* --- diag.c */

/*
 * Fills @diag (never NULL) anew and returns the reason's error, which a caller
 * may replace. @module and @other are "" where there is none.
 */
int diag_fail(struct tn_diag *diag, enum tn_stage stage, enum tn_reason reason,
    const char *module, const char *other);
/* Adds what a function has returned; a positive value is no error number. */
int diag_result(struct tn_diag *diag, int result);
int diag_fail_memory(struct tn_diag *diag, enum tn_stage stage, uint64_t size);
/*
 * What files call things is theirs to choose: bytes from @from on that are no
 * printable UTF-8 become question marks, so that no text ends a line or steers
 * a terminal.
 */
void text_clean(struct text *t, size_t from);
/* Makes @diag a copy; without the list of missing symbols when there is no
   memory for it. */
void diag_copy(struct tn_diag *diag, const struct tn_diag *from,
    const struct tn_port *port);

/* --- module.c */

/* There is no such module loaded. */
int module_fail_absent(struct tn_diag *diag, const char *name);
/* Its state forbids what is asked for. */
int module_fail_state(struct tn_diag *diag, const struct tn_module *mod);

/* The running module @name, with a reference of the engine's, or NULL. */
struct tn_module *module_find_live(struct tn_system *sys, const char *name);
/* The record of @name, or NULL. */
struct tn_module *module_find_locked(struct tn_system *sys, const char *name)
    REQUIRES(registry_role);
/* The same, made when there is none; NULL: no memory. */
struct tn_module *module_record_locked(struct tn_system *sys, const char *name)
    REQUIRES(registry_role);
/* Frees the record of a name that is EMPTY: nobody has ever loaded it. */
void module_release_locked(struct tn_module *mod) REQUIRES(registry_role);
/* tn_module_forget. */
int module_forget_locked(struct tn_module *mod) REQUIRES(registry_role);

/*
 * Who works on it, or NULL: under the registry lock, or from there. For others a
 * moment's answer, not to be followed.
 */
static inline struct activity *module_activity(const struct tn_module *mod)
{
	/* relaxed: the lock orders it, or it is the caller's own */
	return atomic_load_explicit(&mod->activity, memory_order_relaxed);
}

static inline void module_set_state_locked(
    struct tn_module *mod, enum tn_state state)
{
	__atomic_store_n(&mod->state, state, __ATOMIC_RELAXED);
}

static inline void module_set_taints_locked(
    struct tn_module *mod, uint32_t taints)
{
	__atomic_store_n(&mod->taints, taints, __ATOMIC_RELAXED);
}

void module_set_state(struct tn_module *mod, enum tn_state state);
/*
 * To RUNNING: references can be had, and what it provides can be called. Only
 * by the activity that works on it.
 */
void module_run(struct tn_module *mod);

/* Makes @gen its module's, with its exports, or fails. */
int module_publish(struct generation *gen, struct tn_diag *diag) MUST_CHECK;
/* Takes the module's generation out again and frees it with all it holds. */
void module_withdraw(struct tn_module *mod);
/*
 * Frees a generation that is not published; its image too, and the references
 * on its providers, which are those of @act.
 */
void generation_free(
    struct tn_system *sys, struct generation *gen, struct activity *act);
/* Frees the records; none has a generation. */
void modules_free(struct tn_system *sys);

/* --- init.c */
int generation_run_init(struct generation *gen, struct tn_diag *diag)
    MUST_CHECK;
/* start, stop or quiesce; a failure is told with @reason. */
int generation_run_hook(const struct generation *gen, enum hook hook,
    enum tn_reason reason, struct tn_diag *diag) MUST_CHECK;
/* Around a hook: tn_module_running names it meanwhile. */
void generation_enter(const struct generation *gen, enum hook hook);
void generation_leave(const struct generation *gen);
void generation_run_resume(const struct generation *gen);
void generation_run_exit(struct generation *gen);

/* --- holders.c */

/*
 * Writes the first @room of those who hold @mod, and returns how many there
 * are: all kinds, modules that import from it only when @importers is set.
 */
size_t holders_find_locked(struct tn_module *mod, bool importers,
    struct tn_holder *out, size_t room) REQUIRES(registry_role);
/* Lists all who use @mod; short of memory, says how many. */
void holders_list(struct tn_module *mod, struct tn_diag *diag);

/* --- system.c */

/* As tn_symbol_get, with a reference of the engine's. */
int symbol_get(struct tn_system *sys, const char *name, struct tn_symbol *out)
    MUST_CHECK;

/* --- nearest.c */

/* The export whose name is most like @name, or NULL. Registry lock. */
const char *nearest_export(struct tn_system *sys, const char *name)
    REQUIRES(registry_role);

static inline LOCK_UNCHECKED void registry_lock(struct tn_system *sys)
    ACQUIRES(registry_role) EXCLUDES(ledger_role, param_role)
{
	sys->port->lock(sys->port->ctx);
}

static inline LOCK_UNCHECKED void registry_unlock(struct tn_system *sys)
    RELEASES(registry_role)
{
	sys->port->unlock(sys->port->ctx);
}

/*
 * For what only reads and calls the program meanwhile, which may fork: other
 * threads that fork do not wait for it.
 */
static inline LOCK_UNCHECKED void registry_lock_to_read(struct tn_system *sys)
    ACQUIRES(registry_role) EXCLUDES(ledger_role, param_role)
{
	registry_lock(sys);
	if (sys->port->rest != NULL)
		sys->port->rest(sys->port->ctx, true);
}

static inline LOCK_UNCHECKED void registry_unlock_read(struct tn_system *sys)
    RELEASES(registry_role)
{
	if (sys->port->rest != NULL)
		sys->port->rest(sys->port->ctx, false);
	registry_unlock(sys);
}

static inline LOCK_UNCHECKED void params_lock(struct tn_system *sys)
    ACQUIRES(param_role)
{
	mutex_take(sys->port, &sys->param_lock);
}

static inline LOCK_UNCHECKED void params_unlock(struct tn_system *sys)
    RELEASES(param_role)
{
	mutex_give(sys->port, &sys->param_lock);
}

static inline void *port_alloc(const struct tn_port *port, size_t size)
{
	return port->alloc(port->ctx, size);
}

static inline void port_free(const struct tn_port *port, void *p, size_t size)
{
	if (p != NULL)
		port->free(port->ctx, p, size);
}
