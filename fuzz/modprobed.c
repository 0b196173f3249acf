/* SPDX-License-Identifier: MIT */
/*
 * Text that modprobe reads: a file of modprobe.d, or behind a first byte of
 * odd value the kernel's command line; and appended signatures.
 */
#include "config.h"
#include "kit.h"
#include "modsig.h"

#include <stdlib.h>
#include <string.h>

static void use(const struct config *c)
{
	for (unsigned kind = 0; kind < CONFIG_KINDS; kind++)
		for (const struct config_entry *e = c->first[kind]; e != NULL;
		     e = e->next) {
			touch_string(e->name);
			touch_string(e->value);
			for (size_t i = 0; i < e->pre.n; i++)
				touch_string(e->pre.names[i]);
			for (size_t i = 0; i < e->post.n; i++)
				touch_string(e->post.names[i]);
		}
	(void)config_match(c, CONFIG_INSTALL, "a_module");
}

static void look_at_signature(struct span bytes)
{
	struct modsig sig;

	if (!modsig_parse(bytes, &sig))
		return;
	touch_string(sig.id);
	touch_string(sig.hash);
	touch(sig.signer.p, sig.signer.n);
	touch(sig.key.p, sig.key.n);
	touch(sig.signature.p, sig.signature.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report quiet = { .who = "fuzz", .level = REPORT_NONE };
	struct arena arena = { 0 };
	struct config config = { .arena = &arena };
	char *text;

	look_at_signature((struct span){ data, size });
	text = arena_text(&arena, (const char *)data, size);
	FUZZ_CHECK(text != NULL);
	if (size != 0 && data[0] % 2 != 0)
		FUZZ_CHECK(
		    config_parse_cmdline(&config, text + 1, &quiet) == 0);
	else
		FUZZ_CHECK(config_parse(&config, "fuzz",
			       (struct span){ data, size }, &quiet) == 0);
	use(&config);
	arena_free(&arena);
	return 0;
}
