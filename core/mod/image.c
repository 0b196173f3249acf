/* SPDX-License-Identifier: MIT */
/*
 * Keeping images small: see image.h.
 */
#include "image.h"

#include "module.h"

const struct tn_part *image_part_with(
    const struct tn_image *img, uint64_t addr, uint64_t size)
{
	for (unsigned i = 0; i < img->nparts; i++) {
		const struct tn_part *p = &img->part[i];
		const uint64_t at = addr - p->addr;

		if (at < p->size && size <= p->size - at)
			return p;
	}
	return NULL;
}

void image_extent(const struct tn_image *img, uint64_t *low, uint64_t *extent)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (unsigned i = 0; i < img->nparts; i++) {
		const struct tn_part *p = &img->part[i];

		if (p->size == 0)
			continue;
		first = p->addr < first ? p->addr : first;
		if (p->addr + (p->size - 1) > last)
			last = p->addr + (p->size - 1);
	}
	*low = first;
	*extent = last - first + 1;
}

static size_t kept_size(uint32_t parts)
{
	return sizeof(struct kept_image) + parts * sizeof(struct kept_part);
}

struct kept_image *image_keep(
    const struct tn_port *port, const struct tn_image *img)
{
	struct kept_image *kept;
	uint32_t n = 0;

	for (unsigned i = 0; i < img->nparts; i++)
		n += img->part[i].size != 0;
	kept = port_alloc(port, kept_size(n));
	if (kept != NULL)
		kept->nparts = n;
	return kept;
}

/* The second time the parts are those that were packed the first time. */
void image_pack(struct kept_image *to, const struct tn_image *from)
{
	uint32_t n = 0;

	to->span = from->span;
	__builtin_memcpy(to->port_data, from->port_data, sizeof(to->port_data));
	for (unsigned i = 0; i < from->nparts && n < to->nparts; i++) {
		const struct tn_part *p = &from->part[i];

		if (p->size == 0 && !to->is_held)
			continue;
		to->part[n++] = (struct kept_part){ p->addr, p->size,
			{ p->port_data[0], p->port_data[1] }, p->kind };
	}
	to->is_held = true;
}

const struct kept_part *image_part_at(
    const struct kept_image *img, uint64_t addr)
{
	for (uint32_t i = 0; i < img->nparts; i++)
		if (addr - img->part[i].addr < img->part[i].size)
			return &img->part[i];
	return NULL;
}

void image_unpack(struct tn_image *to, const struct kept_image *from)
{
	*to = (struct tn_image){ .nparts = from->nparts,
		.span = from->span,
		.port_data = { from->port_data[0], from->port_data[1] } };
	for (uint32_t i = 0; i < from->nparts; i++) {
		const struct kept_part *p = &from->part[i];

		to->part[i] = (struct tn_part){ .kind = p->kind,
			.size = p->size,
			.addr = p->addr,
			.port_data = { p->port_data[0], p->port_data[1] } };
	}
}

void image_forget(const struct tn_port *port, struct kept_image *kept)
{
	struct tn_image img;

	if (kept == NULL)
		return;
	if (kept->is_held) {
		image_unpack(&img, kept);
		port->image_free(port->ctx, &img);
	}
	port_free(port, kept, kept_size(kept->nparts));
}
