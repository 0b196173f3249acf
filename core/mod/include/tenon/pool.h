/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode: a port whose memory, for objects and images alike, is
 * one region given by the caller. Nothing is ever taken from elsewhere.
 *
 *   region: [ tn_pool | first fit of pages: images, and pages of objects ]
 *
 * The region is mapped read-write and is cut into pages of the world's page
 * size; permissions are flipped by the world's protect (decision 8:
 * "caller's memory is page-aligned and flipped"). The rest of the port (lock,
 * time, log, files) is the world's.
 *
 * A pool has a lock of its own, which tn_system_before_fork does not take: a
 * process with a pool may be copied (fork) while no other thread loads,
 * unloads or is told anything by the engine. Else the lock can stay taken in
 * the copy, for ever.
 */
#pragma once

#include <stddef.h>

#include <tenon/port.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Permissions for tn_pool_world.protect. Never write and exec together. */
#define TN_PROT_READ  1u
#define TN_PROT_WRITE 2u
#define TN_PROT_EXEC  4u

struct tn_pool_world {
	void *ctx;
	/* Changes whole pages. NULL: no MMU, no W^X promised. May sleep. */
	int (*protect)(void *ctx, void *addr, size_t size, unsigned prot);
	/*
	 * The text at [addr, addr + size) is complete and has its last
	 * permission. Makes it what every CPU fetches from now on, and makes
	 * every CPU discard what it has fetched: a pool gives the addresses of
	 * freed text to the next image at once, so this is the only thing
	 * between the two. Called once for each executable part, before
	 * anybody learns its address. NULL: every CPU sees stores to what it
	 * has fetched already. May sleep.
	 */
	void (*sync_text)(void *ctx, void *addr, size_t size);
};

struct tn_pool;

/*
 * Makes a pool of the @size bytes at @region, both multiples of
 * base->page_size. Its port is @base with the memory functions replaced and a
 * ctx of its own; @base and @world must outlive it.
 * -TN_EINVAL, -TN_ENOSPC (less than four pages).
 */
int tn_pool_create(void *region, size_t size, const struct tn_port *base,
    const struct tn_pool_world *world, struct tn_pool **out);

/* The port to hand to tn_system_create; lives inside the region. */
const struct tn_port *tn_pool_port(struct tn_pool *pool);

/* Bytes in use, the pool's own head included; for leak checks. */
size_t tn_pool_used(const struct tn_pool *pool);

#ifdef __cplusplus
}
#endif
