/* SPDX-License-Identifier: MIT */
/*
 * What a module says of itself. The generation keeps a copy of .modinfo as it
 * is: strings are found in it when somebody asks, which is seldom, and cost
 * no memory of their own.
 */
#include "metadata.h"

#include <base/string.h>
#include <elf/tables.h>

#include "load.h"

int load_metadata(struct tn_load *l)
{
	struct generation *gen = l->gen;
	const char *version, *license;
	void *copy;

	gen->version = gen->license = "";
	if (l->modinfo.n == 0)
		return 0;
	copy = load_alloc_array(l, l->modinfo.n, 1);
	if (copy == NULL)
		return l->diag->error;
	memcpy(copy, l->modinfo.p, l->modinfo.n);
	gen->modinfo = (struct span){ copy, l->modinfo.n };
	version = elf_modinfo_get(gen->modinfo, "version");
	license = elf_modinfo_get(gen->modinfo, "license");
	gen->version = version != NULL ? version : "";
	gen->license = license != NULL ? license : "";
	return 0;
}

void metadata_free(const struct tn_port *port, struct generation *gen)
{
	port_free(port, (void *)(uintptr_t)gen->modinfo.p, gen->modinfo.n);
	gen->modinfo = (struct span){ NULL, 0 };
}

/* What follows @prefix in @s, or NULL. */
static const char *after(const char *s, const char *prefix)
{
	return str_begins(s, prefix) ? s + str_len(prefix) : NULL;
}

const char *metadata_of(
    const struct generation *gen, const char *key, const char *name)
{
	struct span rest = gen->modinfo;
	const char *entry;

	while (elf_modinfo_next(&rest, &entry)) {
		const char *s = after(entry, key);

		if (s == NULL || *s != '=')
			continue;
		s = after(s + 1, name);
		if (s != NULL && *s == ':')
			return s + 1;
	}
	return "";
}
