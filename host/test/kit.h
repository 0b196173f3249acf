/* SPDX-License-Identifier: MIT */
/*
 * For tests of image memory: images with one function in them, and what the
 * system says about the pages of an address.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <host/arena.h>
#include <tenon/port.h>

#define KIT_R 1u
#define KIT_W 2u
#define KIT_X 4u

/* An image with @text, @rodata and @data bytes; 0: without that part. */
struct tn_image kit_image(size_t text, size_t rodata, size_t data);

/* Adds a part. */
void kit_part(struct tn_image *img, enum tn_part_kind kind, size_t size);

/*
 * Fills part i with the byte 0x90 + 0x10 * answer + i; text becomes a function
 * that returns answer, which is 1 or 2.
 */
void kit_fill(struct tn_image *img, int answer);

/* Calls the function at @addr. */
int kit_call(uint64_t addr);

/* Allocates, fills and seals; 0 or the error. */
int kit_load(struct host_arena *a, struct tn_image *img, int answer);

/* Permissions of the page at @addr: KIT_*; 0 also when there is none. */
unsigned kit_prot(uint64_t addr);

/* Is there so much memory, as the system sees it before it is written to? */
bool kit_can_map(size_t size);

/* True when some mapping of the process is writable and executable. */
bool kit_any_wx(void);

/*
 * True when every mapping that begins or ends behind @addr in a span of
 * @around bytes does so at a multiple of @page.
 */
bool kit_ends_are_aligned(uint64_t addr, size_t around, size_t page);

/* False where MADV_DONTFORK is accepted and ignored, as by qemu-user. */
bool kit_dontfork_works(void);

/* Mappings of module files for writing. */
size_t kit_aliases(void);

/* Emulators pay for address space by the page. */
#define KIT_SPAN (128u << 20)

/* An arena, or NULL: the mode does not work here. */
struct host_arena *kit_arena(enum arena_mode mode, unsigned flags);

struct arena_stats kit_stats(struct host_arena *a);
