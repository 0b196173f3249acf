/* SPDX-License-Identifier: MIT */
/*
 * The image of a loaded module as its generation keeps it: of each part that
 * has bytes what the port and the engine still ask for, in a block of just
 * that size. A struct tn_image is six times as large.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/port.h>

struct kept_part {
	uint64_t addr;
	size_t size; /* 0: given back after init */
	void *port_data[2];
	uint8_t kind; /* enum tn_part_kind */
};

struct kept_image {
	size_t span;
	void *port_data[2];
	uint32_t nparts; /* as many as the block has room for */
	bool is_held;    /* the image is the generation's; before, the load's */
	struct kept_part part[];
};

/* The part of @img that has all @size bytes from @addr on, or NULL. */
const struct tn_part *image_part_with(
    const struct tn_image *img, uint64_t addr, uint64_t size);
/* The lowest address of @img, and how far it reaches from there. */
void image_extent(const struct tn_image *img, uint64_t *low, uint64_t *extent);

/* Room for the parts of @img, which has none yet; NULL without memory. */
struct kept_image *image_keep(
    const struct tn_port *port, const struct tn_image *img) MUST_CHECK;
/* The parts that have bytes; later, what the port has made of them. */
void image_pack(struct kept_image *to, const struct tn_image *from);
void image_unpack(struct tn_image *to, const struct kept_image *from);
/* The part that @addr lies in, or NULL. */
const struct kept_part *image_part_at(
    const struct kept_image *img, uint64_t addr);
void image_forget(const struct tn_port *port, struct kept_image *kept);
