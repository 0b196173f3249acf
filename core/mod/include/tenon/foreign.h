/* SPDX-License-Identifier: MIT */
/*
 * Modules of another shape: files whose way in is a table of their own instead
 * of module_init and module_exit, and shared objects that the system's dynamic
 * linker maps instead of the engine. To the engine they are modules like any
 * other: they have a name, states, references, dependencies and parameters,
 * stand in every list, and their code is found by tn_symbolize.
 *
 * The caller brings a struct tn_foreign, which says how such a file is taken;
 * <tenon/plugin.h> is made of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A load of which a function of struct tn_foreign is a part. */
struct tn_foreign_load;

/* Where the image of a shared object is. */
struct tn_foreign_image {
	uint64_t base;  /* what the addresses in the file count from */
	uint64_t table; /* address of the symbol; 0: there is none */
};

/*
 * How a file is taken. The struct stays as it is from the call of
 * tn_load_foreign until gone has been called, or until the call has failed.
 * All functions run in the thread that loads or unloads, without a lock of the
 * engine, and may sleep. They get @ctx.
 */
struct tn_foreign {
	uint32_t size; /* sizeof(struct tn_foreign) */
	uint32_t abi;  /* 1 */
	void *ctx;
	const char *symbol;  /* the table, "plugin_ops" */
	uint64_t table_size; /* which is an object of so many bytes or more */
	/*
	 * Maps a shared object (ET_DYN), whose bytes the engine has read and
	 * verified, and runs its constructors. Returns 0 or a negative error,
	 * then with tn_foreign_fail. After 0, and only then, gone is called.
	 */
	int (*map)(void *ctx, struct tn_foreign_load *load, const void *data,
	    size_t size, struct tn_foreign_image *out);
	/*
	 * The image is complete; @mod is its module and @table the address of
	 * the symbol. An object (ET_REL) has not run anything yet. 0 or a
	 * negative error, then with tn_foreign_fail.
	 */
	int (*take)(void *ctx, struct tn_foreign_load *load,
	    struct tn_module *mod, void *table);
	/* As module_init and module_exit. */
	int (*init)(void *ctx);
	void (*exit)(void *ctx);
	/*
	 * Nobody runs or looks at the image any more: the place to unmap it. Of
	 * an object of the engine's it is called too, when a load has got as
	 * far as take.
	 */
	void (*gone)(void *ctx);
};

/*
 * Loads the file of @args as @foreign says; else as tn_load. An object (ET_REL)
 * is linked by the engine and must not have module_init or module_exit beside
 * the table. A module that a DT_NEEDED names is a provider. Sleeps. Since 0.1.
 * Errors as tn_load; -TN_EINVAL: @foreign is of another size or abi;
 * -TN_ENOEXEC: the file has no such table; -TN_EOPNOTSUPP: what it has under
 * that name is none. (Of what map maps it looks only whether so many bytes are
 * there.)
 */
int tn_load_foreign(struct tn_system *sys, const struct tn_load_args *args,
    const struct tn_foreign *foreign, struct tn_module **out,
    struct tn_diag *diag);

/*
 * References on such a module for those who count them by themselves: no
 * holder is known of them, so that each costs one atomic operation. False: it
 * is not running. A get waits as tn_module_get does.
 */
bool tn_foreign_get(struct tn_module *mod);
void tn_foreign_put(struct tn_module *mod);

/*
 * Of a function of struct tn_foreign: fails the load with @error, a negative
 * enum tn_errno that is returned, for @reason with its @other.
 */
int tn_foreign_fail(struct tn_foreign_load *load, int error,
    enum tn_reason reason, const char *other);
/* The load has succeeded, but this is to be known: log and diagnosis. */
void tn_foreign_note(struct tn_foreign_load *load, const char *text);
/*
 * Of map: the image needs @provider, which cannot be unloaded before it. Waits
 * for it when it is being loaded. Errors as of a dependency of tn_load.
 */
int tn_foreign_needs(struct tn_foreign_load *load, struct tn_module *provider);

#ifdef __cplusplus
}
#endif
