/* SPDX-License-Identifier: MIT */
/*
 * The test port: see rig.h. A block of memory carries its size in front of
 * it, so that a free with another size is seen.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#define PAGE 4096u
#define HEAD 16u /* keeps the alignment of malloc */

const char *const rig_call_names[RIG_CALLS] = {
	[RIG_ALLOC] = "alloc",
	[RIG_IMAGE_ALLOC] = "image_alloc",
	[RIG_IMAGE_SEAL] = "image_seal",
	[RIG_IMAGE_FINISH] = "image_finish",
	[RIG_READ_FILE] = "read_file",
	[RIG_UNPACK] = "unpack",
	[RIG_THREAD] = "thread_create",
};

static void misused(struct rig *r, const char *how)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&r->misuse, &none, how);
}

/* Is it this call's turn to fail? */
static bool must_fail(struct rig *r, enum rig_call call)
{
	if (r->fail_at == 0)
		return false;
	if (++r->calls != r->fail_at)
		return false;
	r->failed = call;
	return true;
}

/* --- the engine's own objects */

static void *rig_alloc(void *ctx, size_t size)
{
	struct rig *r = ctx;
	uint8_t *p;

	if (size == 0)
		misused(r, "alloc of nothing");
	if (must_fail(r, RIG_ALLOC))
		return NULL;
	p = r->world ? r->world->alloc(r->world->ctx, size + HEAD)
		     : calloc(1, size + HEAD);
	if (p == NULL)
		return NULL;
	memcpy(p, &size, sizeof(size));
	atomic_fetch_add(&r->blocks, 1);
	atomic_fetch_add(&r->bytes, (long)size);
	return p + HEAD;
}

static void rig_free(void *ctx, void *mem, size_t size)
{
	struct rig *r = ctx;
	uint8_t *p = (uint8_t *)mem - HEAD;
	size_t was;

	memcpy(&was, p, sizeof(was));
	if (was != size)
		misused(r, "free with another size");
	atomic_fetch_sub(&r->blocks, 1);
	atomic_fetch_sub(&r->bytes, (long)was);
	if (r->world)
		r->world->free(r->world->ctx, p, was + HEAD);
	else
		free(p);
}

/* --- images */

static uint64_t round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) / align * align;
}

static void offline_free(struct tn_image *img)
{
	for (unsigned i = 0; i < img->nparts; i++) {
		free(img->part[i].port_data[0]);
		img->part[i].port_data[0] = NULL;
		img->part[i].write = NULL;
	}
}

static uint64_t offline_place(const struct rig *r, const struct tn_image *img,
    const struct tn_part *p, uint64_t *next)
{
	const uint64_t align = p->align > PAGE ? p->align : PAGE;
	uint64_t at;

	if (img->span != 0)
		return round_up(r->at, img->span_align) + p->offset;
	if (r->at_kind[p->kind] != 0)
		return r->at_kind[p->kind];
	at = round_up(*next, align);
	*next = at + p->size;
	return at;
}

/* Parts get blocks of their own, so that a sanitizer sees their ends. */
static int offline_alloc(struct rig *r, struct tn_image *img)
{
	uint64_t next = r->at;

	for (unsigned i = 0; i < img->nparts; i++)
		img->part[i].port_data[0] = NULL;
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		if (p->size == 0)
			continue;
		p->addr = offline_place(r, img, p, &next);
		p->write = malloc(p->size);
		p->port_data[0] = p->write;
		if (p->write == NULL) {
			offline_free(img);
			return -TN_ENOMEM;
		}
		memset(p->write, 0xee, p->size);
	}
	return 0;
}

static size_t image_size(const struct tn_image *img)
{
	size_t n = 0;

	for (unsigned i = 0; i < img->nparts; i++)
		n += img->part[i].size;
	return n > img->span ? n : img->span;
}

