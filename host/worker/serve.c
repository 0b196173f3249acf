/* SPDX-License-Identifier: MIT */
/*
 * A conversation with a worker: a message to it, then the module's own calls,
 * each answered, until its answer or its end. All that comes from the worker is
 * a copy that it cannot change any more, and is checked here.
 */
#include "internal.h"

#include <sched.h>

#include <tenon/err.h>

uint64_t worker_deadline(uint64_t timeout_ns)
{
	uint64_t deadline;

	if (timeout_ns == 0 ||
	    __builtin_add_overflow(lane_now(), timeout_ns, &deadline))
		return UINT64_MAX;
	return deadline;
}

/* Copies the text of @m once and ends it. */
static size_t take_text(struct worker *w, const struct message *m)
{
	const uint8_t *from = (const uint8_t *)w->page + WIRE_TEXT;
	const size_t n =
	    m->arg[0] < WIRE_TEXT_SIZE ? (size_t)m->arg[0] : WIRE_TEXT_SIZE;

	for (size_t i = 0; i < n; i++)
		w->text[i] = (char)__atomic_load_n(&from[i], __ATOMIC_RELAXED);
	w->text[n] = '\0';
	return n;
}

static int log_level(uint64_t value)
{
	return value <= TN_LOG_DEBUG ? (int)value : TN_LOG_INFO;
}

/* Answers a call of the module's; false: that is none. */
static bool answer(struct worker *w, struct message *m)
{
	const struct tn_isolate_config *c = w->config;
	int64_t result = 0;
	size_t n;

	switch (m->kind) {
	case WIRE_WRITE:
		n = take_text(w, m);
		result = c->write ? c->write(c->arg, w->slot, w->text, n)
				  : (int64_t)n;
		break;
	case WIRE_LOG:
		(void)take_text(w, m);
		if (c->log)
			c->log(c->arg, w->slot, log_level(m->value), w->text);
		break;
	case WIRE_TICKS: result = (int64_t)lane_now(); break;
	case WIRE_YIELD: sched_yield(); break;
	default: return false;
	}
	*m = (struct message){ .kind = WIRE_RESUME, .value = (uint64_t)result };
	return true;
}

/* The messages that are no calls: 0, or the worker has ended. */
static int conclude(struct worker *w, uint32_t wanted, const struct message *m)
{
	if (m->kind == wanted)
		return 0;
	switch (m->kind) {
	case WIRE_FAULT: return worker_end(w, TN_ISOLATE_FAULT, m);
	case WIRE_EXIT: return worker_end(w, TN_ISOLATE_EXITED, m);
	case WIRE_FAILED:
		if (wanted == WIRE_READY)
			return worker_end(w, TN_ISOLATE_UNBORN, m);
		break;
	default: break;
	}
	return worker_end(w, TN_ISOLATE_BROKEN, NULL);
}

static int silent(struct worker *w, int err)
{
	switch (err) {
	case -TN_ETIMEDOUT: return worker_end(w, TN_ISOLATE_TIMEOUT, NULL);
	case -TN_EOWNERDEAD:
		return worker_end(w,
		    lane_is_to_stop(&w->lane) ? TN_ISOLATE_KILLED
					      : TN_ISOLATE_DIED,
		    NULL);
	default: return worker_end(w, TN_ISOLATE_BROKEN, NULL);
	}
}

int worker_run(
    struct worker *w, struct message *m, uint32_t wanted, uint64_t deadline_ns)
{
	int err;

	do {
		lane_post(&w->lane, m);
		err = lane_wait(&w->lane, deadline_ns, m);
		if (err)
			return silent(w, err);
		/* A module that asks without end gets no time by that. */
		if (m->kind != wanted && lane_is_to_stop(&w->lane))
			return silent(w, -TN_EOWNERDEAD);
		if (m->kind != wanted && deadline_ns != UINT64_MAX &&
		    lane_now() >= deadline_ns)
			return silent(w, -TN_ETIMEDOUT);
	} while (answer(w, m));
	return conclude(w, wanted, m);
}
