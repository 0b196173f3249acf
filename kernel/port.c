/* SPDX-License-Identifier: MIT */
/*
 * struct tn_port on bare metal. Objects and images come from one fixed pool;
 * pages change permissions in place (decision 8: caller's memory is flipped),
 * which the page tables refuse when it would make a page writable and
 * executable. There are no files, no unpackers and no host symbols.
 *
 * One CPU, interrupts masked, nothing pre-empts: a lock can only be found
 * free, and a read section can only be open while its own code runs. Hence
 * lock and synchronize have nothing to wait for; what they would wait for is
 * a bug here, and panics.
 */
#include <base/compiler.h>

#include "arch.h"
#include "kernel.h"
#include "paging.h"
#include "port.h"

_Static_assert(TN_PROT_READ == PAGE_READ && TN_PROT_WRITE == PAGE_WRITE &&
		   TN_PROT_EXEC == PAGE_EXEC,
    "the engine's permissions are the page's");

static struct k_port_count counted;
static bool sync_left_out;

/*
 * Of each page of the pool, how many bytes have been synchronised since it is
 * executable: since then nobody can have written it.
 */
#define POOL_PAGES 2048u
static uint16_t synced[POOL_PAGES];

static size_t pool_page(uintptr_t va)
{
	const size_t i = (va - (uintptr_t)image_pool) / PAGE_SIZE;

	if (i >= POOL_PAGES)
		k_panic("port: %p is not in the pool", (void *)va);
	return i;
}

static int protect(void *ctx, void *addr, size_t size, unsigned prot)
{
	const uintptr_t start = (uintptr_t)addr;
	const int err = k_paging_protect(start, size, prot);

	(void)ctx;
	counted.protects++;
	if (err != 0)
		counted.refused++;
	for (size_t at = 0; at < size && err == 0; at += PAGE_SIZE)
		synced[pool_page(start + at)] = 0;
	return err;
}

static void sync_text(void *ctx, void *addr, size_t size)
{
	const uintptr_t start = (uintptr_t)addr, end = start + size;
	uintptr_t va = start, next;

	(void)ctx;
	if (sync_left_out)
		return;
	arch_sync_text(addr, size);
	for (; va < end && (k_paging_access(va) & PAGE_EXEC); va = next) {
		next = (va | (PAGE_SIZE - 1)) + 1;
		next = next < end ? next : end;
		synced[pool_page(va)] += (uint16_t)(next - va);
	}
	counted.sync_ranges++;
	counted.sync_bytes += size;
	counted.sync_no_text += va < end;
}

static void lock(void *ctx)
{
	(void)ctx;
	if (counted.locked != 0)
		k_panic("port: the registry lock is held already");
	counted.locked = 1;
}

static void unlock(void *ctx)
{
	(void)ctx;
	if (counted.locked == 0)
		k_panic("port: the registry lock is not held");
	counted.locked = 0;
}

static void read_enter(void *ctx)
{
	(void)ctx;
	counted.sections++;
}

static void read_exit(void *ctx)
{
	(void)ctx;
	if (counted.sections == 0)
		k_panic("port: a read section is left that nobody entered");
	counted.sections--;
}

static void synchronize(void *ctx)
{
	(void)ctx;
	if (counted.sections != 0)
		k_panic("port: waiting inside a read section");
}

/* Whole seconds apart, so that ticks * 10^9 cannot overflow. */
uint64_t k_now_ns(void)
{
	const uint64_t rate = arch_ticks_per_second();
	const uint64_t ticks = arch_ticks();

	return ticks / rate * 1000000000u + ticks % rate * 1000000000u / rate;
}

static uint64_t now_ns(void *ctx)
{
	(void)ctx;
	return k_now_ns();
}

static void log_line(void *ctx, enum tn_log_level level, const char *text)
{
	static const char *const name[] = { "error: ", "warning: ", "", "" };

	(void)ctx;
	k_printf("tenon: %s%s\n", name[level & 3], text);
}

int k_port_create(struct tn_pool **pool)
{
	static struct tn_port base;
	static const struct tn_pool_world world = {
		.protect = protect,
		.sync_text = sync_text,
	};

	k_gate_start();
	base = (struct tn_port){
		.size = sizeof(base),
		.abi = 1,
		.page_size = PAGE_SIZE,
		.machine = arch_elf_machine,
		.lock = lock,
		.unlock = unlock,
		.read_enter = read_enter,
		.read_exit = read_exit,
		.synchronize = synchronize,
		.now_ns = now_ns,
		.log = log_line,
	};
	return tn_pool_create(image_pool, (size_t)(image_pool_end - image_pool),
	    &base, &world, pool);
}

void k_port_count(struct k_port_count *count)
{
	*count = counted;
	for (char *p = image_pool; p < image_pool_end; p += PAGE_SIZE) {
		const uint16_t bytes = synced[pool_page((uintptr_t)p)];

		if ((k_paging_access((uintptr_t)p) & PAGE_EXEC) == 0)
			continue;
		count->text_pages++;
		count->text_stale += bytes == 0;
		count->text_synced += bytes;
	}
}

void k_port_leave_out_sync(bool leave_out)
{
	sync_left_out = leave_out;
}
