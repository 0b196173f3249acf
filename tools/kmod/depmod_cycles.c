/* SPDX-License-Identifier: MIT */
/*
 * Cycles: see depmod_cycles.h. Modules that need each other, directly or by
 * way of others, make a knot: a strongly connected component, found by Tarjan's
 * algorithm with a stack of its own. Of each knot, shortest cycles are told
 * until every module of it has been named.
 */
#include "depmod_cycles.h"

#include <string.h>

#include <tenon/err.h>

#include "depmod.h"

#define CYCLES_MAX 1000u /* that are told */
#define NONE       UINT32_MAX

/* A module on the way of the search, and which of its needs comes next. */
struct step {
	uint32_t module, next;
};

struct cycles {
	struct depmod *d;
	uint32_t *number; /* when the search came by, from 1; 0: not yet */
	uint32_t *low;    /* the earliest module that is reached from it */
	uint32_t *knot;   /* an early number for all of a knot; 0: open */
	uint32_t *stack;  /* modules whose knot is open */
	struct step *way; /* from where the search began */
	uint32_t nway, nstack, count, nknots;
	uint32_t *size; /* of knots, by their number */
	/* of one cycle: */
	uint32_t *from;  /* who led to a module */
	uint32_t *queue; /* modules in the order of their distance */
	bool *told;
	uint32_t ntold;
};

static bool is_cyclic(const struct cycles *c, uint32_t module)
{
	const struct dep_module *m = &c->d->modules[module];

	if (c->knot[module] == 0)
		return false;
	if (c->size[c->knot[module]] > 1)
		return true;
	for (uint32_t i = 0; i < m->nneeds; i++)
		if (m->needs[i] == module)
			return true;
	return false;
}

/* --- knots */

static void enter(struct cycles *c, uint32_t module)
{
	c->number[module] = c->low[module] = ++c->count;
	c->stack[c->nstack++] = module;
	c->way[c->nway++] = (struct step){ module, 0 };
}

/* All needs of @module have been followed: it may close a knot. */
static void leave(struct cycles *c, uint32_t module)
{
	uint32_t member;

	c->nway--;
	if (c->nway != 0) {
		uint32_t *low = &c->low[c->way[c->nway - 1].module];

		if (c->low[module] < *low)
			*low = c->low[module];
	}
	if (c->low[module] != c->number[module])
		return;
	c->nknots++;
	do {
		member = c->stack[--c->nstack];
		c->knot[member] = c->nknots;
		c->size[c->nknots]++;
	} while (member != module);
}

static void follow(struct cycles *c, uint32_t module, uint32_t need)
{
	if (c->d->modules[need].rank != DEPMOD_UNRANKED)
		return;
	if (c->number[need] == 0)
		enter(c, need);
	else if (c->knot[need] == 0 && c->number[need] < c->low[module])
		c->low[module] = c->number[need];
}

static void find_knots(struct cycles *c, uint32_t start)
{
	enter(c, start);
	while (c->nway != 0) {
		struct step *step = &c->way[c->nway - 1];
		const struct dep_module *m = &c->d->modules[step->module];

		if (step->next < m->nneeds)
			follow(c, step->module, m->needs[step->next++]);
		else
			leave(c, step->module);
	}
}

/* --- one cycle */

/* The module that leads back to @start on a shortest way inside its knot. */
static uint32_t search_back(struct cycles *c, uint32_t start)
{
	const struct depmod *d = c->d;
	uint32_t head = 0, tail = 0;

	memset(c->from, 0xff, d->nmodules * sizeof(*c->from));
	c->queue[tail++] = start;
	while (head < tail) {
		const uint32_t at = c->queue[head++];
		const struct dep_module *m = &d->modules[at];

		for (uint32_t i = 0; i < m->nneeds; i++) {
			const uint32_t need = m->needs[i];

			if (need == start)
				return at;
			if (c->knot[need] != c->knot[start] ||
			    c->from[need] != NONE)
				continue;
			c->from[need] = at;
			c->queue[tail++] = need;
		}
	}
	return start; /* not reached: it is on a cycle */
}

/* The cycle ..., @last, @start, as a row in queue[]; its length. */
static uint32_t collect(struct cycles *c, uint32_t start, uint32_t last)
{
	uint32_t n = 0;

	for (uint32_t at = last; at != start; at = c->from[at])
		c->queue[n++] = at;
	c->queue[n++] = start;
	for (uint32_t i = 0, j = n - 1; i < j; i++, j--) {
		const uint32_t swapped = c->queue[i];

		c->queue[i] = c->queue[j];
		c->queue[j] = swapped;
	}
	return n;
}

/* Tells queue[0..n-1], beginning with the module of the lowest number. */
static int tell(struct cycles *c, uint32_t n)
{
	const struct depmod *d = c->d;
	struct buffer text = { 0 };
	uint32_t first = 0;
	int err = 0;

	for (uint32_t i = 1; i < n; i++)
		if (c->queue[i] < c->queue[first])
			first = i;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t module = c->queue[(first + i) % n];

		c->told[module] = true;
		buffer_text(&text, d->modules[module].name);
		buffer_text(&text, " -> ");
	}
	buffer_text(&text, d->modules[c->queue[first]].name);
	buffer_char(&text, '\0');
	if (text.failed)
		err = -TN_ENOMEM;
	else
		report(&d->report, REPORT_ERROR, "Cycle detected: %s", text.p);
	buffer_free(&text);
	c->ntold++;
	return err;
}

/* Tells cycles through all modules of the knot of @first, the last one first. */
static int tell_knot(struct cycles *c, uint32_t first)
{
	int err = 0;

	for (uint32_t i = c->d->nmodules; !err && i-- > first;) {
		if (c->knot[i] != c->knot[first] || c->told[i] ||
		    c->ntold == CYCLES_MAX)
			continue;
		err = tell(c, collect(c, i, search_back(c, i)));
	}
	return err;
}

static bool alloc(struct cycles *c)
{
	struct arena *arena = &c->d->arena;
	const size_t n = c->d->nmodules + 1, words = n * sizeof(uint32_t);

	c->number = arena_alloc(arena, words);
	c->low = arena_alloc(arena, words);
	c->knot = arena_alloc(arena, words);
	c->stack = arena_alloc(arena, words);
	c->size = arena_alloc(arena, words);
	c->from = arena_alloc(arena, words);
	c->queue = arena_alloc(arena, words);
	c->way = arena_alloc(arena, n * sizeof(*c->way));
	c->told = arena_alloc(arena, n * sizeof(*c->told));
	return c->number != NULL && c->low != NULL && c->knot != NULL &&
	       c->stack != NULL && c->size != NULL && c->from != NULL &&
	       c->queue != NULL && c->way != NULL && c->told != NULL;
}

int depmod_tell_cycles(struct depmod *d)
{
	struct cycles c = { .d = d };
	uint32_t cyclic = 0;
	int err = alloc(&c) ? 0 : -TN_ENOMEM;

	for (uint32_t i = 0; !err && i < d->nmodules; i++)
		if (d->modules[i].rank == DEPMOD_UNRANKED && c.number[i] == 0)
			find_knots(&c, i);
	for (uint32_t i = 0; !err && i < d->nmodules; i++) {
		if (!is_cyclic(&c, i))
			continue;
		cyclic++;
		if (!c.told[i] && c.ntold < CYCLES_MAX)
			err = tell_knot(&c, i);
	}
	if (err)
		return err;
	report(&d->report, REPORT_ERROR,
	    "Found %u modules in dependency cycles!", cyclic);
	return -TN_ELOOP;
}
