/* SPDX-License-Identifier: MIT */
/*
 * Loads any bytes into this process, without running them, looks up every
 * name that the file has, and unloads. One system serves all inputs: after
 * each it holds what it held before, and knows no symbol more.
 */
#include "kit.h"

#include <elf/file.h>
#include <host/port.h>
#include <tenon/engine.h>

struct world {
	struct host_port *host;
	struct kit kit;
	struct tn_system *sys;
	long blocks; /* of the idle system */
	bool grown;  /* the index of modules comes with the first */
	size_t symbols;
};

static void world_open(struct world *w)
{
	const struct host_port_config host = { .unpack_limit = 1u << 20 };
	const struct tn_config config = {
		.size = sizeof(config),
		.abi = 1,
		.exports = tn_guaranteed,
		.nexports = tn_guaranteed_count,
	};

	FUZZ_CHECK(host_port_create(&host, &w->host) == 0);
	kit_init(&w->kit, host_port_table(w->host));
	FUZZ_CHECK(tn_system_create(&w->kit.port, &config, &w->sys) == 0);
	w->symbols = tn_symbol_count(w->sys);
}

static void find(struct world *w, struct tn_module *mod, const char *name)
{
	struct tn_symbol symbol;
	void *addr;

	if (tn_module_symbol(mod, name, &addr) != 0)
		addr = NULL;
	if (tn_symbol_find(w->sys, name, &symbol) != 0)
		return;
	FUZZ_CHECK(symbol.owner == NULL || symbol.owner == mod);
	touch_string(symbol.name);
	touch_string(symbol.ns);
}

static void find_all(struct world *w, struct tn_module *mod, struct span bytes)
{
	static const unsigned types[] = { SHT_SYMTAB, SHT_DYNSYM };
	struct elf_file file;
	struct elf_symtab tab;
	struct elf_where where;

	if (!elf_open(&file, bytes, 0, &where))
		return; /* it was packed */
	for (unsigned t = 0; t < 2; t++) {
		if (!elf_symtab_open(&file, types[t], &tab, &where))
			continue;
		for (uint32_t i = 1; i < tab.n; i++) {
			const char *name = elf_symtab_name(&tab, i);

			if (name != NULL)
				find(w, mod, name);
		}
	}
}

static void look_at(struct tn_module *mod)
{
	struct tn_module_info info;
	uint64_t addr;
	size_t size;

	tn_module_info(mod, &info);
	touch_string(info.name);
	touch_string(info.version);
	touch_string(info.license);
	for (unsigned i = 0; i < TN_PART_KINDS; i++) {
		tn_module_part(mod, (enum tn_part_kind)i, &addr, &size);
		touch((const void *)(uintptr_t)addr, size);
	}
}

static void load_bytes(struct world *w, struct span bytes, unsigned flags)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.flags = flags | TN_LOAD_UNMARKED | TN_LOAD_NO_INIT,
		.data = bytes.p,
		.data_size = bytes.n,
		.name = flags & TN_LOAD_DIRECT ? "fuzz" : NULL,
	};
	struct tn_module *mod;
	struct tn_diag diag;
	char text[1024];

	tn_diag_init(&diag);
	if (tn_load(w->sys, &args, &mod, &diag) == 0) {
		look_at(mod);
		find_all(w, mod, bytes);
		FUZZ_CHECK(tn_unload(w->sys, mod, NULL) == 0);
		FUZZ_CHECK(tn_module_forget(w->sys, mod) == 0);
	} else {
		FUZZ_CHECK(diag.error < 0 && diag.reason != TN_REASON_NONE);
		FUZZ_CHECK(tn_diag_text(&diag, text, sizeof(text)) != 0);
		touch_string(text);
	}
	tn_diag_fini(&diag);
	FUZZ_CHECK(tn_symbol_count(w->sys) == w->symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	if (size == 0)
		return 0;
	if (w.sys == NULL) {
		world_open(&w);
		w.blocks = w.kit.blocks;
	}
	load_bytes(&w, (struct span){ data, size }, 0);
	load_bytes(&w, (struct span){ data, size }, TN_LOAD_DIRECT);
	if (!w.grown && w.kit.blocks == w.blocks + 1) {
		w.grown = true;
		w.blocks++;
	}
	kit_check(&w.kit, w.blocks);
	return 0;
}
