/* SPDX-License-Identifier: MIT */
/*
 * The counting port and the checks of the fuzz targets: see kit.h.
 */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#include <tenon/err.h>

#define BLOCK_LIMIT ((size_t)64 << 20)
#define IMAGE_LIMIT ((size_t)16 << 20)

void fuzz_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
	abort();
}

void touch(const void *p, size_t n)
{
	const uint8_t *bytes = p;
	static volatile uint8_t sink;
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum ^= bytes[i];
	sink = sum;
	(void)sink;
}

void touch_string(const char *s)
{
	if (s != NULL)
		touch(s, strlen(s) + 1);
}

static void *kit_alloc(void *ctx, size_t size)
{
	struct kit *k = ctx;
	void *p =
	    size <= BLOCK_LIMIT ? k->world->alloc(k->world->ctx, size) : NULL;

	if (p != NULL) {
		k->blocks++;
		k->bytes += (long)size;
	}
	return p;
}

static void kit_free(void *ctx, void *p, size_t size)
{
	struct kit *k = ctx;

	if (p == NULL)
		return;
	k->blocks--;
	k->bytes -= (long)size;
	k->world->free(k->world->ctx, p, size);
}

static int kit_image_alloc(void *ctx, struct tn_image *img)
{
	struct kit *k = ctx;
	size_t room = IMAGE_LIMIT;
	int err;

	if (img->span > room)
		return -TN_ENOMEM;
	for (unsigned i = 0; i < img->nparts; i++) {
		if (img->part[i].size > room)
			return -TN_ENOMEM;
		room -= img->part[i].size;
	}
	err = k->world->image_alloc(k->world->ctx, img);
	if (err == 0)
		k->images++;
	return err;
}

static void kit_image_trim(void *ctx, struct tn_image *img)
{
	struct kit *k = ctx;

	k->world->image_trim(k->world->ctx, img);
}

static int kit_image_seal(void *ctx, struct tn_image *img)
{
	struct kit *k = ctx;

	return k->world->image_seal(k->world->ctx, img);
}

static int kit_image_finish(void *ctx, struct tn_image *img)
{
	struct kit *k = ctx;

	return k->world->image_finish(k->world->ctx, img);
}

static void kit_image_free(void *ctx, struct tn_image *img)
{
	struct kit *k = ctx;

	k->images--;
	k->world->image_free(k->world->ctx, img);
}

static int kit_unpack(void *ctx, enum tn_packing packing, const void *in,
    size_t size, struct tn_bytes *out)
{
	struct kit *k = ctx;
	const int err = k->world->unpack(k->world->ctx, packing, in, size, out);

	if (err == 0)
		k->files++;
	return err;
}

static void kit_release(void *ctx, struct tn_bytes *bytes)
{
	struct kit *k = ctx;

	k->files--;
	k->world->release(k->world->ctx, bytes);
}

static void kit_lock(void *ctx)
{
	struct kit *k = ctx;

	FUZZ_CHECK(k->locked++ == 0);
}

static void kit_unlock(void *ctx)
{
	struct kit *k = ctx;

	FUZZ_CHECK(--k->locked == 0);
}

static void kit_read_enter(void *ctx)
{
	struct kit *k = ctx;

	k->readers++;
}

static void kit_read_exit(void *ctx)
{
	struct kit *k = ctx;

	FUZZ_CHECK(k->readers-- > 0);
}

static void kit_synchronize(void *ctx)
{
	struct kit *k = ctx;

	FUZZ_CHECK(k->readers == 0);
}

static void kit_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	touch_string(text);
}

static uint64_t kit_now_ns(void *ctx)
{
	(void)ctx;
	return 0;
}

void kit_init(struct kit *k, const struct tn_port *world)
{
	*k = (struct kit){ .port = *world, .world = world };
	k->port.ctx = k;
	k->port.alloc = kit_alloc;
	k->port.free = kit_free;
	k->port.image_alloc = kit_image_alloc;
	k->port.image_trim = kit_image_trim;
	k->port.image_seal = kit_image_seal;
	k->port.image_finish = kit_image_finish;
	k->port.image_free = kit_image_free;
	k->port.read_file = NULL;
	k->port.unpack = kit_unpack;
	k->port.release = kit_release;
	k->port.lock = kit_lock;
	k->port.unlock = kit_unlock;
	k->port.read_enter = kit_read_enter;
	k->port.read_exit = kit_read_exit;
	k->port.synchronize = kit_synchronize;
	k->port.now_ns = kit_now_ns;
	k->port.log = kit_log;
	k->port.host_symbol = NULL;
}

void kit_check(const struct kit *k, long blocks)
{
	FUZZ_CHECK(k->blocks == blocks);
	FUZZ_CHECK(k->images == 0);
	FUZZ_CHECK(k->files == 0);
	FUZZ_CHECK(k->locked == 0);
	FUZZ_CHECK(k->readers == 0);
	FUZZ_CHECK(blocks != 0 || k->bytes == 0);
}
