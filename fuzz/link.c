/* SPDX-License-Identifier: MIT */
/*
 * Links any bytes offline, for any machine. Of what links, everything that
 * <tenon/link.h> tells is read; of what does not, the sentence. Afterwards
 * the engine holds as much as before.
 */
#include "kit.h"

#include <host/port.h>
#include <tenon/link.h>

#include "offline.h"

struct world {
	struct host_port *host;
	struct offline offline;
	struct kit kit;
	struct tn_system *sys;
	long blocks; /* of the idle system */
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
	offline_init(&w->offline, host_port_table(w->host), 0x40000000);
	kit_init(&w->kit, &w->offline.port);
	FUZZ_CHECK(tn_system_create(&w->kit.port, &config, &w->sys) == 0);
	w->blocks = w->kit.blocks;
}

static void touch_section(const struct tn_linked_section *s)
{
	touch_string(s->name);
	if (s->bytes != NULL)
		touch(s->bytes, s->size);
}

static void walk_sections(const struct tn_linked *linked)
{
	struct tn_linked_section s;
	uint64_t offset, count;
	uint32_t at = 0;

	while (tn_linked_section(linked, &at, &s)) {
		touch_section(&s);
		for (uint32_t i = 0;
		     tn_linked_shrink(linked, s.index, i, &offset, &count); i++)
			FUZZ_CHECK(count != 0);
	}
	for (unsigned i = TN_LINKED_STUBS; i <= TN_LINKED_GOT; i++) {
		if (tn_linked_extra(linked, (enum tn_linked_extra)i, &s))
			touch_section(&s);
	}
}

static void on_relaxed(
    void *arg, uint32_t section, uint64_t offset, const char *type)
{
	(void)arg;
	(void)section;
	(void)offset;
	touch_string(type);
}

static void walk(const struct tn_linked *linked)
{
	const struct tn_image *img = tn_linked_image(linked);
	struct tn_linked_file file;
	struct tn_linked_symbol symbol;
	struct tn_linked_ref ref;

	for (unsigned i = 0; i < img->nparts; i++) {
		if (img->part[i].write != NULL)
			touch(img->part[i].write, img->part[i].size);
	}
	walk_sections(linked);
	for (uint32_t i = 0; tn_linked_ref(linked, i, &ref); i++)
		touch_string(ref.symbol != NULL ? ref.symbol : ref.label);
	tn_linked_file(linked, &file);
	for (uint32_t i = 1; tn_linked_symbol(linked, i, &symbol); i++)
		touch_string(symbol.name);
	tn_linked_relaxed(linked, on_relaxed, NULL);
}

static void link_bytes(struct world *w, struct span bytes, unsigned flags)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.flags = flags,
		.name = "fuzz",
		.data = bytes.p,
		.data_size = bytes.n,
	};
	struct tn_linked *linked;
	struct tn_diag diag;
	char text[1024];

	tn_diag_init(&diag);
	if (tn_link(w->sys, &args, &linked, &diag) == 0) {
		walk(linked);
		tn_linked_free(linked);
	} else {
		FUZZ_CHECK(diag.error < 0 && diag.reason != TN_REASON_NONE);
		FUZZ_CHECK(tn_diag_text(&diag, text, sizeof(text)) != 0);
		touch_string(text);
	}
	tn_diag_fini(&diag);
	kit_check(&w->kit, w->blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	if (size == 0)
		return 0;
	if (w.sys == NULL)
		world_open(&w);
	link_bytes(&w, (struct span){ data, size }, 0);
	link_bytes(&w, (struct span){ data, size }, TN_LOAD_NO_RELAX);
	return 0;
}
