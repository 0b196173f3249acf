/* SPDX-License-Identifier: MIT */
/*
 * For tests of workers: the module captive, found from where this program lies,
 * in a process of its own; and what the system says of processes.
 */
#pragma once

#include <stdbool.h>

#include <host/worker.h>
#include <test/test.h>

#include "internal.h"

#define KIT_CAPTIVE "common/captive.ko"

/*
 * A module file in memory, by its path in the machine's modules; NULL: there is
 * none, and a line says so.
 */
const void *kit_module(const char *name, size_t *size);

/* What the module has said. */
struct kit_said {
	char text[16384];
	size_t n;
	int level;
	unsigned logs, writes;
	unsigned ends;
	struct tn_isolate_report end; /* as `ended` was told */
};

/* Complete, with small times; what is said goes to @said. */
struct tn_isolate_config kit_config(struct kit_said *said);

/* Why there are no workers here; NULL: there are. */
const char *kit_why_not(void);
#define NEED_WORKERS()                                                         \
	do {                                                                   \
		const char *why = kit_why_not();                               \
		if (why)                                                       \
			SKIP(why);                                             \
	} while (0)

/* Are system calls forbidden to workers here? Emulators cannot. */
bool kit_is_filtered(void);

/* captive in a worker; NULL, and a line, when that fails. */
struct worker *kit_open(const struct tn_isolate_config *config);
struct worker *kit_open_file(
    const struct tn_isolate_config *config, const char *file);
void kit_close(struct worker *w);

/* Calls function @name within a second or so; its error, *@ret its result. */
int kit_call(
    struct worker *w, const char *name, int64_t a, int64_t b, int64_t *ret);
/* Opens, calls with @a and 0, closes; what the function returned, or -1. */
int64_t kit_call_once(
    const struct tn_isolate_config *config, const char *name, int64_t a);

/* Does process @pid run? */
bool kit_lives(int64_t pid);
/* Waits for its end; false: it lives on. */
bool kit_dies(int64_t pid);

/* The path of the workers' program as a file. */
void kit_program(char *path, size_t cap);

/* Open descriptors and mappings of shared files of this process. */
unsigned kit_descriptors(void);
unsigned kit_mappings(void);