static int rig_image_alloc(void *ctx, struct tn_image *img)
{
	struct rig *r = ctx;
	int err;

	if (must_fail(r, RIG_IMAGE_ALLOC) ||
	    (r->image_limit != 0 && image_size(img) > r->image_limit))
		return -TN_ENOMEM;
	err = r->world ? r->world->image_alloc(r->world->ctx, img)
		       : offline_alloc(r, img);
	if (err == 0)
		atomic_fetch_add(&r->images, 1);
	return err;
}

static void rig_image_trim(void *ctx, struct tn_image *img)
{
	struct rig *r = ctx;

	if (img->span != 0)
		misused(r, "image_trim in span mode");
	if (r->world)
		r->world->image_trim(r->world->ctx, img);
}

static void offline_seal(struct tn_image *img, bool finish)
{
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		if (p->kind == TN_TEXT || p->kind == TN_RODATA ||
		    p->kind == TN_INIT_TEXT || p->kind == TN_INIT_RODATA)
			p->write = NULL;
		if (finish && p->kind == TN_RO_AFTER_INIT)
			p->write = NULL;
		if (finish && p->kind >= TN_INIT_TEXT)
			p->size = 0;
	}
}

static int rig_image_seal(void *ctx, struct tn_image *img)
{
	struct rig *r = ctx;

	if (must_fail(r, RIG_IMAGE_SEAL))
		return -TN_EACCES;
	if (r->world)
		return r->world->image_seal(r->world->ctx, img);
	offline_seal(img, false);
	return 0;
}

static int rig_image_finish(void *ctx, struct tn_image *img)
{
	struct rig *r = ctx;

	if (must_fail(r, RIG_IMAGE_FINISH))
		return -TN_EACCES;
	if (r->world)
		return r->world->image_finish(r->world->ctx, img);
	offline_seal(img, true);
	return 0;
}

static void rig_image_free(void *ctx, struct tn_image *img)
{
	struct rig *r = ctx;

	atomic_fetch_sub(&r->images, 1);
	if (r->on_free)
		r->on_free(r->on_free_arg, img);
	if (r->world)
		r->world->image_free(r->world->ctx, img);
	else
		offline_free(img);
}

/* --- sources */

static int rig_read_file(void *ctx, const char *path, struct tn_bytes *out)
{
	struct rig *r = ctx;
	int err;

	if (must_fail(r, RIG_READ_FILE))
		return -TN_EIO;
	err = r->world->read_file(r->world->ctx, path, out);
	if (err == 0)
		atomic_fetch_add(&r->files, 1);
	return err;
}

static int rig_unpack(void *ctx, enum tn_packing packing, const void *in,
    size_t size, struct tn_bytes *out)
{
	struct rig *r = ctx;
	int err;

	if (must_fail(r, RIG_UNPACK))
		return -TN_ENOMEM;
	err = r->world->unpack(r->world->ctx, packing, in, size, out);
	if (err == 0)
		atomic_fetch_add(&r->files, 1);
	return err;
}

static void rig_release(void *ctx, struct tn_bytes *bytes)
{
	struct rig *r = ctx;

	atomic_fetch_sub(&r->files, 1);
	r->world->release(r->world->ctx, bytes);
}

/* --- concurrency and the rest */

static void rig_lock(void *ctx)
{
	struct rig *r = ctx;

	if (r->world)
		r->world->lock(r->world->ctx);
	if (r->locked++ != 0)
		misused(r, "lock taken twice");
}

static void rig_unlock(void *ctx)
{
	struct rig *r = ctx;

	if (--r->locked != 0)
		misused(r, "unlock without lock");
	if (r->world)
		r->world->unlock(r->world->ctx);
}

static _Thread_local int reading; /* sections that this thread is in */

static void rig_read_enter(void *ctx)
{
	struct rig *r = ctx;

	reading++;
	if (r->world)
		r->world->read_enter(r->world->ctx);
}

static void rig_read_exit(void *ctx)
{
	struct rig *r = ctx;

	reading--;
	if (r->world)
		r->world->read_exit(r->world->ctx);
}

