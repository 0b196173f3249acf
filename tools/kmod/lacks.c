/* SPDX-License-Identifier: MIT */
/* See lacks.h. */
#include "lacks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index_read.h"
#include "modscan.h"

#define TOLD_MAX 32 /* modules that are named */

struct lacks {
	const struct connection *c;
	const struct report *r;
	struct trie symbols;
	const char *told[TOLD_MAX]; /* the index's own texts */
	size_t n;
};

/* Opens the index of the nearest folder above the file that has one. */
static bool open_index(struct trie *symbols, const char *path)
{
	char *folder = realpath(path, NULL), *slash, *name;
	bool found = false;

	while (!found && folder != NULL &&
	       (slash = strrchr(folder, '/')) != NULL) {
		*slash = '\0';
		if (asprintf(&name, "%s/modules.symbols.bin", folder) < 0)
			break;
		found = trie_open(symbols, name) == 0;
		free(name);
	}
	free(folder);
	return found;
}

static bool is_told(const struct lacks *l, const char *module)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->told[i], module) == 0)
			return true;
	return l->n == TOLD_MAX;
}

static void look(struct lacks *l, const char *symbol)
{
	const char *module;
	char *key;

	if (asprintf(&key, "symbol:%s", symbol) < 0)
		return;
	module = trie_find(&l->symbols, key);
	free(key);
	if (module == NULL || is_told(l, module))
		return;
	l->told[l->n++] = module;
	if (l->c->ops->state(l->c->be, module, NULL, NULL) == BACKEND_ABSENT)
		report(l->r, REPORT_ERROR,
		    "%s is in module %s, which is not loaded", symbol, module);
}

static void look_all(struct lacks *l, const struct facts *facts)
{
	const char *symbol = facts_first(facts, FACTS_IMPORTS);

	for (uint32_t i = 0; i < facts->n[FACTS_IMPORTS]; i++) {
		look(l, symbol);
		symbol = facts_next(symbol);
	}
}

void lacks_tell(
    const char *path, const struct connection *c, const struct report *r)
{
	struct lacks l = { .c = c, .r = r };
	struct modscan scan;
	struct facts facts;

	if (!open_index(&l.symbols, path))
		return;
	if (modscan_init(&scan, 0, false) == 0) {
		if (modscan_file(&scan, AT_FDCWD, path, &facts) == 0)
			look_all(&l, &facts);
		modscan_fini(&scan);
	}
	trie_close(&l.symbols);
}
