/* SPDX-License-Identifier: MIT */
/*
 * What is loaded, and what it says of itself: questions to the registry.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/engine.h>
#include <tenon/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What MODULE_FLAGS may name. ESSENTIAL: it is unloaded by force only.
 * EXPERIMENTAL and DEPRECATED: a load of it is noted in the log. The others are
 * for those who look for modules of a kind.
 */
#define TN_MODULE_ESSENTIAL      (1u << 0)
#define TN_MODULE_HOT_RELOADABLE (1u << 1)
#define TN_MODULE_USERSPACE      (1u << 2)
#define TN_MODULE_KERNEL_SPACE   (1u << 3)
#define TN_MODULE_DRIVER         (1u << 4)
#define TN_MODULE_FILESYSTEM     (1u << 5)
#define TN_MODULE_SCHEDULER      (1u << 6)
#define TN_MODULE_ALLOCATOR      (1u << 7)
#define TN_MODULE_SECURITY       (1u << 8)
#define TN_MODULE_EXPERIMENTAL   (1u << 9)
#define TN_MODULE_DEPRECATED     (1u << 10)

/* "essential", "hot_reloadable", ...; @flag is one bit. NULL: no such flag. */
const char *tn_module_flag_name(uint32_t flag);
/* The bit of the flag of this name and length, or 0. */
uint32_t tn_module_flag(const char *name, size_t length);

struct tn_metadata {
	uint64_t id; /* not 0; never given to another module of the system */
	const char *name;
	const char *version;     /* or "" */
	struct tn_version parts; /* of it */
	const char *description; /* or "" */
	const char *author;      /* the first; or "" */
	const char *license;     /* the first; or "" */
	uint32_t flags;          /* TN_MODULE_* */
};

/*
 * Fills @out; the strings live as long as @mod is loaded. Caller holds a
 * reference, or is a callback of tn_module_each or tn_module_query. Does not
 * block. -TN_ENOENT: it is not loaded.
 */
int tn_module_metadata(struct tn_module *mod, struct tn_metadata *out);

/* What all of it must hold; zero or NULL asks nothing. */
struct tn_query {
	uint64_t id;
	const char *name;
	const char *provides; /* see MODULE_PROVIDES, MODULE_ALIAS */
	uint32_t flags;       /* all of them */
};

/*
 * Calls @fn for every loaded module that fits @query, in load order under the
 * registry lock, until it returns non-zero, and returns that; as
 * tn_module_each. Sleeps.
 */
int tn_module_query(struct tn_system *sys, const struct tn_query *query,
    int (*fn)(void *arg, struct tn_module *mod), void *arg);

/* Does @mod say that it provides @what? As tn_module_metadata. */
bool tn_module_provides(struct tn_module *mod, const char *what);

/*
 * The modules that import from @mod or have declared to need it, in load
 * order; as tn_module_each. (The other way round: tn_module_providers.)
 */
int tn_module_dependents(struct tn_module *mod,
    int (*fn)(void *arg, struct tn_module *dependent), void *arg);

/* --- walking, and calling by name */

/*
 * The first and the last running module in load order, with a reference that
 * the caller puts; NULL: there is none, or no memory for it. Sleeps.
 */
struct tn_module *tn_module_first(struct tn_system *sys);
struct tn_module *tn_module_last(struct tn_system *sys);

/*
 * The running module behind @mod, with a reference, or NULL at the end, and
 * when @mod has been unloaded by force; puts the caller's reference on @mod.
 * What is loaded meanwhile comes at the end. Sleeps.
 */
struct tn_module *tn_module_next(struct tn_module *mod);

/*
 * Calls the function @symbol of @mod, an export or a dynamic symbol, with four
 * integers; *@ret is what it returns. @mod stays loaded meanwhile, whatever
 * force is used. The caller answers for its type. -TN_ENOENT: not running, or
 * no such symbol. May do what the function does.
 */
int tn_module_call4(struct tn_module *mod, const char *symbol,
    const uint64_t args[4], uint64_t *ret);

#ifdef __cplusplus
}
#endif
