/* SPDX-License-Identifier: MIT */
/*
 * See machine.h. Stores that no thread can read any more are dropped and the
 * numbers of the others moved down, so that equal situations are equal states.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct run *r, const char *what, unsigned loc, unsigned value)
{
	if (r->trace)
		snprintf(r->trace, TRACE_SIZE, "%s: %s %s %u",
		    r->model->threads[r->t], what, r->model->locs[loc], value);
}

static void say_event(struct run *r, const char *what)
{
	if (r->trace)
		snprintf(r->trace, TRACE_SIZE, "%s: %s",
		    r->model->threads[r->t], what);
}

static void too_many(const struct run *r, const char *what)
{
	fprintf(stderr, "model %s: too many %s\n", r->model->name, what);
	abort();
}

void check(struct run *r, bool holds, const char *wrong)
{
	if (!holds && !r->wrong)
		r->wrong = wrong;
}

unsigned choose(struct run *r, unsigned n)
{
	struct choices *c = &r->choices;

	if (c->used == MAX_CHOICES)
		too_many(r, "choices");
	if (c->used == c->known)
		c->digit[c->known++] = 0;
	c->limit[c->used] = (uint8_t)n;
	return c->digit[c->used++];
}

void machine_init(struct state *s, const struct model *m, enum machine machine)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < m->nlocs; i++) {
		const uint8_t value = m->memory ? m->memory[i] : 0;

		if (machine == TSO) {
			s->tso.memory[i] = value;
		} else {
			s->relaxed.nstores[i] = 1;
			s->relaxed.store[i][0].value = value;
		}
	}
	for (unsigned t = m->nthreads; t < MAX_THREADS; t++)
		s->thread[t].pc = DONE;
	if (m->init)
		m->init(s);
}

/* --- total store order */

static void tso_drain_one(struct tso *m, unsigned t)
{
	const struct buffered b = m->buffer[t][0];

	m->memory[b.loc] = b.value;
	m->nbuffered[t]--;
	memmove(
	    &m->buffer[t][0], &m->buffer[t][1], sizeof(b) * (MAX_BUFFER - 1));
	m->buffer[t][MAX_BUFFER - 1] = (struct buffered){ 0, 0 };
}

void machine_drain(struct run *r)
{
	struct tso *m = &r->s->tso;

	r->blocked = r->machine != TSO || m->nbuffered[r->t] == 0;
	if (r->blocked)
		return;
	say(r, "(drains)", m->buffer[r->t][0].loc, m->buffer[r->t][0].value);
	tso_drain_one(m, r->t);
}

static uint8_t tso_load(const struct tso *m, unsigned t, unsigned loc)
{
	for (unsigned i = m->nbuffered[t]; i-- > 0;) {
		if (m->buffer[t][i].loc == loc)
			return m->buffer[t][i].value;
	}
	return m->memory[loc];
}

static void tso_store(struct run *r, unsigned loc, uint8_t value)
{
	struct tso *m = &r->s->tso;

	r->blocked = m->nbuffered[r->t] == MAX_BUFFER;
	if (!r->blocked)
		m->buffer[r->t][m->nbuffered[r->t]++] =
		    (struct buffered){ (uint8_t)loc, value };
}

/* Locked instructions and fences wait for the buffer of their thread. */
static bool tso_is_drained(struct run *r)
{
	r->blocked = r->s->tso.nbuffered[r->t] != 0;
	return !r->blocked;
}

/* --- relaxed */

static void join(struct view *to, const struct view *from)
{
	for (unsigned i = 0; i < MAX_LOCS; i++) {
		if (to->at[i] < from->at[i])
			to->at[i] = from->at[i];
	}
}

static void view_shift(struct view *v, unsigned loc, uint8_t n)
{
	v->at[loc] = v->at[loc] > n ? (uint8_t)(v->at[loc] - n) : 0;
}

static bool is_alive(const struct run *r, unsigned t)
{
	return r->s->thread[t].pc != DONE;
}

