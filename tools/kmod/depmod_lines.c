/* SPDX-License-Identifier: MIT */
/*
 * The lines of modules.dep: depmod_make_lines. What a module needs is followed
 * over all others; their ranks, sorted, put each one before those that it
 * needs itself.
 */
#include "depmod.h"

#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#include "depmod_text.h"

struct closure {
	struct depmod *d;
	uint32_t *by_rank; /* rank -> module */
	uint32_t *seen_by; /* of each module: for whom it was met, and 1 */
	uint32_t *ranks;   /* of all that one module needs */
	uint32_t *todo;    /* modules whose needs have not been followed */
	uint32_t n, ntodo;
};

static void meet(
    struct closure *c, uint32_t for_whom, const uint32_t *needs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (c->seen_by[needs[i]] == for_whom + 1)
			continue;
		c->seen_by[needs[i]] = for_whom + 1;
		c->ranks[c->n++] = c->d->modules[needs[i]].rank;
		c->todo[c->ntodo++] = needs[i];
	}
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sets ranks[] to those of all that @module needs, sorted. */
static void close_over(struct closure *c, uint32_t module)
{
	const struct dep_module *modules = c->d->modules;

	c->n = 0;
	meet(c, module, modules[module].needs, modules[module].nneeds);
	while (c->ntodo != 0) {
		const struct dep_module *m = &modules[c->todo[--c->ntodo]];

		meet(c, module, m->needs, m->nneeds);
	}
	if (c->n > 1)
		qsort(c->ranks, c->n, sizeof(*c->ranks), by_number);
}

static void add_line(struct closure *c, uint32_t module)
{
	struct depmod *d = c->d;
	struct buffer *out = &d->lines;

	close_over(c, module);
	d->modules[module].line = out->n;
	buffer_text(out, d->modules[module].path);
	buffer_char(out, ':');
	for (uint32_t i = 0; i < c->n; i++) {
		buffer_char(out, ' ');
		buffer_text(out, d->modules[c->by_rank[c->ranks[i]]].path);
	}
	buffer_char(out, '\0');
}

int depmod_make_lines(struct depmod *d)
{
	struct closure c = { .d = d };
	const size_t size = (d->nmodules + 1) * sizeof(uint32_t);

	c.by_rank = arena_alloc(&d->arena, size);
	c.seen_by = arena_alloc(&d->arena, size);
	c.ranks = arena_alloc(&d->arena, size);
	c.todo = arena_alloc(&d->arena, size);
	if (c.by_rank == NULL || c.seen_by == NULL || c.ranks == NULL ||
	    c.todo == NULL)
		return -TN_ENOMEM;
	for (uint32_t i = 0; i < d->nmodules; i++)
		c.by_rank[d->modules[i].rank] = i;
	for (uint32_t i = 0; i < d->nmodules; i++)
		add_line(&c, i);
	return d->lines.failed ? -TN_ENOMEM : 0;
}
