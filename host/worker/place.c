/* SPDX-License-Identifier: MIT */
/*
 * A port that only links: see place.h. All parts lie in one block, at the
 * distances that they have in the worker; between parts that may be placed
 * freely is a page that nobody maps.
 */
#include "place.h"

#include <stdlib.h>

#include <tenon/err.h>

#include "lane.h"

#define IMAGE_MAX ((size_t)256 << 20)

static void *place_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return calloc(1, size);
}

static void place_free(void *ctx, void *mem, size_t size)
{
	(void)ctx;
	(void)size;
	free(mem);
}

static size_t up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* Where each part begins; the size of all, 0: too large. */
static size_t lay_out(const struct place *p, struct tn_image *img)
{
	const size_t page = p->port.page_size;
	size_t at = 0;

	if (img->span)
		return img->span <= IMAGE_MAX ? img->span : 0;
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *part = &img->part[i];

		if (part->align > IMAGE_MAX || part->size > IMAGE_MAX)
			return 0;
		at = up(at, part->align > page ? part->align : page);
		part->offset = at;
		at = up(at + part->size, page) + page;
		if (at > IMAGE_MAX)
			return 0;
	}
	return at;
}

static int place_image_alloc(void *ctx, struct tn_image *img)
{
	struct place *p = ctx;
	const size_t size = lay_out(p, img);

	if (size == 0)
		return -TN_ENOSPC;
	p->bytes = calloc(1, size);
	if (!p->bytes)
		return -TN_ENOMEM;
	p->nbytes = size;
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *part = &img->part[i];

		part->addr = p->base + part->offset;
		part->write = p->bytes + part->offset;
	}
	return 0;
}

static void place_image_free(void *ctx, struct tn_image *img)
{
	struct place *p = ctx;

	(void)img;
	free(p->bytes);
	p->bytes = NULL;
}

static void place_image_trim(void *ctx, struct tn_image *img)
{
	(void)ctx;
	(void)img;
}

/* Nothing of this runs here. */
static int place_image_seal(void *ctx, struct tn_image *img)
{
	(void)ctx;
	(void)img;
	return 0;
}

/* One thread links. */
static void no_lock(void *ctx)
{
	(void)ctx;
}

static uint64_t place_now(void *ctx)
{
	(void)ctx;
	return lane_now();
}

static void place_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

const struct tn_port place_memory = {
	.size = sizeof(struct tn_port),
	.abi = 1,
	.alloc = place_alloc,
	.free = place_free,
};

void place_init(struct place *p, uint64_t base, size_t page)
{
	*p = (struct place){ .port = place_memory, .base = base };
	p->port.ctx = p;
	p->port.page_size = page;
	p->port.image_alloc = place_image_alloc;
	p->port.image_trim = place_image_trim;
	p->port.image_seal = place_image_seal;
	p->port.image_finish = place_image_seal;
	p->port.image_free = place_image_free;
	p->port.lock = no_lock;
	p->port.unlock = no_lock;
	p->port.read_enter = no_lock;
	p->port.read_exit = no_lock;
	p->port.synchronize = no_lock;
	p->port.now_ns = place_now;
	p->port.log = place_log;
}