static void forget(struct run *r, unsigned loc, uint8_t n)
{
	struct relaxed *m = &r->s->relaxed;

	m->nstores[loc] = (uint8_t)(m->nstores[loc] - n);
	memmove(&m->store[loc][0], &m->store[loc][n],
	    sizeof(struct message) * m->nstores[loc]);
	memset(&m->store[loc][m->nstores[loc]], 0, sizeof(struct message) * n);
	for (unsigned t = 0; t < MAX_THREADS; t++)
		view_shift(&m->seen[t], loc, n);
	view_shift(&m->fenced, loc, n);
	view_shift(&m->ended, loc, n);
	for (unsigned l = 0; l < r->model->nlocs; l++) {
		for (unsigned i = 0; i < m->nstores[l]; i++)
			view_shift(&m->store[l][i].view, loc, n);
	}
}

static void forget_old(struct run *r, unsigned loc)
{
	struct relaxed *m = &r->s->relaxed;
	uint8_t oldest = (uint8_t)(m->nstores[loc] - 1);

	for (unsigned t = 0; t < r->model->nthreads; t++) {
		if (is_alive(r, t) && m->seen[t].at[loc] < oldest)
			oldest = m->seen[t].at[loc];
	}
	if (oldest != 0)
		forget(r, loc, oldest);
}

static void relaxed_read(
    struct run *r, unsigned loc, uint8_t n, enum order order)
{
	struct relaxed *m = &r->s->relaxed;

	m->seen[r->t].at[loc] = n;
	if (order == ACQUIRE)
		join(&m->seen[r->t], &m->store[loc][n].view);
	forget_old(r, loc);
}

static void relaxed_store(
    struct run *r, unsigned loc, uint8_t value, enum order order)
{
	struct relaxed *m = &r->s->relaxed;
	const uint8_t n = m->nstores[loc];

	if (n == MAX_STORES)
		too_many(r, "stores");
	m->nstores[loc]++;
	m->seen[r->t].at[loc] = n;
	m->store[loc][n].value = value;
	m->store[loc][n].writer = (uint8_t)(r->t + 1);
	if (order == RELEASE)
		m->store[loc][n].view = m->seen[r->t];
	else if (m->store[loc][n - 1].writer == r->t + 1)
		m->store[loc][n].view = m->store[loc][n - 1].view;
	m->store[loc][n].view.at[loc] = n;
	forget_old(r, loc);
}

static struct message *newest(struct relaxed *m, unsigned loc)
{
	return &m->store[loc][m->nstores[loc] - 1];
}

/* Reads the newest, and carries on what that one carried. */
static void relaxed_exchange(struct run *r, unsigned loc, uint8_t value)
{
	struct relaxed *m = &r->s->relaxed;
	const struct view carried = newest(m, loc)->view;

	join(&m->seen[r->t], &carried);
	relaxed_store(r, loc, value, RELEASE);
}

static void relaxed_fence(struct run *r)
{
	struct relaxed *m = &r->s->relaxed;

	join(&m->fenced, &m->seen[r->t]);
	m->seen[r->t] = m->fenced;
}

static void relaxed_barrier(struct run *r)
{
	struct relaxed *m = &r->s->relaxed;

	join(&m->fenced, &m->ended);
	for (unsigned t = 0; t < r->model->nthreads; t++) {
		if (is_alive(r, t))
			join(&m->fenced, &m->seen[t]);
	}
	for (unsigned t = 0; t < r->model->nthreads; t++) {
		if (is_alive(r, t))
			m->seen[t] = m->fenced;
	}
	for (unsigned l = 0; l < r->model->nlocs; l++)
		forget_old(r, l);
}

/* --- both */

static uint8_t latest(struct run *r, unsigned loc)
{
	return r->machine == TSO ? r->s->tso.memory[loc]
				 : newest(&r->s->relaxed, loc)->value;
}

uint8_t load(struct run *r, unsigned loc, enum order order)
{
	uint8_t value, n;

	if (r->machine == TSO) {
		value = tso_load(&r->s->tso, r->t, loc);
	} else {
		n = r->s->relaxed.seen[r->t].at[loc];
		n = (uint8_t)(n + choose(r, r->s->relaxed.nstores[loc] - n));
		value = r->s->relaxed.store[loc][n].value;
		relaxed_read(r, loc, n, order);
	}
	say(r, "loads", loc, value);
	return value;
}

