/* SPDX-License-Identifier: MIT */
/*
 * The offline port: see offline.h. Parts follow each other at page boundaries
 * in the order of enum tn_part_kind.
 */
#include "offline.h"

#include <stdlib.h>
#include <time.h>

#define PAGE 4096u

static void *off_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return calloc(1, size);
}

static void off_free(void *ctx, void *p, size_t size)
{
	(void)ctx;
	(void)size;
	free(p);
}

static uint64_t round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) / align * align;
}

static void off_image_free(void *ctx, struct tn_image *img)
{
	(void)ctx;
	for (unsigned i = 0; i < img->nparts; i++) {
		free(img->part[i].port_data[0]);
		img->part[i].port_data[0] = NULL;
	}
}

static int off_image_alloc(void *ctx, struct tn_image *img)
{
	struct offline *off = ctx;
	uint64_t at = off->at;

	if (img->span != 0)
		at = round_up(at, img->span_align);
	const uint64_t start = at;

	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		at = img->span != 0
			 ? start + p->offset
			 : round_up(at, p->align > PAGE ? p->align : PAGE);
		if (at < off->at || at + p->size < at) {
			off_image_free(ctx, img);
			off->is_past_end = true;
			return -TN_ERANGE;
		}
		p->addr = at;
		p->write = calloc(1, p->size != 0 ? p->size : 1);
		p->port_data[0] = p->write;
		if (p->write == NULL) {
			off_image_free(ctx, img);
			return -TN_ENOMEM;
		}
		at += p->size;
	}
	return 0;
}

static void off_image_trim(void *ctx, struct tn_image *img)
{
	(void)ctx;
	(void)img;
}

static int off_image_seal(void *ctx, struct tn_image *img)
{
	(void)ctx;
	(void)img;
	return 0;
}

static int off_read_file(void *ctx, const char *path, struct tn_bytes *out)
{
	const struct offline *off = ctx;

	return off->host->read_file(off->host->ctx, path, out);
}

static int off_unpack(void *ctx, enum tn_packing packing, const void *in,
    size_t size, struct tn_bytes *out)
{
	const struct offline *off = ctx;

	return off->host->unpack(off->host->ctx, packing, in, size, out);
}

static void off_release(void *ctx, struct tn_bytes *bytes)
{
	const struct offline *off = ctx;

	off->host->release(off->host->ctx, bytes);
}

/* One thread: nothing to lock or to wait for. */
static void off_nothing(void *ctx)
{
	(void)ctx;
}

static uint64_t off_now(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void off_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

void offline_init(struct offline *off, const struct tn_port *host, uint64_t at)
{
	*off = (struct offline){ .host = host, .at = at };
	off->port = (struct tn_port){
		.size = sizeof(off->port),
		.abi = 1,
		.ctx = off,
		.page_size = PAGE,
		.alloc = off_alloc,
		.free = off_free,
		.image_alloc = off_image_alloc,
		.image_trim = off_image_trim,
		.image_seal = off_image_seal,
		.image_finish = off_image_seal,
		.image_free = off_image_free,
		.read_file = off_read_file,
		.unpack = off_unpack,
		.release = off_release,
		.lock = off_nothing,
		.unlock = off_nothing,
		.read_enter = off_nothing,
		.read_exit = off_nothing,
		.synchronize = off_nothing,
		.now_ns = off_now,
		.log = off_log,
	};
}
