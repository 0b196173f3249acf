/* SPDX-License-Identifier: MIT */
/*
 * libtenon: the module engine in a Linux process. One include for users; the
 * functions that load, find, call and unload are in <tenon/engine.h>.
 *
 *	struct tn_system *sys;
 *	struct tn_module *mod;
 *	struct tn_load_args args = { .size = sizeof(args), .path = "a.ko" };
 *	struct tn_diag diag;
 *
 *	tn_diag_init(&diag);
 *	if (tn_open(NULL, &sys) == 0 && tn_load(sys, &args, &mod, &diag) != 0)
 *		... tn_diag_text(&diag, text, sizeof(text)) is the reason
 *
 * Rules that hold for every header of the library:
 *  - A function is safe to call from any thread, also one that the engine
 *    knows nothing of, unless it says otherwise; none needs a set-up.
 *  - It returns 0 or a negative enum tn_errno, and changes none of its results
 *    when it fails. errno is left in no particular state.
 *  - Objects are opaque and belong to the library; a string that it hands out
 *    lives as long as the object that it came from.
 *  - Sizes are bytes, times are nanoseconds.
 *  - Everything is there since 0.1, where nothing else is said.
 * What the process around it may do (fork, signals, dlclose, sandboxes, static
 * programs) is in docs/embedding.md.
 */
#pragma once

#include <tenon/crash.h>
#include <tenon/engine.h>
#include <tenon/graph.h>
#include <tenon/inspect.h>
#include <tenon/interfaces.h>
#include <tenon/ledger.h>
#include <tenon/param.h>
#include <tenon/pool.h>
#include <tenon/registry.h>
#include <tenon/slot.h>

#ifdef __cplusplus
/* A function is called as the struct that it tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

/* The release that these headers belong to; pkg-config says the same. */
#define TN_VERSION "0.1.0"

/*
 * The release of the library that is running: a constant string. A program may
 * run with a newer library than it was compiled with. Any context, signal
 * handlers included.
 */
const char *tn_version(void);

/* How an arena keeps text from being writable and executable at once. */
enum tn_host_mode {
	TN_HOST_AUTO, /* the best of those below that works here */
	TN_HOST_DUAL, /* memfd mapped twice: no system call per load */
	TN_HOST_FLIP, /* one private mapping, RW then RX by mprotect */
};

/* tn_host_config.flags */
#define TN_HOST_NO_HOST_SYMBOLS                                                \
	1u /* no process symbols for anybody: hosted
				      modules are refused */
#define TN_HOST_NO_MEMBARRIER                                                  \
	2u /* behave as where membarrier is banned: for a process that will
	      ban it; its threads, but those that have called before, have
	      fences from then on */
#define TN_HOST_STRICT 4u /* guard pages between modules */
/* For those who debug, see docs/debugging.md: */
#define TN_HOST_KEEP_SYMBOLS                                                   \
	8u /* names of all functions and the places of sections, in the
	      engine and for scripts/gdb */
#define TN_HOST_GDB_JIT  16u /* tell gdb about modules as they come */
#define TN_HOST_PERF_MAP 32u /* write /tmp/perf-PID.map for perf */

/* What an engine is to be; zeroed but for size and abi it is the default. */
struct tn_host_config {
	uint32_t size; /* sizeof(struct tn_host_config) */
	uint32_t abi;  /* 1 */
	enum tn_host_mode mode;
	unsigned flags;       /* TN_HOST_* */
	size_t keep_warm;     /* bytes of free image memory kept mapped;
				0: the default of 64 MiB */
	size_t unpack_limit;  /* largest file in bytes, read or unpacked;
				0: 1 GiB */
	tn_verify_fn *verify; /* see tn_verify_fn; or NULL */
	void *verify_arg;     /* its first argument */
	const struct tn_listener *listeners; /* told of modules */
	size_t nlisteners;
	uint64_t wait_ns; /* how long a load waits for a module that another
				thread is loading; 0: 30 s */
};

/*
 * Opens an engine over this process and stores it in *@out; tn_close ends it.
 * @config may be NULL, and is not needed after the call. Several engines may
 * be open; they know nothing of each other.
 *
 * A process should open its first engine before it starts threads: preparing
 * membarrier costs nothing then, and some milliseconds later. With TN_HOST_AUTO
 * what works here is tried at the first load, so a sandbox may be entered
 * between the two. Sleeps. Not in signal handlers.
 *
 * -TN_EINVAL: @config is of another size or abi, or has unknown bits;
 * -TN_ENOMEM; -TN_EOPNOTSUPP: the mode asked for does not work here.
 */
int tn_open(const struct tn_host_config *config, struct tn_system **out);

/*
 * Closes it: no other thread uses @sys any more, and it is invalid after 0.
 * -TN_EBUSY: a module is loaded, and nothing has changed; -TN_EINVAL: @sys is
 * not open. Sleeps. Not in signal handlers.
 */
int tn_close(struct tn_system *sys);

/*
 * The mode in use, for reports; TN_HOST_AUTO when @sys is not open, or no mode
 * works here. Tries what works if nothing has been loaded yet. Sleeps.
 */
enum tn_host_mode tn_host_mode(struct tn_system *sys);

/*
 * Makes a manager of slots over this process, as tn_slots_create does, and
 * stores it in *@out; tn_slots_shutdown ends it. Its table is the process's, so
 * @config->table is NULL; with TN_SLOTS_IMPORTS and no exports modules may
 * import the guaranteed symbols; a seed of 0 is replaced by a secret one. A
 * caller's pool is private memory of the process, mapped for reading and
 * writing. After fork the child calls what is loaded, as its parent. Sleeps.
 *
 * The errors of tn_slots_create: -TN_EINVAL, -TN_ERANGE, -TN_ENOMEM.
 */
int tn_slots_open(const struct tn_slots_config *config, struct tn_slots **out);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