void store(struct run *r, unsigned loc, unsigned value, enum order order)
{
	if (r->machine == TSO)
		tso_store(r, loc, (uint8_t)value);
	else
		relaxed_store(r, loc, (uint8_t)value, order);
	say(r, "stores", loc, value);
}

static void exchange(struct run *r, unsigned loc, uint8_t value)
{
	if (r->machine == TSO)
		r->s->tso.memory[loc] = value;
	else
		relaxed_exchange(r, loc, value);
	say(r, "exchanges", loc, value);
}

uint8_t add(struct run *r, unsigned loc, int n)
{
	const uint8_t old = latest(r, loc);

	if (r->machine == RELAXED || tso_is_drained(r))
		exchange(r, loc, (uint8_t)(old + n));
	return old;
}

void add_and_fence(struct run *r, unsigned loc, int n)
{
	(void)add(r, loc, n);
	if (r->machine == RELAXED)
		relaxed_fence(r);
}

bool swap_if(struct run *r, unsigned loc, unsigned from, unsigned to)
{
	const uint8_t old = latest(r, loc);

	if (r->machine == TSO && !tso_is_drained(r))
		return false;
	if (old == from)
		exchange(r, loc, (uint8_t)to);
	else
		say(r, "does not exchange", loc, old);
	return old == from;
}

void fence(struct run *r)
{
	if (r->machine == TSO)
		(void)tso_is_drained(r);
	else
		relaxed_fence(r);
	say_event(r, "fence");
}

/* What was given before cannot be read, so there is one store only. */
void mutex_take(struct run *r, unsigned loc)
{
	struct relaxed *m = &r->s->relaxed;

	if (r->machine == TSO && !tso_is_drained(r))
		return;
	r->blocked = latest(r, loc) != 0;
	if (r->blocked)
		return;
	if (r->machine == TSO) {
		r->s->tso.memory[loc] = 1;
	} else {
		join(&m->seen[r->t], &m->store[loc][0].view);
		m->store[loc][0] = (struct message){ .value = 1 };
	}
	say(r, "takes", loc, 1);
}

void mutex_give(struct run *r, unsigned loc)
{
	if (r->machine == TSO)
		tso_store(r, loc, 0);
	else
		r->s->relaxed.store[loc][0] =
		    (struct message){ .view = r->s->relaxed.seen[r->t] };
	say(r, "gives", loc, 0);
}

void machine_end(struct state *s, unsigned t, enum machine machine)
{
	s->thread[t] = (struct thread_state){ .pc = DONE };
	if (machine == TSO)
		return;
	join(&s->relaxed.ended, &s->relaxed.seen[t]);
	memset(&s->relaxed.seen[t], 0, sizeof(struct view));
}

void barrier(struct run *r)
{
	if (r->machine == RELAXED) {
		relaxed_barrier(r);
	} else {
		for (unsigned t = 0; t < r->model->nthreads; t++) {
			while (r->s->tso.nbuffered[t] != 0)
				tso_drain_one(&r->s->tso, t);
		}
	}
	say_event(r, "barrier in all threads");
}

void sleep_on(struct run *r, unsigned loc, unsigned value)
{
	if (r->machine == TSO && !tso_is_drained(r))
		return;
	if (latest(r, loc) == value)
		self(r)->sleeps_on = (uint8_t)(loc + 1);
	say(r, "sleeps while", loc, value);
}

void wake_all(struct run *r, unsigned loc)
{
	for (unsigned t = 0; t < r->model->nthreads; t++) {
		if (r->s->thread[t].sleeps_on == loc + 1)
			r->s->thread[t].sleeps_on = 0;
	}
	say(r, "wakes", loc, 0);
}

void mark(struct run *r, unsigned loc)
{
	if (r->machine == RELAXED)
		relaxed_store(r, loc, 0, PLAIN);
}

bool ordered(const struct run *r, unsigned loc)
{
	const struct relaxed *m = &r->s->relaxed;

	return r->machine == TSO ||
	       m->seen[r->t].at[loc] == m->nstores[loc] - 1;
}
