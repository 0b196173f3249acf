/* SPDX-License-Identifier: MIT */
/*
 * Files without a name, and processes that nobody in this program notices.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <host/worker.h>

/* What a worker is born with, and at which step that failed. */
struct birth {
	struct worker_steps *steps; /* not NULL */
	const char *step;           /* the last one, by name */
	int os_error;               /* errno of it */
};

/* Notes the step; false when it is the one that a test wants to fail. */
bool birth_step(struct birth *b, const char *step);
/* Keeps errno and makes our error of it. */
int birth_failed(struct birth *b);

/*
 * An open file in memory of @size bytes, below no standard descriptor:
 * memfd_create, or where that is forbidden a nameless file in /dev/shm or /tmp.
 */
MUST_CHECK int birth_file(struct birth *b, size_t size, int *fd);

/* Two ends of a stream. */
MUST_CHECK int birth_lifeline(struct birth *b, int ends[2]);

/*
 * Starts a worker's program with @file and @lifeline as its first descriptors:
 * the one in the library, or that of @helper. The process is no child of this
 * one: no wait of this program sees it, no SIGCHLD comes from it.
 */
MUST_CHECK int birth_process(
    struct birth *b, int file, int lifeline, const char *const *helper);

/* Takes what is left of process @pid if it became ours nevertheless. */
void birth_reap(int64_t pid);
