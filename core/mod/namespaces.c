/* SPDX-License-Identifier: MIT */
/*
 * The namespaces that a module imports: its `import_ns=` entries, indexed once
 * so that asking for each import is linear in total.
 */
#include "load.h"

#include <base/string.h>
#include <elf/tables.h>

/* The namespace of the next entry in *@rest, or NULL at the end. */
static const char *next_import(struct span *rest)
{
	static const char key[] = "import_ns=";
	const char *entry;

	while (elf_modinfo_next(rest, &entry))
		if (str_begins(entry, key))
			return entry + sizeof(key) - 1;
	return NULL;
}

int namespaces_open(struct tn_load *l)
{
	struct span rest = l->modinfo;
	size_t n = 0;

	while (next_import(&rest) != NULL)
		n++;
	if (n == 0)
		return 0;
	l->ns_keys = load_table(l, n, sizeof(*l->ns_keys));
	if (l->ns_keys == NULL)
		return l->diag->error;
	index_init(&l->ns_index, l->port, l->sys->config.seed);
	if (index_reserve(&l->ns_index, n) != 0)
		return load_fail_memory(l, n);
	rest = l->modinfo;
	for (size_t i = 0; i < n; i++) {
		l->ns_keys[i].name = next_import(&rest);
		(void)index_insert(&l->ns_index, &l->ns_keys[i]);
	}
	return 0;
}

bool namespaces_import(const struct tn_load *l, const char *ns)
{
	return l->ns_keys != NULL && index_find(&l->ns_index, ns) != NULL;
}
