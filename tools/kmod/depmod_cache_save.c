/* SPDX-License-Identifier: MIT */
/*
 * Writing the cache: behind the file that was read, whose base goes on to be
 * used, or as a new one. See depmod_cache_file.h for the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <tenon/err.h>

#include "depmod.h"
#include "depmod_cache_file.h"

/*
 * So many files are read again each time rather than that the whole cache is
 * written for their new stamps.
 */
#define FEW 50u

/* What is written: behind the file as it is, or as a new one. */
struct saving {
	struct depmod *d;
	struct buffer base; /* of the file as it is; or nothing: a new one */
	size_t at;          /* where in the file the news begin */
	struct buffer news; /* those of a new file become its base */
	struct buffer tail; /* entries and end */
};

static void align(struct buffer *b)
{
	while (b->n % CACHE_ALIGNED != 0 && !b->failed)
		buffer_char(b, '\0');
}

static bool is_in(const struct buffer *bytes, const void *p)
{
	return (uintptr_t)p - (uintptr_t)bytes->p < bytes->n;
}

/* Where in the file the bytes are: where they were, or behind the rest. */
static uint32_t place(struct saving *s, const void *bytes, size_t n)
{
	const size_t at = s->at + s->news.n;

	if (is_in(&s->base, bytes))
		return (uint32_t)((const char *)bytes - s->base.p);
	buffer_add(&s->news, bytes, n);
	return (uint32_t)at;
}

static size_t bytes_of_hashes(const struct facts *f)
{
	return ((size_t)f->n[FACTS_EXPORTS] + f->n[FACTS_IMPORTS]) *
	       sizeof(*f->hashes);
}

static void add_entry(struct saving *s, const struct dep_module *m)
{
	const struct facts *f = &m->facts;
	struct cache_entry e = { .stamp = m->stamp, .bytes = f->bytes };

	memcpy(e.n, f->n, sizeof(e.n));
	memcpy(e.at, f->at, sizeof(e.at));
	align(&s->news);
	e.hashes = place(s, f->hashes, bytes_of_hashes(f));
	e.texts = place(s, f->texts, f->bytes);
	e.path = place(s, m->path, strlen(m->path) + 1);
	buffer_add(&s->tail, &e, sizeof(e));
}

/*
 * The base of the cache that was read: if most of it is still used, and parts
 * behind it are not more than it is itself.
 */
static struct buffer old_base(const struct depmod *d)
{
	struct buffer base = { 0 };
	size_t used = 0;

	if (d->cache.bytes == NULL)
		return base;
	base.p = (char *)(uintptr_t)d->cache.bytes;
	base.n = cache_end_of(&d->cache)->base;
	for (uint32_t i = 0; i < d->nmodules; i++) {
		const struct dep_module *m = &d->modules[i];

		if (!m->is_damaged && is_in(&base, m->facts.texts))
			used += m->facts.bytes + bytes_of_hashes(&m->facts) +
				strlen(m->path) + 1;
	}
	if (used < base.n - base.n / 4 || d->cache.n > 2 * base.n)
		base.n = 0;
	return base;
}

/*
 * After the run. Files that have not been written have the stamps with which
 * they were found: who has written them meanwhile is seen by the next run.
 */
static struct cache_result result_to_keep(const struct depmod *d)
{
	struct cache_result r = cache_result_of(d);

	for (unsigned i = 0; i < DEPMOD_OUTPUTS; i++)
		if ((depmod_outputs[i].from & d->changed) == 0)
			r.outputs[i] =
			    cache_end_of(&d->cache)->result.outputs[i];
	return r;
}

/* The order of aliases, as it is or was. */
static void add_order(struct saving *s, struct cache_end *end)
{
	const struct depmod *d = s->d;
	const struct index_order *order = &d->aliases;
	const uint32_t *numbers = order->numbers;
	uint32_t aliases = 0;

	end->norder = order->n;
	if (numbers == NULL && d->cache.bytes != NULL) {
		numbers = (const void *)(d->cache.bytes +
					 cache_end_of(&d->cache)->order);
		end->norder = cache_end_of(&d->cache)->norder;
	}
	for (uint32_t i = 0; i < d->nmodules; i++)
		if (!d->modules[i].is_damaged)
			aliases += d->modules[i].facts.n[FACTS_ALIASES];
	if (aliases != end->norder)
		end->norder = 0;
	align(&s->news);
	end->order = place(s, numbers, end->norder * sizeof(*numbers));
	align(&s->news);
}

static void add_end(struct saving *s)
{
	const struct depmod *d = s->d;
	struct cache_end end = {
		.version = CACHE_VERSION,
		.nentries = (uint32_t)(s->tail.n / sizeof(struct cache_entry)),
		.seed = d->seed,
		.started = d->started,
		.result = result_to_keep(d),
	};

	memcpy(end.magic, CACHE_MAGIC, sizeof(end.magic));
	add_order(s, &end);
	if (s->base.n != 0) {
		end.base = s->base.n;
		end.base_sum = cache_end_of(&d->cache)->base_sum;
		end.news = s->at;
		end.news_sum = cache_checksum(s->news.p, s->news.n);
	} else {
		end.base = end.news = s->news.n;
		end.base_sum = cache_checksum(s->news.p, s->news.n);
		end.news_sum = cache_checksum(NULL, 0);
	}
	buffer_add(&s->tail, &end, sizeof(end) - sizeof(end.sum));
	end.sum = cache_checksum(s->tail.p, s->tail.n);
	buffer_add(&s->tail, &end.sum, sizeof(end.sum));
}

static int write_cache(struct saving *s)
{
	const struct depmod *d = s->d;
	const struct buffer pieces[] = { s->news, s->tail };
	const bool is_own = d->options.cache[0] == '\0';
	const char *name = is_own ? DEPMOD_CACHE : d->options.cache;
	const int dir = is_own ? d->dir : AT_FDCWD;

	if (s->news.failed || s->tail.failed)
		return -TN_ENOMEM;
	if (s->at + s->news.n + s->tail.n > UINT32_MAX)
		return -EFBIG;
	return s->base.n != 0
		   ? depmod_append(dir, name, s->at, pieces, ARRAY_SIZE(pieces))
		   : depmod_replace(dir, name, pieces, ARRAY_SIZE(pieces));
}

/* Behind the file that has this base; none: as a new file. */
static int save(struct depmod *d, struct buffer base)
{
	struct saving s = { .d = d, .base = base };
	int err;

	if (base.n != 0)
		s.at = d->cache.n;
	for (uint32_t i = 0; i < d->nmodules; i++)
		if (!d->modules[i].is_damaged)
			add_entry(&s, &d->modules[i]);
	add_end(&s);
	err = write_cache(&s);
	buffer_free(&s.news);
	buffer_free(&s.tail);
	return err;
}

int depmod_cache_save(struct depmod *d)
{
	const char *const name = d->options.cache;
	const struct buffer none = { 0 };
	struct buffer base;
	int err = -TN_EINVAL;

	if (name == NULL)
		return 0;
	base = old_base(d);
	if (base.n != 0)
		err = save(d, base);
	if (err && err != -TN_ENOMEM)
		err = save(d, none);
	if (err && err != -TN_ENOMEM)
		report(&d->report, REPORT_WARNING,
		    "could not write the cache %s: %s",
		    name[0] == '\0' ? DEPMOD_CACHE : name, strerror(-err));
	return err == -TN_ENOMEM ? err : 0;
}

int depmod_cache_renew(struct depmod *d)
{
	return d->nmodules - d->cache.taken > FEW ? depmod_cache_save(d) : 0;
}
