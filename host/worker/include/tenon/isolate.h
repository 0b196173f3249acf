/* SPDX-License-Identifier: MIT */
/*
 * Modules in processes of their own: the trust level between native code and
 * bytecode (docs/isolation.md).
 *
 *	const struct tn_isolation *isolation;
 *
 *	if (tn_isolate_open(NULL, &isolation) == 0)
 *		... make a slot manager that uses it (<tenon/slot.h>)
 *
 * The module of each slot that is loaded with it runs in a *worker*: a process
 * with nothing in it but that module, which may make no system call, sees no
 * file and no memory of this process, and is called through a page that both
 * share. A fault, a forbidden system call or a call that takes too long ends
 * the worker and nothing else: the call returns an error that says which, and a
 * report has the details.
 *
 * Linux only. The rules of <tenon/tenon.h> hold here too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
/* A function is called as the struct that it tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

struct tn_isolation; /* <tenon/isolation.h> */

/* Why a worker runs no more. Appended to only. */
enum tn_isolate_end {
	TN_ISOLATE_RUNS,    /* it does */
	TN_ISOLATE_FAULT,   /* signal, code, addr, pc, symbol, offset */
	TN_ISOLATE_REFUSED, /* a system call: call, pc, symbol, offset */
	TN_ISOLATE_TIMEOUT, /* a call took longer than it may */
	TN_ISOLATE_KILLED,  /* the slot manager was told to */
	TN_ISOLATE_EXITED,  /* the module called exit: status */
	TN_ISOLATE_DIED,    /* somebody or the system ended the process */
	TN_ISOLATE_BROKEN,  /* it wrote what no worker writes */
	TN_ISOLATE_UNBORN,  /* it could not be started: step, status (errno) */
	TN_ISOLATE_CLOSED,  /* unloaded: status is what its exit returned */
	TN_ISOLATE_ENDS
};

/*
 * What has happened, as data. Numbers come from the worker where they can come
 * from nowhere else: a hostile module may lie in signal, code, addr and pc, but
 * error and end are this process's own judgement.
 */
struct tn_isolate_report {
	enum tn_isolate_end end;
	int error;         /* what calls answer */
	int signal, code;  /* as in siginfo_t */
	uint64_t addr, pc; /* in the worker */
	char symbol[64];   /* of the module, before pc; or "" */
	uint64_t offset;   /* of pc, from symbol */
	char entry[64];    /* the function that was called; or "" */
	int64_t call;      /* number of the system call */
	int64_t status;
	const char *step; /* a constant; or NULL */
	int64_t process;  /* id of the worker, 0: it never was */
};

/* tn_isolate_config.flags */
#define TN_ISOLATE_UNFILTERED                                                  \
	1u /* run also where the system has no filters (emulators): the module
	      then lives in a process of its own, but may make system calls */
#define TN_ISOLATE_NO_SPIN 2u /* always sleep while waiting */

struct tn_isolate_config {
	uint32_t size; /* sizeof(struct tn_isolate_config) */
	uint32_t abi;  /* 1 */
	uint32_t flags;
	/*
	 * Both sides wait actively for at most so long, and less as long as
	 * that does not help, before they sleep. 0: 20 microseconds; at most
	 * a millisecond. On a single processor nobody waits actively.
	 */
	uint32_t spin_ns;
	/*
	 * For a process to come up, and as long again for the init of a
	 * module whose manager sets no time limit. 0: 30 s.
	 */
	uint64_t start_ns;
	size_t heap_size;   /* for the module's alloc; 0: 1 MiB */
	size_t stack_size;  /* 0: 256 KiB; at least 64 KiB */
	size_t buffer_size; /* see tn_isolate_buffer; 0: 64 KiB */
	/*
	 * The program of the workers, where programs in memory may not be
	 * executed (memfd): the words of a command, {"/usr/libexec/tenon/worker",
	 * NULL}. NULL: the one inside of the library.
	 */
	const char *const *helper;
	/*
	 * What modules log and write; NULL: it is dropped. @text ends with a
	 * NUL, which @n does not count. write returns how much it took or a
	 * negative error. The thread that calls the module runs them, inside
	 * of its call: they may not call that module.
	 */
	void (*log)(void *arg, uint32_t slot, int level, const char *text);
	int64_t (*write)(void *arg, uint32_t slot, const char *text, size_t n);
	/*
	 * A worker has ended otherwise than by an unload. Called once, by a
	 * thread that has noticed, before its call returns; no lock of this
	 * component is held. May call the slot manager with another slot.
	 */
	void (*ended)(
	    void *arg, uint32_t slot, const struct tn_isolate_report *report);
	void *arg;
};

/*
 * Makes *@out, to be handed to slot managers. @config may be NULL and is not
 * needed afterwards, but the helper's words are. -TN_EINVAL: @config is of
 * another size or abi, has unknown bits or sizes beyond 256 MiB; -TN_ENOMEM.
 * Does not sleep. Processes are made when slots are loaded, not here.
 */
int tn_isolate_open(
    const struct tn_isolate_config *config, const struct tn_isolation **out);

/*
 * Frees it. -TN_EBUSY: a slot is loaded with it or is just being, and nothing
 * has changed.
 */
int tn_isolate_close(const struct tn_isolation *isolation);

/*
 * How the worker of @slot is, or how the last one ended that it had. If several
 * managers use @isolation: of those slots with that number the one that has a
 * worker, and of several the one loaded last. -TN_ENOENT: it has had none.
 */
int tn_isolate_report(const struct tn_isolation *isolation, uint32_t slot,
    struct tn_isolate_report *out);

/* Memory that a module shares with this process. */
struct tn_isolate_buffer {
	void *host;      /* where it is here */
	uint64_t module; /* where it is in the worker: an argument for calls */
	size_t size;
};

/*
 * The buffer of the worker of @slot, as of tn_isolate_report, until that is
 * unloaded. The module may
 * change it at any time, also while nobody calls it: copy first, then check.
 * -TN_ENOENT: the slot has no worker.
 */
int tn_isolate_buffer(const struct tn_isolation *isolation, uint32_t slot,
    struct tn_isolate_buffer *out);

/*
 * One sentence of @report into @buf, NUL-terminated when @cap is not 0; returns
 * the length of the whole. Any context.
 */
size_t tn_isolate_text(
    const struct tn_isolate_report *report, char *buf, size_t cap);

/* "fault", "timeout", ...: stable names for programs. Any context. */
const char *tn_isolate_end_name(enum tn_isolate_end end);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
