/* SPDX-License-Identifier: MIT */
/*
 * What clients' requests are at, while they are done: who looks at a module
 * that is neither here nor gone can see who works on it, and a request that
 * takes long is named in the log. Each session has one struct doing, under its
 * lock. Which module it is about is guessed by the request's fields; the engine
 * says better, in the thread that loads.
 */
#include "host.h"

#include <string.h>

static _Thread_local struct session *current;

/* --- the session's own thread */

void doing_begin(struct request *q, const char *verb)
{
	static const char *const keys[] = { "module", "names", "file", "path" };
	struct doing d = { .verb = verb, .since_ns = host_now_ns() };

	for (size_t i = 0; i < ARRAY_SIZE(keys) && d.module[0] == '\0'; i++) {
		const char *value = wire_get(q->line, keys[i]);

		if (value != NULL)
			(void)tn_module_name(value, d.module);
	}
	current = q->session;
	(void)pthread_mutex_lock(&current->lock);
	current->doing = d;
	(void)pthread_mutex_unlock(&current->lock);
}

void doing_module(const char *name)
{
	if (current == NULL)
		return;
	(void)pthread_mutex_lock(&current->lock);
	(void)tn_module_name(name, current->doing.module);
	(void)pthread_mutex_unlock(&current->lock);
}

void doing_end(void)
{
	(void)pthread_mutex_lock(&current->lock);
	current->doing.verb = NULL;
	(void)pthread_mutex_unlock(&current->lock);
	current = NULL;
}

/* --- who looks at all of them */

/*
 * Calls @fn with each session that does something, under both locks; *@doing is
 * that of the session.
 */
static void each(struct hostd *h,
    void (*fn)(void *arg, const struct session *s, struct doing *doing),
    void *arg)
{
	(void)pthread_mutex_lock(&h->lock);
	for (struct session *s = h->sessions; s != NULL; s = s->next) {
		(void)pthread_mutex_lock(&s->lock);
		if (s->doing.verb != NULL)
			fn(arg, s, &s->doing);
		(void)pthread_mutex_unlock(&s->lock);
	}
	(void)pthread_mutex_unlock(&h->lock);
}

static struct worker worker_of(const struct session *s, const struct doing *d)
{
	struct worker w = {
		.verb = d->verb, .since_ns = d->since_ns, .pid = s->pid
	};

	memcpy(w.module, d->module, sizeof(w.module));
	memcpy(w.client, s->client, sizeof(w.client));
	return w;
}

struct search {
	const char *module;
	struct worker *out;
};

static void compare(void *arg, const struct session *s, struct doing *d)
{
	const struct search *search = arg;
	struct worker *w = search->out;

	if (s != current && strcmp(d->module, search->module) == 0 &&
	    (w->verb == NULL || d->since_ns < w->since_ns))
		*w = worker_of(s, d);
}

/* The others wait for the one that came first. */
bool doing_find(struct hostd *h, const char *module, struct worker *out)
{
	struct search search = { module, out };

	out->verb = NULL;
	each(h, compare, &search);
	return out->verb != NULL;
}

static void log_one(struct hostd *h, const struct worker *w, const char *how)
{
	host_log(h, true, "%s%s%s of client %s (process %d) %s", w->verb,
	    w->module[0] != '\0' ? " " : "", w->module, w->client, (int)w->pid,
	    how);
}

static void log_rest(void *arg, const struct session *s, struct doing *d)
{
	const struct worker w = worker_of(s, d);

	log_one(arg, &w, "still runs");
}

void doing_log_rest(struct hostd *h)
{
	each(h, log_rest, h);
}

struct sieve {
	uint64_t before_ns;
	struct worker found; /* without a verb: none is */
};

static void take_long(void *arg, const struct session *s, struct doing *d)
{
	struct sieve *sieve = arg;

	if (d->told || d->since_ns > sieve->before_ns ||
	    sieve->found.verb != NULL)
		return;
	d->told = true;
	sieve->found = worker_of(s, d);
}

/* One at a time: a log that does not take it must not hold the locks. */
void doing_log_long(struct hostd *h)
{
	const uint64_t ns = h->config.wait_ms * UINT64_C(1000000);
	struct sieve sieve = { .before_ns = host_now_ns() - ns };

	do {
		sieve.found.verb = NULL;
		each(h, take_long, &sieve);
		if (sieve.found.verb != NULL)
			log_one(h, &sieve.found, "takes long");
	} while (sieve.found.verb != NULL);
}

static void show(void *arg, const struct session *s, struct doing *d)
{
	struct request *q = arg;

	if (s == current)
		return; /* which asks */
	reply_begin(q, "request");
	wire_add(q->out, "verb", d->verb);
	if (d->module[0] != '\0')
		wire_add(q->out, "module", d->module);
	wire_add(q->out, "client", s->client);
	wire_add_signed(q->out, "process", s->pid);
	wire_add_number(q->out, "age_ns", host_now_ns() - d->since_ns);
	wire_end(q->out);
}

void verb_requests(struct request *q)
{
	each(q->host, show, q);
	reply_ok(q);
}
