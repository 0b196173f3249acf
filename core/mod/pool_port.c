/* SPDX-License-Identifier: MIT */
/*
 * The port of a pool: its own functions for memory, and for the rest the
 * world's, which get the ctx that they know.
 */
#include "pool.h"

#include <base/overflow.h>
#include <base/string.h>
#include <tenon/err.h>

#define MIN_PAGES 4u

#define BASE(ctx) ((const struct tn_pool *)(ctx))->base

static int pool_read_file(void *ctx, const char *path, struct tn_bytes *out)
{
	return BASE(ctx)->read_file(BASE(ctx)->ctx, path, out);
}

static int pool_unpack(void *ctx, enum tn_packing packing, const void *in,
    size_t size, struct tn_bytes *out)
{
	return BASE(ctx)->unpack(BASE(ctx)->ctx, packing, in, size, out);
}

static void pool_release(void *ctx, struct tn_bytes *bytes)
{
	BASE(ctx)->release(BASE(ctx)->ctx, bytes);
}

static void pool_lock(void *ctx)
{
	BASE(ctx)->lock(BASE(ctx)->ctx);
}

static void pool_unlock(void *ctx)
{
	BASE(ctx)->unlock(BASE(ctx)->ctx);
}

static void pool_read_enter(void *ctx)
{
	BASE(ctx)->read_enter(BASE(ctx)->ctx);
}

static void pool_read_exit(void *ctx)
{
	BASE(ctx)->read_exit(BASE(ctx)->ctx);
}

static void pool_synchronize(void *ctx)
{
	BASE(ctx)->synchronize(BASE(ctx)->ctx);
}

static int pool_wait(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	return BASE(ctx)->wait(BASE(ctx)->ctx, word, value, deadline_ns);
}

static void pool_wake(void *ctx, const uint32_t *word)
{
	BASE(ctx)->wake(BASE(ctx)->ctx, word);
}

static void pool_relax(void *ctx)
{
	BASE(ctx)->relax(BASE(ctx)->ctx);
}

static uintptr_t pool_thread_self(void *ctx)
{
	return BASE(ctx)->thread_self(BASE(ctx)->ctx);
}

static int pool_thread_create(void *ctx, const char *name,
    void (*fn)(void *arg), void *arg, void **thread)
{
	return BASE(ctx)->thread_create(BASE(ctx)->ctx, name, fn, arg, thread);
}

static void pool_thread_join(void *ctx, void *thread)
{
	BASE(ctx)->thread_join(BASE(ctx)->ctx, thread);
}

static uint64_t pool_now_ns(void *ctx)
{
	return BASE(ctx)->now_ns(BASE(ctx)->ctx);
}

static void pool_log(void *ctx, enum tn_log_level level, const char *text)
{
	BASE(ctx)->log(BASE(ctx)->ctx, level, text);
}

static int pool_host_symbol(void *ctx, const char *name, uint64_t *addr)
{
	return BASE(ctx)->host_symbol(BASE(ctx)->ctx, name, addr);
}

static void pool_rest(void *ctx, bool on)
{
	BASE(ctx)->rest(BASE(ctx)->ctx, on);
}

static const struct tn_port table = {
	.size = sizeof(struct tn_port),
	.alloc = pool_alloc,
	.free = pool_free,
	.image_alloc = pool_image_alloc,
	.image_trim = pool_image_trim,
	.image_seal = pool_image_seal,
	.image_finish = pool_image_finish,
	.image_free = pool_image_free,
	.read_file = pool_read_file,
	.unpack = pool_unpack,
	.release = pool_release,
	.lock = pool_lock,
	.unlock = pool_unlock,
	.read_enter = pool_read_enter,
	.read_exit = pool_read_exit,
	.synchronize = pool_synchronize,
	.wait = pool_wait,
	.wake = pool_wake,
	.relax = pool_relax,
	.thread_self = pool_thread_self,
	.thread_create = pool_thread_create,
	.thread_join = pool_thread_join,
	.now_ns = pool_now_ns,
	.log = pool_log,
	.host_symbol = pool_host_symbol,
	.rest = pool_rest,
};

/* What the world has not the pool has not either. */
static void port_init(struct tn_port *port, const struct tn_port *base)
{
	memcpy(port, &table, sizeof(table));
	port->abi = base->abi;
	port->page_size = base->page_size;
	port->machine = base->machine;
	if (base->read_file == NULL)
		port->read_file = NULL;
	if (base->unpack == NULL)
		port->unpack = NULL;
	if (base->release == NULL)
		port->release = NULL;
	if (base->host_symbol == NULL)
		port->host_symbol = NULL;
	if (base->rest == NULL)
		port->rest = NULL;
	if (base->wait != NULL)
		return;
	port->wait = NULL;
	port->wake = NULL;
	port->relax = NULL;
	port->thread_self = NULL;
	port->thread_create = NULL;
	port->thread_join = NULL;
}

int tn_pool_create(void *region, size_t size, const struct tn_port *base,
    const struct tn_pool_world *world, struct tn_pool **out)
{
	struct tn_pool *pool = region;
	const size_t page = base->page_size;
	const size_t head = align_up(sizeof(*pool), HOLE_GRANULE);

	if (((uintptr_t)region | size) & (page - 1))
		return -TN_EINVAL;
	if (size < MIN_PAGES * page)
		return -TN_ENOSPC;
	*pool = (struct tn_pool){
		.base = base,
		.world = world,
		.size = size,
		.unit = world->protect ? page : HOLE_GRANULE,
		.busy = ATOMIC_FLAG_INIT,
		.used = head,
	};
	port_init(&pool->port, base);
	pool->port.ctx = pool;
	pool->port.flags = world->protect != NULL ? base->flags & ~TN_PORT_NO_WX
						  : base->flags | TN_PORT_NO_WX;
	/* What the head leaves of its page is the first room for objects. */
	hole_put(&pool->objects, (uintptr_t)region + head, page - head);
	hole_put(&pool->pages, (uintptr_t)region + page, size - page);
	*out = pool;
	return 0;
}

const struct tn_port *tn_pool_port(struct tn_pool *pool)
{
	return &pool->port;
}

size_t tn_pool_used(const struct tn_pool *pool)
{
	return atomic_load_explicit(&pool->used, memory_order_relaxed);
}
