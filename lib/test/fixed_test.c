/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode: an engine and its modules inside of one region that the
 * caller gives.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <host/pool.h>
#include <host/port.h>
#include <tenon/tenon.h>
#include <test/test.h>

#include "kit.h"

#define REGION ((size_t)4 << 20) /* enough for pages of 64 KiB */

struct fixed {
	struct host_port *world;
	struct tn_pool *pool;
	struct tn_system *sys;
	uint8_t *region;
	size_t unused; /* what the empty pool says it uses */
};

/* Zeroed when it fails: then the engine itself does not fit. */
static bool fixed_open(struct fixed *f, size_t size)
{
	static const struct host_port_config standard;
	const struct tn_config config = { .size = sizeof(config),
		.abi = 1,
		.exports = tn_guaranteed,
		.nexports = tn_guaranteed_count,
		.seed = 1 };

	*f = (struct fixed){ 0 };
	f->region = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (host_port_create(&standard, &f->world) != 0 ||
	    tn_pool_create(f->region, size, host_port_table(f->world),
		&host_pool_world, &f->pool) != 0)
		return false;
	f->unused = tn_pool_used(f->pool);
	return tn_system_create(tn_pool_port(f->pool), &config, &f->sys) == 0;
}

static void fixed_close(struct fixed *f)
{
	if (f->sys)
		EXPECT(tn_system_destroy(f->sys) == 0);
	if (f->pool)
		EXPECT(tn_pool_used(f->pool) == f->unused);
	host_port_destroy(f->world);
	munmap(f->region, REGION);
}

TEST(fixed, modules_run_inside_of_the_region)
{
	NEED_MODULES();
	struct fixed f;
	struct tn_module *mod;
	uint64_t addr;
	size_t size, used;

	CHECK(fixed_open(&f, REGION));
	kit_check_pair(f.sys); /* the engine's tables have grown now */
	used = tn_pool_used(f.pool);
	mod = kit_load(f.sys, "provider");
	CHECK(mod);
	tn_module_part(mod, TN_TEXT, &addr, &size);
	CHECK(addr > (uintptr_t)f.region);
	CHECK(addr + size <= (uintptr_t)f.region + REGION);
	CHECK_EQ(tn_unload(f.sys, mod, NULL), 0);
	for (int i = 0; i < 20; i++)
		kit_check_pair(f.sys);
	CHECK_EQ(tn_pool_used(f.pool), used);
	fixed_close(&f);
}

/* Loads a pair in a region of @size bytes; true when it was large enough. */
static bool fits(size_t size)
{
	struct tn_module *provider = NULL, *user = NULL;
	struct fixed f;
	bool all = fixed_open(&f, size);
	struct tn_diag diag;

	tn_diag_init(&diag);
	if (all) {
		all = kit_try(f.sys, "provider", &provider, &diag) == 0 &&
		      kit_try(f.sys, "user", &user, &diag) == 0;
		EXPECT(all || diag.error == -TN_ENOSPC ||
		       diag.error == -TN_ENOMEM);
		if (all)
			EXPECT(kit_call(f.sys, "user_sum", 1) == 54);
		tn_diag_fini(&diag);
		if (user)
			EXPECT(tn_unload(f.sys, user, NULL) == 0);
		if (provider)
			EXPECT(tn_unload(f.sys, provider, NULL) == 0);
	}
	fixed_close(&f);
	return all;
}

TEST(fixed, a_pool_that_is_too_small_refuses_and_stays_whole)
{
	NEED_MODULES();
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = 4 * page;

	while (size < REGION && !fits(size))
		size += page;
	CHECK(size > 8 * page || page > 4096);
	CHECK(size < REGION);
}
