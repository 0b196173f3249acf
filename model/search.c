/* SPDX-License-Identifier: MIT */
/*
 * See search.h. That every run ends, under any scheduler that lets each
 * thread go on at some time, is asked backwards: from the states in which
 * all threads are done, along all steps, every state must be met.
 */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct key {
	uint64_t a, b;
};

/* How a state was reached first. */
struct origin {
	uint32_t from;
	uint8_t thread;
	bool drain;
	uint8_t digit[MAX_CHOICES];
};

struct edge {
	uint32_t from, to;
};

struct pending {
	struct pending *next;
	uint32_t n;
	struct state state;
};

struct search {
	const struct model *model;
	enum machine machine;
	unsigned mutant;
	/* open addressing; keys and origins by number of the state */
	uint32_t *table;
	uint32_t room; /* of the table, a power of two */
	struct key *keys;
	struct origin *origins;
	bool *ends; /* all threads are done, or can be */
	uint32_t n, max;
	struct edge *edges;
	size_t nedges, max_edges;
	struct pending *first, **last;
	const char *wrong;
	uint32_t where;     /* the state in which it is wrong, or ... */
	struct origin step; /* ... from which this step goes wrong */
	bool has_step;
};

static void *must(void *p)
{
	if (!p) {
		fputs("model: no memory\n", stderr);
		abort();
	}
	return p;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static struct key key_of(const struct state *s)
{
	const uint8_t *p = (const uint8_t *)s;
	struct key k = { 1, 2 };

	for (size_t i = 0; i < sizeof(*s); i += 8) {
		uint64_t word = 0;

		memcpy(&word, p + i, sizeof(*s) - i < 8 ? sizeof(*s) - i : 8);
		k.a = mix(k.a, word);
		k.b = mix(k.b + (word << 1), ~word);
	}
	return k;
}

static uint32_t *slot_of(const struct search *s, struct key k)
{
	uint32_t i = (uint32_t)k.a & (s->room - 1);

	while (s->table[i] != NONE &&
	       (s->keys[s->table[i]].a != k.a || s->keys[s->table[i]].b != k.b))
		i = (i + 1) & (s->room - 1);
	return &s->table[i];
}

static void table_grow(struct search *s)
{
	s->room = s->room ? s->room * 4 : 1 << 16;
	s->max = s->room / 2;
	s->table = must(realloc(s->table, s->room * sizeof(*s->table)));
	s->keys = must(realloc(s->keys, s->max * sizeof(*s->keys)));
	s->origins = must(realloc(s->origins, s->max * sizeof(*s->origins)));
	s->ends = must(realloc(s->ends, s->max * sizeof(*s->ends)));
	memset(s->table, 0xff, s->room * sizeof(*s->table));
	for (uint32_t i = 0; i < s->n; i++)
		*slot_of(s, s->keys[i]) = i;
}

static bool all_done(const struct search *s, const struct state *state)
{
	for (unsigned t = 0; t < s->model->nthreads; t++) {
		if (state->thread[t].pc != DONE)
			return false;
	}
	return true;
}

/* The number of @state, which is looked at later if it is new. */
static uint32_t visit(
    struct search *s, const struct state *state, const struct origin *origin)
{
	const struct key k = key_of(state);
	uint32_t *slot = slot_of(s, k);
	struct pending *p;

	if (*slot != NONE)
		return *slot;
	if (s->n == s->max) {
		table_grow(s);
		slot = slot_of(s, k);
	}
	*slot = s->n;
	s->keys[s->n] = k;
	s->origins[s->n] = *origin;
	s->ends[s->n] = all_done(s, state);
	p = must(malloc(sizeof(*p)));
	*p = (struct pending){ NULL, s->n, *state };
	*s->last = p;
	s->last = &p->next;
	return s->n++;
}

static void edge_add(struct search *s, uint32_t from, uint32_t to)
{
	if (s->nedges == s->max_edges) {
		s->max_edges = s->max_edges ? s->max_edges * 2 : 1 << 16;
		s->edges =
		    must(realloc(s->edges, s->max_edges * sizeof(*s->edges)));
	}
	s->edges[s->nedges++] = (struct edge){ from, to };
}

/* The next outcome, counting the last digit first; false: there is none. */
static bool choices_next(struct choices *c)
{
	while (c->used > 0) {
		const unsigned last = c->used - 1;

		if (c->digit[last] + 1 < c->limit[last]) {
			c->digit[last]++;
			c->known = c->used;
			c->used = 0;
			return true;
		}
		c->used--;
	}
	return false;
}

static void run_step(struct run *r, bool drain)
{
	if (drain)
		machine_drain(r);
	else
		r->model->step(r);
	if (r->s->thread[r->t].pc == DONE && !drain)
		machine_end(r->s, r->t, r->machine);
}

static void note(
    struct search *s, const struct pending *p, const struct run *r, bool drain)
{
	struct origin origin = {
		.from = p->n, .thread = (uint8_t)r->t, .drain = drain
	};
	uint32_t to;

	memcpy(origin.digit, r->choices.digit, sizeof(origin.digit));
	to = visit(s, r->s, &origin);
	edge_add(s, p->n, to);
	if (r->wrong && !s->wrong) {
		s->wrong = r->wrong;
		s->where = p->n;
		s->step = origin;
		s->has_step = true;
	}
}

/* All outcomes of one step of one thread. */
static void expand(
    struct search *s, const struct pending *p, unsigned t, bool drain)
{
	struct run r = { .model = s->model,
		.machine = s->machine,
		.mutant = s->mutant,
		.t = t };
	struct state after;

	do {
		after = p->state;
		r.s = &after;
		r.blocked = false;
		r.wrong = NULL;
		run_step(&r, drain);
		if (!r.blocked)
			note(s, p, &r, drain);
	} while (choices_next(&r.choices));
}

static void expand_all(struct search *s, const struct pending *p)
{
	for (unsigned t = 0; t < s->model->nthreads; t++) {
		const struct thread_state *thread = &p->state.thread[t];

		if (thread->pc != DONE && thread->sleeps_on == 0)
			expand(s, p, t, false);
		if (s->machine == TSO)
			expand(s, p, t, true);
	}
}

/* --- every run ends */

static int by_target(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->to > y->to) - (x->to < y->to);
}

