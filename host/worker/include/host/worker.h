/* SPDX-License-Identifier: MIT */
/*
 * Workers: processes that run one module each and are called through a page
 * that they share with this one. What they are like for users is described in
 * <tenon/isolate.h>, the contract of the calls in <tenon/isolation.h>.
 *
 * Functions may sleep and hold no lock of the engine. One call of a worker is
 * served at a time; others wait for their turn.
 */
#pragma once

#include <base/compiler.h>
#include <tenon/engine.h>
#include <tenon/isolate.h>

struct worker;

struct worker_load {
	const struct tn_isolate_config *config; /* complete; lives on */
	uint32_t slot;
	const void *blob; /* 8-byte aligned */
	size_t size;
	const char *name;
	uint32_t flags; /* TN_LOAD_* */
	/* What it may import, by name. */
	const struct tn_export *exports;
	size_t nexports;
	uint64_t timeout_ns; /* for the module's init; 0: config's start_ns */
	const uint8_t *stop; /* see tn_isolation_load; or NULL */
};

/* What has been counted of a worker's way into the world, for tests. */
struct worker_steps {
	unsigned made;    /* system calls that may fail */
	unsigned fail_at; /* the one that does; 0: none */
};

/*
 * Starts a process, links the module against its symbols, hands it over and
 * runs its constructors and init. On failure nothing is left, @report says why
 * when a process was the reason, and @diag, which is not NULL, in any case; it
 * owns nothing then. @steps may be NULL.
 */
MUST_CHECK int worker_open(const struct worker_load *load, struct worker **out,
    struct tn_isolate_report *report, struct tn_diag *diag,
    struct worker_steps *steps);

/*
 * Its exit and destructors may take @ns, less than a second or the time limit
 * of its load, which hold in any case.
 */
void worker_limit_exit(struct worker *w, uint64_t ns);

/* Runs the module's exit and destructors, if it lives, and ends the process. */
void worker_close(struct worker *w, struct tn_isolate_report *report);

/* -TN_ENOENT. */
MUST_CHECK int worker_lookup(
    const struct worker *w, const char *symbol, uint64_t *function);

/* @timeout_ns: 0: none. -TN_EDEADLK: this thread is inside of such a call. */
MUST_CHECK int worker_call(struct worker *w, uint64_t function,
    const int64_t args[4], uint64_t timeout_ns, int64_t *ret);

/* Any thread; does not wait. */
void worker_kill(struct worker *w);

/* 0 while it runs, else what calls answer. Does not sleep. */
int worker_status(const struct worker *w);

struct worker_info {
	char name[TN_MODULE_NAME_MAX];
	uint64_t base;
	size_t bytes;
	struct tn_timing timing;
	struct tn_isolate_buffer buffer;
};

void worker_info(const struct worker *w, struct worker_info *out);
void worker_report(struct worker *w, struct tn_isolate_report *out);

/* The program that is inside of the library. */
extern const uint8_t worker_program[], worker_program_end[];
