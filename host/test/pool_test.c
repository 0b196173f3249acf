/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode with real pages: permissions are flipped, code runs, and
 * nothing outside of the region is used for images.
 */
#include <sys/mman.h>

#include <host/machine.h>
#include <host/pool.h>
#include <host/port.h>
#include <tenon/err.h>
#include <test/test.h>

#include "kit.h"

#define REGION (1u << 20)

static const struct host_port_config standard = { .arena.span = KIT_SPAN };

TEST(host_pool, code_runs_inside_of_the_callers_region)
{
	uint8_t *region = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct tn_port *port;
	struct host_port *base;
	struct tn_pool *pool;
	size_t used;

	CHECK_EQ(host_port_create(&standard, &base), 0);
	CHECK_EQ(tn_pool_create(region, REGION, host_port_table(base),
		     &host_pool_world, &pool),
	    0);
	port = tn_pool_port(pool);
	used = tn_pool_used(pool);
	for (int i = 0; i < 200; i++) {
		struct tn_image img = kit_image(64, 64, 64);
		uint64_t text;

		CHECK_EQ(port->image_alloc(port->ctx, &img), 0);
		text = img.part[0].addr;
		CHECK(text > (uintptr_t)region);
		CHECK(text < (uintptr_t)region + REGION);
		kit_fill(&img, 1 + i % 2);
		CHECK_EQ(port->image_seal(port->ctx, &img), 0);
		CHECK_EQ(kit_prot(text), KIT_R | KIT_X);
		CHECK_EQ(kit_call(text), 1 + i % 2);
		port->image_free(port->ctx, &img);
		CHECK_EQ(kit_prot(text), KIT_R | KIT_W);
	}
	CHECK(!kit_any_wx());
	CHECK_EQ(tn_pool_used(pool), used);
	host_port_destroy(base);
	munmap(region, REGION);
}