/* Marks what leads to @to; the edges are sorted by their target. */
static void mark_sources(struct search *s, const uint32_t *start, uint32_t to,
    uint32_t *todo, uint32_t *ntodo)
{
	for (uint32_t e = start[to]; e < start[to + 1]; e++) {
		const uint32_t from = s->edges[e].from;

		if (!s->ends[from]) {
			s->ends[from] = true;
			todo[(*ntodo)++] = from;
		}
	}
}

static void check_ends(struct search *s)
{
	uint32_t *start = must(calloc(s->n + 1, sizeof(*start)));
	uint32_t *todo = must(calloc(s->n + 1, sizeof(*todo)));
	uint32_t ntodo = 0;

	if (s->nedges > 0)
		qsort(s->edges, s->nedges, sizeof(*s->edges), by_target);
	for (size_t e = 0; e < s->nedges; e++)
		start[s->edges[e].to + 1]++;
	for (uint32_t i = 0; i < s->n; i++) {
		start[i + 1] += start[i];
		if (s->ends[i])
			todo[ntodo++] = i;
	}
	while (ntodo > 0) {
		const uint32_t to = todo[--ntodo];

		mark_sources(s, start, to, todo, &ntodo);
	}
	for (uint32_t i = 0; i < s->n && !s->wrong; i++) {
		if (!s->ends[i]) {
			s->wrong = "a run that cannot end";
			s->where = i;
		}
	}
	free(start);
	free(todo);
}

/* --- the trace */

/* The states on the way to @n, last first; their number. */
static uint32_t way_to(const struct search *s, uint32_t n, uint32_t **way)
{
	uint32_t length = 0, room = 64;

	*way = must(malloc(room * sizeof(**way)));
	for (; n != 0; n = s->origins[n].from) {
		if (length == room) {
			room *= 2;
			*way = must(realloc(*way, room * sizeof(**way)));
		}
		(*way)[length++] = n;
	}
	return length;
}

static void trace_step(const struct search *s, struct state *state,
    const struct origin *o, FILE *f)
{
	char line[TRACE_SIZE];
	struct run r = { .model = s->model,
		.machine = s->machine,
		.mutant = s->mutant,
		.s = state,
		.t = o->thread,
		.choices.known = MAX_CHOICES,
		.trace = line };

	memcpy(r.choices.digit, o->digit, sizeof(o->digit));
	snprintf(line, TRACE_SIZE, "%s: -", s->model->threads[r.t]);
	run_step(&r, o->drain);
	fprintf(f, "  %s\n", line);
}

static char *trace_of(const struct search *s)
{
	uint32_t *way;
	uint32_t length = way_to(s, s->where, &way);
	char *text = NULL;
	struct state state;
	size_t size;
	FILE *f = must(open_memstream(&text, &size));

	machine_init(&state, s->model, s->machine);
	while (length > 0)
		trace_step(s, &state, &s->origins[way[--length]], f);
	if (s->has_step)
		trace_step(s, &state, &s->step, f);
	fprintf(f, "  -> %s\n", s->wrong);
	fclose(f);
	free(way);
	return text;
}

struct finding search(
    const struct model *m, enum machine machine, unsigned mutant)
{
	struct search s = { .model = m, .machine = machine, .mutant = mutant };
	const struct origin nowhere = { .from = NONE };
	struct finding found;
	struct state state;

	s.last = &s.first;
	table_grow(&s);
	machine_init(&state, m, machine);
	(void)visit(&s, &state, &nowhere);
	while (s.first) {
		struct pending *p = s.first;

		s.first = p->next;
		if (!s.first)
			s.last = &s.first;
		if (!s.wrong)
			expand_all(&s, p);
		free(p);
	}
	if (!s.wrong)
		check_ends(&s);
	found = (struct finding){ s.n, s.wrong, s.wrong ? trace_of(&s) : NULL };
	free(s.table);
	free(s.keys);
	free(s.origins);
	free(s.ends);
	free(s.edges);
	return found;
}
