/* SPDX-License-Identifier: MIT */
/*
 * The ledger: what each module holds, so that it can be shown and taken back.
 *
 * Every resource that a module gets through the engine is one entry: a class,
 * the module, a number that is never used again, and the place in the code
 * that asked for it. Classes make an open table; the engine's own are timers,
 * work items, threads, callbacks, references (one entry for each module that
 * is held, however often) and memory. A world adds its own with
 * tn_ledger_class_add and charges what it gives to modules with
 * tn_ledger_add.
 *
 * What a module has not given back when its init has failed or its exit has
 * run is revoked: its interfaces and bonds, then classes in their order, within
 * a class the newest first, then its handles.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tenon/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lives inside the resource; its fields are the ledger's. */
struct tn_ledger_entry {
	struct tn_ledger_entry *next, **link; /* of its module, newest first */
	struct tn_ledger_entry *chain;        /* with the same hash of the id */
	const struct tn_ledger_class *type;
	void *owner; /* the loaded image of the module */
	uint64_t id;
	const void *site; /* code that asked for it, or NULL */
};

/* When a class is revoked; a class of the world takes a free number. */
#define TN_LEDGER_TIMER     100u
#define TN_LEDGER_WORK      200u
#define TN_LEDGER_THREAD    300u
#define TN_LEDGER_CALLBACK  400u
#define TN_LEDGER_REFERENCE 500u
#define TN_LEDGER_MEMORY    1000u

struct tn_ledger_class {
	uint32_t size; /* sizeof(struct tn_ledger_class) */
	uint32_t abi;  /* 1 */
	const char *name;
	uint32_t order; /* smaller ones are revoked first; each only once */
	/*
	 * Stops the resource: nothing new begins with it. Under the ledger's
	 * lock, where it may neither sleep nor call the engine. Or NULL.
	 */
	void (*detach)(struct tn_ledger_entry *entry);
	/*
	 * The entry has left the ledger: waits for what still uses the
	 * resource, and frees it. Without a lock; may sleep.
	 */
	void (*revoke)(struct tn_ledger_entry *entry);
	/*
	 * Writes what a person wants to know, with a NUL, as snprintf does. As
	 * detach. Or NULL.
	 */
	void (*describe)(
	    const struct tn_ledger_entry *entry, char *text, size_t cap);
};

/*
 * Adds a class, which must outlive @sys; once more does no harm. -TN_EINVAL: no
 * such table, or no revoke; -TN_EEXIST: another class, or one of the
 * engine's, has its order; -TN_ENOSPC: 16 are there. Sleeps.
 */
int tn_ledger_class_add(
    struct tn_system *sys, const struct tn_ledger_class *type);

/*
 * Charges the resource around @entry to @mod and gives it the next number,
 * entry->id. The caller holds a reference or is code of the module.
 * -TN_EINVAL: the class is not of this system; -TN_ESTALE: the module is not
 * loaded, or its ledger is being revoked. Sleeps.
 */
int tn_ledger_add(struct tn_module *mod, const struct tn_ledger_class *type,
    struct tn_ledger_entry *entry, const void *site);

/*
 * Gives the resource @id of @mod back: detach, then revoke. -TN_ESTALE: there
 * is none of this class and number (any more); -TN_EPERM: it is another
 * module's. Sleeps.
 */
int tn_ledger_drop(
    struct tn_module *mod, const struct tn_ledger_class *type, uint64_t id);

/*
 * Memory that is charged to @mod, as module_alloc of <tenon/resource.h>:
 * cleared, aligned for any type, or NULL. The caller holds a reference or is
 * code of the module. Sleeps.
 */
void *tn_module_alloc(struct tn_module *mod, size_t size, const void *site);

/*
 * Gives it back; NULL is fine. -TN_ESTALE: it is not allocated (any more);
 * -TN_EPERM: it is another module's; both are in the log. Sleeps.
 */
int tn_module_free(struct tn_module *mod, const void *p);

struct tn_ledger_item {
	/* the class's name; or "interface", "bond", "handle", "export" or
	   "import" */
	const char *type;
	const char *text; /* about this one; valid during the call */
	uint64_t id;      /* of an entry, else 0 */
	/* the code that asked for an entry, a bond or a handle, or NULL */
	const void *site;
	bool in_init; /* that was its init, which is gone: @site is NULL */
};

/*
 * Calls @fn for everything that @mod holds until it returns non-zero, and
 * returns that: its entries, newest first, the interfaces that it provides, its
 * bonds and handles, its exports, and the modules that it imports from. All is
 * shown under locks: of the engine @fn may call nothing that sleeps. Sleeps.
 */
int tn_ledger_each(struct tn_module *mod,
    int (*fn)(void *arg, const struct tn_ledger_item *item), void *arg);

/* Number of entries of @mod; of one class when @type is not NULL. Sleeps. */
size_t tn_ledger_count(
    struct tn_module *mod, const struct tn_ledger_class *type);

/*
 * Tells every callback that a module has registered for @event (notifier_block
 * of <tenon/resource.h>), oldest first, and returns how many were called: those
 * of a module that is stopped, or of an interface that nobody provides, are not.
 * Events are numbers of the world's choice. Sleeps when a callback does; not
 * under a lock.
 */
unsigned tn_notify(struct tn_system *sys, uint32_t event);

#ifdef __cplusplus
}
#endif
