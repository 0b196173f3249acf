/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the blob of a slot in a caller's pool, loaded without being run:
 * whatever the loader makes of them, not a byte of the slots around it changes,
 * functions that can be found lie in the slot, and afterwards all of the slot
 * can be written again. Unmapped pages stand around the pool.
 */
#include "kit.h"

#include <string.h>
#include <sys/mman.h>

#include <elf/file.h>
#include <host/pool.h>
#include <host/port.h>
#include <tenon/slot.h>

#define CAPACITY ((size_t)256 << 10)
#define SLOTS    3u
#define PAGE     4096u
#define NOTE     0xc3

struct world {
	struct host_port *host;
	struct kit kit;
	struct tn_slots *slots;
	uint8_t *pool;
};

static void world_open(struct world *w)
{
	static uint8_t table[4096];
	const struct host_port_config host = { .unpack_limit = 1u << 20 };
	struct tn_slots_config config = {
		.size = sizeof(config),
		.abi = 1,
		.flags = TN_SLOTS_IMPORTS | TN_SLOTS_NO_INIT,
		.slot_count = SLOTS,
		.slot_capacity = CAPACITY,
		.pool_size = (size_t)SLOTS * CAPACITY,
		.table = table,
		.table_size = sizeof(table),
		.exports = tn_guaranteed,
		.nexports = tn_guaranteed_count,
	};

	FUZZ_CHECK(host_port_create(&host, &w->host) == 0);
	kit_init(&w->kit, host_port_table(w->host));
	w->pool = mmap(NULL, config.pool_size + 2 * (size_t)PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FUZZ_CHECK(w->pool != MAP_FAILED);
	w->pool += PAGE;
	FUZZ_CHECK(
	    mprotect(w->pool, config.pool_size, PROT_READ | PROT_WRITE) == 0);
	memset(w->pool, NOTE, config.pool_size);
	config.pool = w->pool;
	FUZZ_CHECK(tn_slots_create(&w->kit.port, &host_pool_world, &config,
		       &w->slots) == 0);
}

static void find(
    const struct tn_slot_handle *h, const uint8_t *slot, const char *name)
{
	void *function;

	if (tn_slot_handle_function(h, name, &function) == 0)
		FUZZ_CHECK((uintptr_t)function - (uintptr_t)slot < CAPACITY);
}

static void find_all(
    const struct tn_slot_handle *h, const uint8_t *slot, struct span bytes)
{
	static const unsigned types[] = { SHT_SYMTAB, SHT_DYNSYM };
	struct elf_file file;
	struct elf_symtab tab;
	struct elf_where where;

	if (!elf_open(&file, bytes, 0, &where))
		return;
	for (unsigned t = 0; t < 2; t++) {
		if (!elf_symtab_open(&file, types[t], &tab, &where))
			continue;
		for (uint32_t i = 1; i < tab.n; i++)
			if (elf_symtab_name(&tab, i) != NULL)
				find(h, slot, elf_symtab_name(&tab, i));
	}
}

static void look_at(struct world *w, struct span bytes)
{
	struct tn_slot_handle h;
	struct tn_slot_info info;
	const uint8_t *slot = w->pool + CAPACITY;

	FUZZ_CHECK(tn_slot_info(w->slots, 1, &info) == 0);
	FUZZ_CHECK(info.state == TN_SLOT_LOADED);
	FUZZ_CHECK(
	    info.mod_size == 0 || info.mod_base - (uintptr_t)slot < CAPACITY);
	touch_string(info.name);
	FUZZ_CHECK(tn_slot_acquire(w->slots, 1, "fuzz", &h) == 0);
	find_all(&h, slot, bytes);
	find(&h, slot, "lkmod_init");
	FUZZ_CHECK(tn_slot_unload(w->slots, 1, NULL) == TN_SLOT_BUSY);
	FUZZ_CHECK(tn_slot_release(&h) == 0);
	FUZZ_CHECK(tn_slot_unload(w->slots, 1, NULL) == 0);
}

static bool is_note(const uint8_t *p)
{
	return p[0] == NOTE && memcmp(p, p + 1, CAPACITY - 1) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct tn_diag diag;

	if (size == 0 || size > CAPACITY)
		return 0;
	if (w.slots == NULL)
		world_open(&w);
	tn_diag_init(&diag);
	FUZZ_CHECK(tn_slot_register(w.slots, 1, data, size, 0) == 0);
	if (tn_slot_load(w.slots, 1, &diag) == 0)
		look_at(&w, (struct span){ data, size });
	else
		FUZZ_CHECK(diag.error < 0 && diag.reason != TN_REASON_NONE);
	FUZZ_CHECK(diag.memory == NULL); /* it would be in the slot */
	tn_diag_fini(&diag);
	FUZZ_CHECK(tn_slot_unregister(w.slots, 1) == 0);
	FUZZ_CHECK(is_note(w.pool) && is_note(w.pool + 2 * CAPACITY));
	memset(w.pool + CAPACITY, NOTE, CAPACITY);
	kit_check(&w.kit, 0); /* nothing is the port's */
	return 0;
}
