/* SPDX-License-Identifier: MIT */
/*
 * Isolated modules: what a slot manager asks of whoever runs a slot's module
 * somewhere else, where its faults end nothing but itself: in a process of its
 * own, or in an address space of its own in a kernel.
 *
 * A world fills one struct tn_isolation and hands it to tn_slots_create. A
 * *worker* is one loaded module in its place. To the users of a slot it looks
 * as any other module: four integers go in, one comes out.
 *
 * Functions return 0 or a negative enum tn_errno and write results only when
 * they succeed. All but info may sleep and are called without a lock of the
 * manager.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/diag.h>
#include <tenon/engine.h>
#include <tenon/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a worker is to load. Valid until open returns, but ctx and exports. */
struct tn_isolation_load {
	uint32_t size;       /* sizeof(struct tn_isolation_load) */
	uint32_t slot;       /* for messages */
	const void *blob;    /* ET_DYN or ET_REL; 8-byte aligned */
	size_t blob_size;    /* in bytes */
	const char *name;    /* of the module, if the file states none */
	uint32_t load_flags; /* TN_LOAD_*, as tn_load takes them */
	/* Symbols that it may import; none when nexports is 0. The addresses
	   are the manager's: a worker elsewhere goes by the names. */
	const struct tn_export *exports;
	size_t nexports;
	uint64_t timeout_ns; /* for loading and init; UINT64_MAX: without end */
	/* Atomic; not 0 from some time on: the worker is to be ended, as by
	   kill, and open fails with -TN_EOWNERDEAD. */
	const uint8_t *stop;
};

/* One call. */
struct tn_isolation_call {
	uint64_t function;   /* in: as lookup has told */
	int64_t args[4];     /* in */
	int64_t ret;         /* out: what the function returned */
	uint64_t timeout_ns; /* in: how long it may take; 0: without end */
};

/* How a worker is. */
struct tn_isolation_info {
	/*
	 * 0: it lives. -TN_EFAULT: its module has faulted; -TN_ETIMEDOUT: a call
	 * took longer than it may; -TN_EOWNERDEAD: it was killed or has ended
	 * by itself. Once it is not 0 it stays what it is.
	 */
	int status;
	char name[TN_MODULE_NAME_MAX]; /* of the module */
	uint64_t base;                 /* where its image is, over there */
	size_t bytes;                  /* of the image */
	int64_t id;                    /* of the worker: a process id */
	struct tn_timing timing;       /* of the load */
};

struct tn_isolation {
	uint32_t size; /* sizeof(struct tn_isolation) */
	uint32_t abi;  /* 1 */
	void *ctx;     /* first argument of open */

	/*
	 * Makes a worker, loads the module in it and runs its init: the hooks
	 * of the engine, then lkmod_init (<lkmod/lkmod.h>) where there is one.
	 * On failure nothing is left. @diag is not NULL and holds, after a
	 * failure, nothing that must be freed.
	 *
	 * The errors of tn_load; what init returned; the errors of call, when
	 * loading or init ended in that way; -TN_ENOMEM, -TN_EAGAIN: no worker
	 * to be had.
	 */
	int (*open)(void *ctx, const struct tn_isolation_load *load,
	    void **worker, struct tn_diag *diag);

	/*
	 * Ends the worker, whatever its status: the module's exit is run when it
	 * lives, has a bounded time, and cannot refuse. Nobody is inside of a function of
	 * this worker, and nobody will be.
	 */
	void (*close)(void *worker);

	/*
	 * Finds a function of the module by name; *@function is for call, is
	 * not 0 and stays what it is until close. Must not wait for code of
	 * the module. -TN_ENOENT: no such function; the worker's status.
	 */
	int (*lookup)(void *worker, const char *symbol, uint64_t *function);

	/*
	 * Calls it, waits for its end, and sets call->ret. Several threads may
	 * call at once; whether one waits for the other is the world's choice,
	 * and the time limit counts from the call's turn on.
	 *
	 * -TN_EFAULT: the module's code has faulted (bad access, illegal
	 * instruction, a system call that it may not make); -TN_ETIMEDOUT: it
	 * took longer than call->timeout_ns; -TN_EOWNERDEAD: the worker was
	 * killed or has ended by itself. In all three the worker is gone: every
	 * later call answers the same at once, until close.
	 */
	int (*call)(void *worker, struct tn_isolation_call *call);

	/*
	 * Ends what runs in the worker at once; calls inside answer
	 * -TN_EOWNERDEAD. It must still be closed, which nobody does until kill
	 * returns. May tell the embedder, who may use the manager.
	 */
	void (*kill)(void *worker);

	/* Fills @info. Does not sleep: the mutex of the manager may be held. */
	void (*info)(void *worker, struct tn_isolation_info *info);
};

#ifdef __cplusplus
}
#endif
