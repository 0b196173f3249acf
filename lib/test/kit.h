/* SPDX-License-Identifier: MIT */
/*
 * For tests with module files: those of modules/test, found from where this
 * program lies, build/CONFIG/bin beside build/modules.
 */
#pragma once

#include <time.h>

#include <tenon/tenon.h>
#include <test/emulated.h>
#include <test/sanitized.h>

/* Tests that load files begin with this. */
bool kit_has_modules(void);
#define NEED_MODULES()                                                         \
	do {                                                                   \
		if (!kit_has_modules())                                        \
			SKIP("module files are not built: make modules");      \
	} while (0)

/* Of children that fork makes while other threads may be allocating. */
#define NEED_FORKS_THAT_ALLOCATE()                                             \
	do {                                                                   \
		if (TEST_FORK_LOCKS_MEMORY)                                    \
			SKIP("the sanitizer's allocator does not survive "     \
			     "a fork");                                        \
	} while (0)

/* A module file of the common profile in memory, until the next; or NULL. */
const void *kit_blob(const char *name, size_t *size);

/* The program of workers that is inside of the library is not the emulator's. */
#define NEED_PROCESSES()                                                       \
	do {                                                                   \
		if (test_is_emulated())                                        \
			SKIP("emulators cannot execute the program inside");   \
	} while (0)

/* Loads a module of the common profile; NULL, and a line, when it fails. */
struct tn_module *kit_load(struct tn_system *sys, const char *name);

/* The same without a line; the error goes to @diag, which may be NULL. */
int kit_try(struct tn_system *sys, const char *name, struct tn_module **mod,
    struct tn_diag *diag);

/* Loads the module file @name as the module @as, without a line. */
int kit_load_as(struct tn_system *sys, const char *name, const char *as,
    struct tn_module **mod);

/* Calls `long symbol(long)`; LONG_MIN when there is no such. */
long kit_call(struct tn_system *sys, const char *symbol, long x);

/* Loads a provider and its user, calls through both, and unloads. */
void kit_check_pair(struct tn_system *sys);

/*
 * Whether a loop that began at @began does @i, too: up to @n, but on a slow
 * machine a tenth of these and what takes ten seconds.
 */
bool kit_goes_on(unsigned i, unsigned n, time_t began);
