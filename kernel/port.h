/* SPDX-License-Identifier: MIT */
/*
 * The engine's port to bare metal: fixed memory, one CPU, the console.
 */
#pragma once

#include <stddef.h>

#include <tenon/pool.h>
#include <tenon/port.h>

/* Makes the module pool of the image and its port. Once. */
int k_port_create(struct tn_pool **pool);

/* What the engine has asked of the machine since the start. */
struct k_port_count {
	size_t protects;
	size_t refused; /* permission changes that were refused */
	size_t sync_ranges;
	size_t sync_bytes;
	size_t sync_no_text; /* ranges that were not executable */
	unsigned sections;   /* read sections entered and not left */
	unsigned locked;     /* 1 while the registry lock is held */
};

void k_port_count(struct k_port_count *count);
