/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode in a process: see host/pool.h.
 *
 * Addresses in a pool are reused at once, so the text that stood there before
 * may still be in some processor's pipeline: after the caches, all threads
 * are synchronised. Where membarrier is banned the two changes of permission
 * since then have to do, which is what dlclose and dlopen rely on.
 */
#include <sys/mman.h>

#include <host/pool.h>
#include <host/process.h>
#include <tenon/err.h>

static int pool_protect(void *ctx, void *addr, size_t size, unsigned prot)
{
	const int flags = (prot & TN_PROT_READ ? PROT_READ : 0) |
			  (prot & TN_PROT_WRITE ? PROT_WRITE : 0) |
			  (prot & TN_PROT_EXEC ? PROT_EXEC : 0);

	(void)ctx;
	return mprotect(addr, size, flags) == 0 ? 0 : -TN_ENOMEM;
}

static void pool_sync_text(void *ctx, void *addr, size_t size)
{
	(void)ctx;
	__builtin___clear_cache(addr, (char *)addr + size);
	(void)process_barrier(BARRIER_CODE);
}

const struct tn_pool_world host_pool_world = {
	.protect = pool_protect,
	.sync_text = pool_sync_text,
};
