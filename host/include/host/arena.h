/* SPDX-License-Identifier: MIT */
/*
 * Image memory of a Linux process: the memory half of a tn_port.
 *
 * Images lie in spans, each one reservation of address space that a branch or
 * a 32-bit difference can cross:
 *
 *	span: [ text chunks | guard | rodata chunks | guard | data chunks ]
 *
 * Chunks hold parts of many modules; text lies with text, rodata with rodata.
 * In dual mode a text or rodata chunk is mapped a second time, for writing,
 * while it is open, so a load that fits into open chunks makes no system
 * call. In flip mode parts are whole pages whose permission changes. See
 * docs of the functions in tenon/port.h for the contract.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/port.h>

struct host_arena;

enum arena_mode {
	ARENA_AUTO,
	ARENA_DUAL,
	ARENA_FLIP
};

#define ARENA_STRICT        1u /* a guard page behind every part */
#define ARENA_NO_MEMBARRIER 2u /* behave as where it is banned */
#define ARENA_KEEPS_FETCHED 4u /* as where cores keep what they fetched */

/* Zero stands for the default everywhere. */
struct arena_config {
	enum arena_mode mode;
	unsigned flags;
	size_t keep_warm;  /* bytes of empty chunks that stay mapped */
	size_t span;       /* address space reserved at a time */
	size_t chunk;      /* smallest chunk */
	size_t quarantine; /* bytes of freed text per core synchronisation */
	size_t page;       /* unit of permissions: a power of two, at least
			      the system's own page */
};

struct arena_stats {
	unsigned long long calls;    /* system calls made */
	unsigned long long barriers; /* core synchronisations */
	size_t spans, chunks, aliases;
	size_t mapped; /* bytes of all chunks */
	size_t idle;   /* of chunks that hold nothing */
	size_t live;   /* bytes of parts, as allocated */
	size_t held;   /* freed bytes that may not be used again yet */
};

/*
 * -TN_EINVAL, -TN_ENOMEM; -TN_EOPNOTSUPP: the mode asked for does not work in
 * this process. ARENA_AUTO tries what works when the first image comes, so
 * that an arena costs little as long as it is empty, and a sandbox that is
 * entered between the two is noticed.
 */
MUST_CHECK int arena_create(
    const struct arena_config *config, struct host_arena **out);
/* Every image is freed before. */
void arena_destroy(struct host_arena *a);

/* The mode in use, tried now if need be; ARENA_AUTO when none works. */
enum arena_mode arena_mode(struct host_arena *a);

/* The unit of permissions. */
size_t arena_page(const struct host_arena *a);

/* True when freed text is reused after membarrier, not after remapping. */
bool arena_reuses_text(struct host_arena *a);

void arena_stats(struct host_arena *a, struct arena_stats *out);

/*
 * The image functions of tn_port, any thread. In a child of fork the images
 * of the parent keep running and may be freed, which gives their addresses
 * back only when the arena is destroyed; new images get new spans. In a child
 * that was made without the fork handlers arena_image_alloc answers
 * -TN_EAGAIN. -TN_EOPNOTSUPP: no mode works in this process.
 */
MUST_CHECK int arena_image_alloc(struct host_arena *a, struct tn_image *img);
void arena_image_trim(struct host_arena *a, struct tn_image *img);
MUST_CHECK int arena_image_seal(struct host_arena *a, struct tn_image *img);
MUST_CHECK int arena_image_finish(struct host_arena *a, struct tn_image *img);
void arena_image_free(struct host_arena *a, struct tn_image *img);

/* For the fork handlers of the owner. */
void arena_before_fork(struct host_arena *a);
void arena_after_fork(struct host_arena *a);
