/* SPDX-License-Identifier: MIT */
/*
 * Text that is configuration: a file of modprobe.d, or behind a first byte of
 * odd value the kernel's command line; a file of depmod.d; and appended
 * signatures.
 */
#include "config.h"
#include "depmod_config.h"
#include "kit.h"
#include "modsig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/*
 * As a file of depmod.d, and which of two files of a module it prefers. What
 * regcomp(3) needs for counted repetitions of each other is not ours to judge.
 */
static void read_depmod_config(const uint8_t *data, size_t size)
{
	const struct report quiet = { .who = "fuzz", .level = REPORT_NONE };
	char path[40];
	const char *const paths[] = { path, NULL };
	const struct depmod_config_for what = { "/lib/modules/6.1", "6.1",
		paths };
	struct depmod_config config = { 0 };
	struct arena arena = { 0 };

	if (size != 0 && memchr(data, '{', size) != NULL)
		return;
	const int fd = memfd_create("conf", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FUZZ_CHECK(depmod_config_load(&config, &arena, &what, &quiet) == 0);
	for (const struct config_text *t = config.excludes; t != NULL;
	     t = t->next)
		touch_string(t->text);
	(void)depmod_config_prefers(&config, "/lib/modules/6.1/extra/a.ko",
	    "/lib/modules/6.1/kernel/a.ko");
	(void)close(fd);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report quiet = { .who = "fuzz", .level = REPORT_NONE };
	struct arena arena = { 0 };
	struct config config = { .arena = &arena };
	char *text;

	look_at_signature((struct span){ data, size });
	read_depmod_config(data, size);
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
