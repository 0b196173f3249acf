/* SPDX-License-Identifier: MIT */
/*
 * For tests of slots: a manager over the test port, in one of the two ways of
 * having memory, with guard pages around a caller's pool; and blobs, which are
 * the modules for slots of this tree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/span.h>
#include <host/port.h>
#include <tenon/slot.h>

#include "rig.h"

#define KIT_CAPACITY ((size_t)512 << 10)

struct kit {
	struct host_port *host;
	struct rig rig;
	struct tn_slots_config config; /* changed before kit_start */
	struct tn_slots *slots;
	uint8_t *region; /* the caller's pool, between guards, or NULL */
	size_t region_size;
	uint8_t *mapping;
	size_t mapping_size;
	struct tn_diag diag;
	/* answers to probe's queues, and what was asked last */
	int answer[3];
	const void *command;
	uint32_t asked_slot;
};

/* Prepares; a caller's pool when @fixed. */
void kit_prepare(struct kit *k, bool fixed, uint32_t count);
/* Makes the manager of k->config. */
int kit_start(struct kit *k);
/* Both; false when it cannot be made. */
bool kit_open(struct kit *k, bool fixed, uint32_t count);
/* Shuts down; false when something is left or was misused. */
bool kit_close(struct kit *k);
/* The same for a manager that is gone already. */
bool kit_finish(struct kit *k);

/* Tests that load files begin with this. */
bool kit_has_modules(void);
#define NEED_MODULES()                                                         \
	do {                                                                   \
		if (!kit_has_modules())                                        \
			SKIP("module files are not built: make modules");      \
	} while (0)

/* The file of modules/lkmod/NAME, or of modules/test/NAME.ko; stays. */
struct span kit_blob(const char *name);
struct span kit_ko(const char *name);

/* Registers and loads the module @name; 0 or the error, with k->diag. */
int kit_load(struct kit *k, uint32_t slot, const char *name);
int kit_load_blob(
    struct kit *k, uint32_t slot, struct span blob, uint32_t flags);

/* Calls; INT64_MIN and a failed test when it cannot. */
int64_t kit_call(
    struct kit *k, uint32_t slot, const char *symbol, const int64_t args[4]);
int kit_try(struct kit *k, uint32_t slot, const char *symbol);
#define ARGS(...) ((const int64_t[4]){ __VA_ARGS__ })

enum tn_slot_state kit_state(struct kit *k, uint32_t slot);