static void rig_synchronize(void *ctx)
{
	struct rig *r = ctx;

	if (r->world)
		r->world->synchronize(r->world->ctx);
}

#define WORLD(ctx) (((struct rig *)(ctx))->world)

static int rig_wait(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	return WORLD(ctx)->wait(WORLD(ctx)->ctx, word, value, deadline_ns);
}

static void rig_wake(void *ctx, const uint32_t *word)
{
	WORLD(ctx)->wake(WORLD(ctx)->ctx, word);
}

static void rig_relax(void *ctx)
{
	WORLD(ctx)->relax(WORLD(ctx)->ctx);
}

static uintptr_t rig_thread_self(void *ctx)
{
	return WORLD(ctx)->thread_self(WORLD(ctx)->ctx);
}

static int rig_thread_create(void *ctx, const char *name, void (*fn)(void *arg),
    void *arg, void **thread)
{
	if (must_fail(ctx, RIG_THREAD))
		return -TN_EAGAIN;
	return WORLD(ctx)->thread_create(
	    WORLD(ctx)->ctx, name, fn, arg, thread);
}

static void rig_thread_join(void *ctx, void *thread)
{
	WORLD(ctx)->thread_join(WORLD(ctx)->ctx, thread);
}

static uint64_t rig_now(void *ctx)
{
	struct rig *r = ctx;

	return r->world ? r->world->now_ns(r->world->ctx) : 0;
}

/* It may write to somebody who does not read. */
static void rig_log(void *ctx, enum tn_log_level level, const char *text)
{
	if (reading != 0)
		misused(ctx, "log in a read section");
	(void)level;
	(void)text;
}

static int rig_host_symbol(void *ctx, const char *name, uint64_t *addr)
{
	struct rig *r = ctx;

	return r->world->host_symbol(r->world->ctx, name, addr);
}

static const struct tn_port table = {
	.size = sizeof(struct tn_port),
	.abi = 1,
	.page_size = PAGE,
	.alloc = rig_alloc,
	.free = rig_free,
	.image_alloc = rig_image_alloc,
	.image_trim = rig_image_trim,
	.image_seal = rig_image_seal,
	.image_finish = rig_image_finish,
	.image_free = rig_image_free,
	.lock = rig_lock,
	.unlock = rig_unlock,
	.read_enter = rig_read_enter,
	.read_exit = rig_read_exit,
	.synchronize = rig_synchronize,
	.now_ns = rig_now,
	.log = rig_log,
};

void rig_over(struct rig *r, const struct tn_port *world)
{
	memset(r, 0, sizeof(*r));
	r->port = table;
	r->port.ctx = r;
	r->port.page_size = world->page_size;
	r->port.flags = world->flags;
	r->port.machine = world->machine;
	r->port.read_file = rig_read_file;
	r->port.unpack = rig_unpack;
	r->port.release = rig_release;
	r->port.host_symbol = rig_host_symbol;
	r->port.wait = rig_wait;
	r->port.wake = rig_wake;
	r->port.relax = rig_relax;
	r->port.thread_self = rig_thread_self;
	r->port.thread_create = rig_thread_create;
	r->port.thread_join = rig_thread_join;
	r->world = world;
}

void rig_offline(struct rig *r, uint64_t at)
{
	memset(r, 0, sizeof(*r));
	r->port = table;
	r->port.ctx = r;
	r->at = at;
}

void rig_arm(struct rig *r, unsigned fail_at)
{
	r->calls = 0;
	r->fail_at = fail_at;
}

struct rig_held rig_held(struct rig *r)
{
	return (struct rig_held){
		.blocks = atomic_load(&r->blocks),
		.bytes = atomic_load(&r->bytes),
		.images = atomic_load(&r->images),
		.files = atomic_load(&r->files),
	};
}

bool rig_same(struct rig_held a, struct rig_held b)
{
	return a.blocks == b.blocks && a.bytes == b.bytes &&
	       a.images == b.images && a.files == b.files;
}
