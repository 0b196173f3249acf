/* SPDX-License-Identifier: MIT */
/*
 * The engine's port to bare metal: fixed memory, one CPU, the console.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/pool.h>
#include <tenon/port.h>

/* Monotonic. */
uint64_t k_now_ns(void);

/* Makes gates work; before the first system. */
void k_gate_start(void);

/* Makes the module pool of the image and its port. Once. */
int k_port_create(struct tn_pool **pool);

/* What the engine has asked of the machine since the start. */
struct k_port_count {
	size_t protects;
	size_t refused; /* permission changes that were refused */
	size_t sync_ranges;
	size_t sync_bytes;
	size_t sync_no_text; /* ranges that were not executable */
	size_t text_pages;   /* pages of the pool that are executable now */
	size_t text_stale;   /* of them, not synchronised since they are */
	size_t text_synced;  /* bytes synchronised in the others */
	unsigned sections;   /* read sections entered and not left */
	unsigned locked;     /* 1 while the registry lock is held */
};

void k_port_count(struct k_port_count *count);

/*
 * Leaves out the synchronisation of text from now on, or no longer: to prove
 * that it would be noticed. Text that is loaded meanwhile must not run.
 */
void k_port_leave_out_sync(bool leave_out);
