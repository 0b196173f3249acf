/* SPDX-License-Identifier: MIT */
/*
 * Scanning all files: depmod_scan. Threads take modules, a few at a time, from
 * a counter; each has a scanner of its own, and the result of a module goes to
 * its place, so the outcome does not depend on who did it.
 */
#include "depmod.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tenon/err.h>

#define BATCH    8u   /* modules at a time */
#define JOBS_MAX 256u /* threads */

/* How scanning a module ended. */
struct outcome {
	int err;
	struct modread_why why;
};

struct scanning {
	struct depmod *d;
	struct outcome
	    *outcomes;    /* of each module; written by who scanned it */
	atomic_uint next; /* the first module that nobody has taken */
};

struct worker {
	struct scanning *all;
	struct modscan *scan;
	pthread_t thread;
	bool is_running;
};

static void scan_one(struct scanning *a, struct modscan *scan, uint32_t i)
{
	struct dep_module *m = &a->d->modules[i];

	if (m->facts.texts != NULL)
		return; /* from the cache */
	a->outcomes[i].err = modscan_file(scan, a->d->dir, m->path, &m->facts);
	a->outcomes[i].why = scan->read.why;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct scanning *a = w->all;
	const uint32_t n = a->d->nmodules;

	for (;;) {
		/* relaxed: the counter orders nothing but itself */
		const uint32_t first = atomic_fetch_add_explicit(
		    &a->next, BATCH, memory_order_relaxed);

		if (first >= n)
			return NULL;
		for (uint32_t i = first; i < n && i - first < BATCH; i++)
			scan_one(a, w->scan, i);
	}
}

static unsigned jobs_of(const struct depmod *d)
{
	unsigned jobs = d->options.jobs;

	if (jobs > d->nmodules / BATCH + 1)
		jobs = d->nmodules / BATCH + 1;
	return jobs < JOBS_MAX ? jobs : JOBS_MAX;
}

/* A thread that cannot be had is done without. */
static void run(struct worker *workers, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		workers[i].is_running = pthread_create(&workers[i].thread, NULL,
					    work, &workers[i]) == 0;
	(void)work(&workers[0]);
	for (unsigned i = 1; i < n; i++)
		if (workers[i].is_running)
			(void)pthread_join(workers[i].thread, NULL);
}

/* The text of the error that kmod gives, and what it is about. */
static void tell(
    const struct depmod *d, const struct dep_module *m, const struct outcome *o)
{
	const char *folder = m->path[0] == '/' ? "" : d->folder;
	const char *slash = m->path[0] == '/' ? "" : "/";
	const char *error = strerror(o->err == -TN_EBADMSG ? EINVAL : -o->err);
	char why[MODREAD_WHY_TEXT];

	if (o->why.what == NULL)
		report(&d->report, REPORT_ERROR,
		    "failed to load symbols from %s%s%s: %s", folder, slash,
		    m->path, error);
	else
		report(&d->report, REPORT_ERROR,
		    "failed to load symbols from %s%s%s: %s (the file %s)",
		    folder, slash, m->path, error,
		    modread_why_text(&o->why, why));
}

static int tell_all(const struct scanning *a)
{
	const struct depmod *d = a->d;

	for (uint32_t i = 0; i < d->nmodules; i++) {
		if (a->outcomes[i].err == -TN_ENOMEM)
			return -TN_ENOMEM;
		d->modules[i].is_damaged = a->outcomes[i].err != 0;
		if (a->outcomes[i].err)
			tell(d, &d->modules[i], &a->outcomes[i]);
	}
	return 0;
}

static int make_scanners(struct depmod *d, unsigned n)
{
	int err = 0;

	d->scans = arena_alloc(&d->arena, n * sizeof(*d->scans));
	if (d->scans == NULL)
		return -TN_ENOMEM;
	while (!err && d->nscans < n)
		err = modscan_init(
		    &d->scans[d->nscans++], d->seed, d->options.errsyms);
	return err;
}

int depmod_scan(struct depmod *d)
{
	struct scanning a = { .d = d };
	const unsigned n = jobs_of(d);
	struct worker *workers = arena_alloc(&d->arena, n * sizeof(*workers));
	int err = make_scanners(d, n);

	a.outcomes =
	    arena_alloc(&d->arena, (d->nmodules + 1) * sizeof(*a.outcomes));
	if (workers == NULL || a.outcomes == NULL)
		err = -TN_ENOMEM;
	if (err)
		return err;
	for (uint32_t i = 0; i < d->nmodules; i++)
		(void)depmod_cache_take(d, i);
	for (unsigned i = 0; i < n; i++)
		workers[i] = (struct worker){ &a, &d->scans[i], 0, false };
	run(workers, n);
	return tell_all(&a);
}
