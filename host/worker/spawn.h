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

/*
 * A worker as the system knows it. The descriptor tells of its end whoever else
 * has a copy of the lifeline; -1: the system has none such (before Linux 5.3).
 */
struct process {
	int64_t pid; /* 0: there is none */
	int fd;
};

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
 * one, unless orphans become its children: process_release takes it then.
 * @out is set in any case: also a process that could not execute leaves a trace.
 */
MUST_CHECK int birth_process(struct birth *b, const int ends[2],
    const char *const *helper, struct process *out);

/* SIGKILL, if there is a descriptor. Does not wait. */
void process_kill(const struct process *p);

/*
 * Waits until the process, which has been told to end, is gone, and takes what
 * is left of it if it became our child. @lifeline tells of its end where it has
 * no descriptor. Waits two seconds at most.
 */
void process_release(struct process *p, int lifeline);
