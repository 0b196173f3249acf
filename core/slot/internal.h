/* SPDX-License-Identifier: MIT */
/*
 * Slot managers inside: the table, and a loaded module behind a slot.
 *
 *	table: [ struct tn_slots | slot 0 | slot 1 ... | closing 0 | 1 ... ]
 *	slot in a caller's pool: [ blob | pad to a page | tn_pool: image, engine ]
 *
 * The mutex of the table is the lock of the world's port. It protects
 *   1. all of a slot but its target and the address of its entry,
 *   2. tn_slots.ending,
 *   3. the bytes of a slot that is EMPTY or REGISTERED.
 * A slot that is LOADING or UNLOADING, with its bytes, belongs to the thread
 * that has made it so. What it leads to (native, worker) is set before its
 * target opens, and taken away after it is closed: who has a reference or a
 * handle reads that without the mutex.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/span.h>
#include <elf/names.h>
#include <gate/close.h>
#include <lkmod/lkmod.h>
#include <tenon/slot.h>

/* A module in this process. */
struct native {
	struct tn_slots *slots;
	uint32_t slot;
	struct tn_pool *pool;       /* NULL: the port's memory */
	const struct tn_port *port; /* its memory: the pool's or the world's */
	struct tn_system *sys;      /* its own, with this one module */
	struct tn_module *mod;
	/* of a shared object, in the slot's blob, which stays as it is; empty
	   for an object, which the engine has in its index */
	struct elf_names names;
	struct elf_file file;
	uint64_t base, entry;     /* what st_value counts from; e_entry */
	uint64_t text, text_size; /* of an object's image */
	struct lkmod_api api;     /* unless the embedder has one */
	bool is_lkmod;
	void *lkmod_handle;
	uint64_t lkmod_init_ns;
};

struct slot {
	uint64_t entry; /* atomic; address of the entry symbol, 0: ask */
	/* mutex, or a reference or handle: */
	struct native *native;
	void *worker;
	/* mutex: */
	size_t blob_size;
	uint8_t state; /* enum tn_slot_state */
	uint8_t flags; /* TN_SLOT_ISOLATED */
	uint8_t stop;  /* atomic; its load is to end: tn_slot_kill */
	char entry_name[TN_SLOT_SYMBOL_MAX];
	struct tn_gate_target target; /* calls and handles */
};

/* Stated: at most 128 bytes of table for a slot. */
_Static_assert(sizeof(struct slot) + sizeof(struct gate_closing) <= 128,
    "the table is as small as it is stated to be");

struct tn_slots {
	const struct tn_port *port;
	const struct tn_pool_world *world;
	struct tn_slots_config config; /* with the final slot_count */
	struct tn_port base; /* of the pools of slots: unpacks nothing */
	uint8_t *pool;       /* its first slot */
	size_t stride;       /* from slot to slot, so that each is aligned */
	bool is_fixed;       /* the pool is the caller's */
	void *table;         /* where the port has given it, else NULL */
	bool is_kept;        /* the table stays while there are handles */
	struct slot *slot;
	struct gate_closing *closing; /* of who ends the manager */
	bool ending;                  /* mutex */
	uint32_t keepers; /* atomic: the embedder, and handles that keep it */
};

/* The mutex (slots.c): functions, for the sake of size. */
void slots_lock(const struct tn_slots *m);
void slots_unlock(const struct tn_slots *m);

/* Slot @i, or NULL. */
static inline struct slot *slot_at(const struct tn_slots *m, uint32_t i)
{
	return i < m->config.slot_count ? &m->slot[i] : NULL;
}

static inline uint32_t slot_number(
    const struct tn_slots *m, const struct slot *s)
{
	return (uint32_t)(s - m->slot);
}

static inline uint8_t *slot_bytes(const struct tn_slots *m, uint32_t i)
{
	return m->pool + (size_t)i * m->stride;
}

static inline bool slot_is_isolated(const struct slot *s)
{
	return (s->flags & TN_SLOT_ISOLATED) != 0;
}

/* What it leads to, in the fields of @info for that. (info.c) */
void slot_fill_locked(
    const struct tn_slots *m, const struct slot *s, struct tn_slot_info *info);

/* "slotN", in @name. */
const char *slot_name(uint32_t slot, char name[TN_MODULE_NAME_MAX]);

/* --- the life of a manager (slots.c) */

void slots_keep(struct tn_slots *m);
/* The last one frees it. */
void slots_drop(struct tn_slots *m);

/* --- failures (fail.c) */

/* Does @step with a record of failure in any case: @diag may be NULL. */
int slots_explain(struct tn_slots *m, uint32_t slot, struct tn_diag *diag,
    int (*step)(struct tn_slots *m, uint32_t slot, struct tn_diag *diag));

int slot_fail(struct tn_diag *diag, uint32_t slot, enum tn_errno err,
    enum tn_reason reason);
/* Its state forbids it: NOT_FOUND, ALREADY_EXISTS or BUSY. */
int slot_fail_state(struct tn_diag *diag, uint32_t slot, enum tn_errno err,
    enum tn_slot_state state);
/* It is pinned: says by whom. */
int slot_fail_busy(
    struct tn_slots *m, const struct slot *s, struct tn_diag *diag);

/* --- modules in this process (native.c) */

/* Loads the blob of slot @i, which is LOADING. */
int native_open(struct tn_slots *m, uint32_t i, struct native **out,
    struct tn_diag *diag) MUST_CHECK;
/*
 * Asks the engine to let it go: nobody else may get at it then. What it says
 * no to has changed nothing.
 */
int native_suspend(struct native *n, struct tn_diag *diag) MUST_CHECK;
/* Takes that back. */
void native_resume(struct native *n);
/*
 * Runs lkmod_exit and unloads it. Suspended, with nobody inside. Other than 0:
 * it stays, as it was but for its exit, if that has run.
 */
int native_leave(struct native *n, struct tn_diag *diag) MUST_CHECK;
/* Frees the rest of one that is unloaded. */
void native_free(struct native *n);
/* -TN_ENOENT. Of who keeps it from being closed. */
int native_function(const struct native *n, const char *symbol, uint64_t *addr)
    MUST_CHECK;
/* Fills in what @info has of a loaded module. */
void native_info(const struct native *n, struct tn_slot_info *info);

/* --- the table of lkmod modules (api.c) */

/* The embedder's, or the one of @n, filled. */
const struct lkmod_api *api_open(struct native *n);

/* --- slots (slot.c) */

/* How the engine, here or in a worker, is to load. TN_LOAD_*. */
uint32_t slots_load_flags(const struct tn_slots *m);

/*
 * Makes all LOADED slots, or those of them that are isolated, UNLOADING, and @c
 * their targets; returns how many. @c has room for all slots.
 */
uint32_t slots_claim_locked(
    struct tn_slots *m, struct gate_closing *c, bool isolated);

/* Unloads these @n slots, or none. They are UNLOADING, and so the caller's. */
int slots_unload(struct tn_slots *m, struct gate_closing *c, uint32_t n,
    struct tn_diag *diag) MUST_CHECK;
