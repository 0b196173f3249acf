/* SPDX-License-Identifier: MIT */
/*
 * The cache file: see depmod_cache.h.
 *
 *	header | entries, in the order of modules | blob: base, news
 *
 * An entry says where in the blob its module's path, hashes and texts lie. A
 * run takes the base over as it is, with its checksum, and writes what is new
 * behind it; when much of the base is not used any more, all becomes a new one.
 * Numbers are the machine's own; the header's version changes with anything
 * that is laid out here or hashed. Before a byte of it counts, the checksum of
 * everything has been compared, and each entry been found to
 * lie within the blob and to have as many texts as it says.
 */
#include "depmod_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/overflow.h>
#include <tenon/err.h>

#include "depmod.h"
#include "depmod_files.h"

#define MAGIC   "tenondep"
#define VERSION 3u

/*
 * Clocks of file systems tick that slowly: what was written less than this
 * before a run may have been written again since without a new time.
 */
#define TICK 20000000ll /* nanoseconds */

/* What else the run has read and written: all that its files follow from. */
struct cache_result {
	struct file_stamp outputs[DEPMOD_OUTPUTS];
	struct file_stamp builtin, builtin_info;
	uint32_t prefix; /* -P */
	uint32_t
	    is_silent; /* nothing was told on the way from facts to files */
};

/*
 * So many files are read again each time rather than that the whole cache is
 * written for their new stamps.
 */
#define FEW 50u

struct cache_header {
	char magic[8];
	uint32_t version;
	uint32_t nentries;
	uint64_t seed;
	int64_t started; /* when the run that wrote it began to look at files */
	uint64_t bytes;  /* behind the header */
	struct cache_result result;
	uint64_t base; /* bytes of the blob */
	uint64_t base_sum, news_sum;
	uint64_t
	    sum; /* of header and entries but itself: the last of the header */
};

struct cache_entry {
	struct file_stamp stamp;
	uint32_t n[FACTS_KINDS];
	uint32_t at[FACTS_KINDS];
	uint32_t bytes;  /* of texts */
	uint32_t path;   /* in the blob: a text */
	uint32_t hashes; /* in the blob, aligned */
	uint32_t texts;  /* in the blob */
};

/* Four lanes, so that the multiplications need not wait for each other. */
static uint64_t checksum(const char *p, size_t n)
{
	uint64_t lane[4] = { n, 1, 2, 3 }, last = 0;
	size_t i = 0;

	for (; i + 32 <= n; i += 32)
		for (unsigned k = 0; k < 4; k++)
			lane[k] = (lane[k] ^ get_le64(p + i + 8 * (size_t)k)) *
				      0x9fb21c651e98df25u ^
				  lane[k] >> 29;
	for (; i < n; i++)
		last = (last ^ (unsigned char)p[i]) * 0x100000001b3u;
	for (unsigned k = 0; k < 4; k++)
		last = hash_mix(last ^ lane[k]);
	return last;
}

/* Of the header, but for the sum itself, and the entries. */
static uint64_t sum_of(const char *bytes, uint32_t nentries)
{
	const size_t before = offsetof(struct cache_header, sum);

	return checksum(bytes, before) ^
	       hash_mix(checksum(bytes + sizeof(struct cache_header),
		   nentries * sizeof(struct cache_entry)));
}

/* --- loading */

static const struct cache_header *header_of(const struct depmod_cache *c)
{
	return (const void *)c->bytes;
}

static const struct cache_entry *entries_of(const struct depmod_cache *c)
{
	return (const void *)(c->bytes + sizeof(struct cache_header));
}

static const char *blob_of(const struct depmod_cache *c, size_t *n)
{
	const size_t at = sizeof(struct cache_header) +
			  c->nentries * sizeof(struct cache_entry);

	*n = c->n - at;
	return c->bytes + at;
}

#define LOW_BITS 0x7f7f7f7f7f7f7f7fu

/* 1 in each byte where @w has a zero byte. */
static uint64_t zeros_of(uint64_t w)
{
	return ~(((w & LOW_BITS) + LOW_BITS) | w | LOW_BITS) >> 7;
}

/* Eight bytes at a time, with a sum for each of the eight. */
static size_t count_nuls(const char *p, size_t n)
{
	size_t nuls = 0, i = 0;

	while (i + 8 <= n) {
		const size_t left = (n - i) / 8;
		uint64_t sums = 0;

		for (size_t k = left < 255 ? left : 255; k > 0; k--, i += 8)
			sums += zeros_of(get_le64(p + i));
		for (; sums != 0; sums >>= 8)
			nuls += sums & 0xff;
	}
	for (; i < n; i++)
		nuls += p[i] == '\0';
	return nuls;
}

/* Are the texts of each kind where the entry says, as many as it says? */
static bool texts_are_sound(const struct cache_entry *e, const char *texts)
{
	for (unsigned k = 0; k < FACTS_KINDS; k++) {
		const uint32_t begin = e->at[k];
		const uint32_t end =
		    k + 1 < FACTS_KINDS ? e->at[k + 1] : e->bytes;

		if (begin > end || end > e->bytes ||
		    count_nuls(texts + begin, end - begin) != e->n[k] ||
		    (end != begin && texts[end - 1] != '\0'))
			return false;
	}
	return true;
}

static bool entry_is_sound(
    const struct cache_entry *e, const char *blob, size_t n)
{
	const uint64_t nhashes =
	    (uint64_t)e->n[FACTS_EXPORTS] + e->n[FACTS_IMPORTS];

	return e->path < n && e->hashes % 4 == 0 && e->hashes <= n &&
	       nhashes <= (n - e->hashes) / 4 && e->texts <= n &&
	       e->bytes <= n - e->texts && texts_are_sound(e, blob + e->texts);
}

static bool cache_is_sound(struct depmod_cache *c)
{
	const struct cache_header *h = header_of(c);
	const char *blob;
	size_t n;

	if (c->n < sizeof(*h) ||
	    memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 ||
	    h->version != VERSION || h->bytes != c->n - sizeof(*h) ||
	    h->nentries > h->bytes / sizeof(struct cache_entry) ||
	    h->sum != sum_of(c->bytes, h->nentries))
		return false;
	c->nentries = h->nentries;
	blob = blob_of(c, &n);
	if (h->base > n || h->base_sum != checksum(blob, h->base) ||
	    h->news_sum != checksum(blob + h->base, n - h->base) ||
	    (n != 0 && blob[n - 1] != '\0'))
		return false;
	for (uint32_t i = 0; i < c->nentries; i++)
		if (!entry_is_sound(&entries_of(c)[i], blob, n))
			return false;
	return true;
}

/* The file is never changed, only replaced. */
static void map_cache(struct depmod_cache *c, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return;
	c->bytes = p;
	c->n = (size_t)st.st_size;
}

void depmod_cache_load(struct depmod *d)
{
	const char *const name = d->options.cache;
	int fd;

	if (name == NULL)
		return;
	fd = name[0] == '\0'
		 ? openat(d->dir, DEPMOD_CACHE, O_RDONLY | O_CLOEXEC)
		 : open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	map_cache(&d->cache, fd);
	(void)close(fd);
	if (d->cache.bytes != NULL && cache_is_sound(&d->cache))
		d->seed = header_of(&d->cache)->seed;
	else
		depmod_cache_free(&d->cache);
}

void depmod_cache_free(struct depmod_cache *c)
{
	if (c->bytes != NULL)
		(void)munmap((void *)(uintptr_t)c->bytes, c->n);
	names_free(&c->paths);
	*c = (struct depmod_cache){ 0 };
}

/* --- taking */

static bool stamps_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->mtime == b->mtime &&
	       a->ctime == b->ctime;
}

/* The paths of all entries, for modules that have moved. */
static bool learn_paths(struct depmod *d)
{
	struct depmod_cache *c = &d->cache;
	size_t n;
	const char *blob = blob_of(c, &n);

	for (uint32_t i = c->paths.n; i < c->nentries; i++) {
		const char *path = blob + entries_of(c)[i].path;
		bool is_new;
		struct names_entry *entry = names_add(
		    &c->paths, path, names_hash(path, d->seed), &is_new);

		if (entry == NULL)
			return false;
		if (is_new)
			entry->value = i;
	}
	return true;
}

/* The entry of @path: where it is expected, or wherever it is. */
static const struct cache_entry *entry_of(struct depmod *d, const char *path)
{
	struct depmod_cache *c = &d->cache;
	const struct cache_entry *entries = entries_of(c);
	const struct names_entry *found;
	size_t n;
	const char *blob = blob_of(c, &n);

	if (c->next < c->nentries &&
	    strcmp(blob + entries[c->next].path, path) == 0)
		return &entries[c->next];
	if (!learn_paths(d))
		return NULL;
	found = names_find(&c->paths, path, names_hash(path, d->seed));
	return found != NULL ? &entries[found->value] : NULL;
}

bool depmod_cache_take(struct depmod *d, uint32_t i)
{
	struct depmod_cache *c = &d->cache;
	struct dep_module *m = &d->modules[i];
	const struct cache_entry *e;
	const char *blob;
	size_t n;

	if (c->bytes == NULL)
		return false;
	e = entry_of(d, m->path);
	if (e == NULL)
		return false;
	c->next = (uint32_t)(e - entries_of(c)) + 1;
	blob = blob_of(c, &n);
	m->path = blob + e->path;
	if (!stamps_equal(&e->stamp, &m->stamp) ||
	    e->stamp.ctime > header_of(c)->started - TICK)
		return false;
	m->facts = (struct facts){
		.bytes = e->bytes,
		.hashes = (const void *)(blob + e->hashes),
		.texts = blob + e->texts,
	};
	memcpy(m->facts.n, e->n, sizeof(e->n));
	memcpy(m->facts.at, e->at, sizeof(e->at));
	c->taken++;
	return true;
}

/* --- saving */

/* The file in pieces, as it is made. */
struct saving {
	struct buffer head; /* header and entries */
	struct buffer base; /* of the cache that was read, or nothing */
	struct buffer news;
};

static bool is_in(const struct buffer *bytes, const void *p)
{
	return (uintptr_t)p - (uintptr_t)bytes->p < bytes->n;
}

/* Where in the blob the bytes are: where they were, or behind the rest. */
static uint32_t place(struct saving *s, const void *bytes, size_t n)
{
	const size_t at = s->base.n + s->news.n;

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
	while ((s->base.n + s->news.n) % sizeof(*f->hashes) != 0 &&
	       !s->news.failed)
		buffer_char(&s->news, '\0');
	e.hashes = place(s, f->hashes, bytes_of_hashes(f));
	e.texts = place(s, f->texts, f->bytes);
	e.path = place(s, m->path, strlen(m->path) + 1);
	buffer_add(&s->head, &e, sizeof(e));
}

/* The base of the cache that was read, if most of it is still used. */
static struct buffer old_base(const struct depmod *d)
{
	struct buffer base = { 0 };
	size_t used = 0;

	if (d->cache.bytes == NULL)
		return base;
	base.p = (char *)(uintptr_t)blob_of(&d->cache, &base.n);
	base.n = header_of(&d->cache)->base;
	for (uint32_t i = 0; i < d->nmodules; i++) {
		const struct dep_module *m = &d->modules[i];

		if (!m->is_damaged && is_in(&base, m->facts.texts))
			used += m->facts.bytes + bytes_of_hashes(&m->facts) +
				strlen(m->path) + 1;
	}
	if (used < base.n - base.n / 4)
		base.n = 0;
	return base;
}

/* What is new becomes the base if there is none. */
static void sum_blob(
    const struct depmod *d, const struct saving *s, struct cache_header *h)
{
	if (s->base.n != 0) {
		h->base = s->base.n;
		h->base_sum = header_of(&d->cache)->base_sum;
		h->news_sum = checksum(s->news.p, s->news.n);
	} else {
		h->base = s->news.n;
		h->base_sum = checksum(s->news.p, s->news.n);
		h->news_sum = checksum(NULL, 0);
	}
}

/* All pieces, but for what write_cache() fills in. */
static int compose(const struct depmod *d, struct saving *s)
{
	struct cache_header h = { .version = VERSION, .seed = d->seed };
	uint64_t bytes;

	memcpy(h.magic, MAGIC, sizeof(h.magic));
	buffer_add(&s->head, &h, sizeof(h));
	s->base = old_base(d);
	for (uint32_t i = 0; i < d->nmodules; i++)
		if (!d->modules[i].is_damaged)
			add_entry(s, &d->modules[i]);
	if (s->head.failed || s->news.failed)
		return -TN_ENOMEM;
	bytes = (uint64_t)s->head.n + s->base.n + s->news.n;
	h.bytes = bytes - sizeof(h);
	h.nentries =
	    (uint32_t)((s->head.n - sizeof(h)) / sizeof(struct cache_entry));
	sum_blob(d, s, &h);
	memcpy(s->head.p, &h, sizeof(h));
	return bytes > UINT32_MAX ? -TN_EFBIG : 0;
}

static struct cache_result result_of(const struct depmod *d)
{
	struct cache_result r = { .prefix = (unsigned char)d->options.prefix,
		.is_silent = !d->has_told };

	for (unsigned i = 0; i < DEPMOD_OUTPUTS; i++)
		r.outputs[i] = depmod_stamp(d->dir, depmod_outputs[i].name);
	r.builtin = depmod_stamp(d->dir, DEPMOD_BUILTIN);
	r.builtin_info = depmod_stamp(d->dir, DEPMOD_BUILTIN_INFO);
	return r;
}

/*
 * After the run. Files that have not been written have the stamps with which
 * they were found: who has written them meanwhile is seen by the next run.
 */
static struct cache_result result_to_keep(const struct depmod *d)
{
	struct cache_result r = result_of(d);

	for (unsigned i = 0; i < DEPMOD_OUTPUTS; i++)
		if ((depmod_outputs[i].from & d->changed) == 0)
			r.outputs[i] = header_of(&d->cache)->result.outputs[i];
	return r;
}

/* The first one of the @n pieces has the header and the entries. */
static void write_cache(
    const struct depmod *d, const struct buffer *pieces, unsigned n)
{
	struct cache_header *h = (void *)pieces->p;
	const char *name = d->options.cache;
	int err;

	h->started = d->started;
	h->result = result_to_keep(d);
	h->sum = sum_of(pieces->p, h->nentries);
	if (name[0] == '\0')
		err = depmod_replace(d->dir, DEPMOD_CACHE, pieces, n);
	else
		err = depmod_replace(AT_FDCWD, name, pieces, n);
	if (err)
		report(&d->report, REPORT_WARNING,
		    "could not write the cache %s: %s",
		    name[0] == '\0' ? DEPMOD_CACHE : name, strerror(-err));
}

int depmod_cache_save(struct depmod *d)
{
	struct saving s = { 0 };
	int err;

	if (d->options.cache == NULL)
		return 0;
	err = compose(d, &s);
	if (!err) {
		const struct buffer pieces[] = { s.head, s.base, s.news };

		write_cache(d, pieces, ARRAY_SIZE(pieces));
	}
	buffer_free(&s.head);
	buffer_free(&s.news);
	return err == -TN_ENOMEM ? err : 0;
}

/* --- what has changed */

static bool kind_is_equal(const struct facts *f, const struct cache_entry *e,
    unsigned kind, const char *texts)
{
	const bool is_last = kind + 1 == FACTS_KINDS;
	const uint32_t mine =
	    (is_last ? f->bytes : f->at[kind + 1]) - f->at[kind];
	const uint32_t its =
	    (is_last ? e->bytes : e->at[kind + 1]) - e->at[kind];

	return f->n[kind] == e->n[kind] && mine == its &&
	       memcmp(f->texts + f->at[kind], texts + e->at[kind], mine) == 0;
}

/* Of which kinds module @i says other facts than entry @i. */
static unsigned module_changed(const struct depmod *d, uint32_t i)
{
	const struct cache_entry *e = &entries_of(&d->cache)[i];
	const struct dep_module *m = &d->modules[i];
	unsigned changed = 0;
	size_t n;
	const char *blob = blob_of(&d->cache, &n);

	if (m->is_damaged || strcmp(blob + e->path, m->path) != 0)
		return FROM_ALL;
	if (m->facts.texts == blob + e->texts)
		return 0;
	for (unsigned kind = 0; kind < FACTS_KINDS; kind++)
		if (!kind_is_equal(&m->facts, e, kind, blob + e->texts))
			changed |= FROM(kind);
	return changed;
}

static bool result_is_current(const struct depmod *d)
{
	const struct cache_header *h = header_of(&d->cache);
	const struct cache_result *then = &h->result;
	const struct cache_result now = result_of(d);

	for (unsigned i = 0; i < DEPMOD_OUTPUTS; i++)
		if (now.outputs[i].inode == 0 ||
		    !stamps_equal(&now.outputs[i], &then->outputs[i]))
			return false;
	return then->is_silent && then->prefix == now.prefix &&
	       stamps_equal(&now.builtin, &then->builtin) &&
	       stamps_equal(&now.builtin_info, &then->builtin_info) &&
	       now.builtin.ctime < h->started - TICK &&
	       now.builtin_info.ctime < h->started - TICK;
}

unsigned depmod_cache_changed(const struct depmod *d)
{
	const struct depmod_cache *c = &d->cache;
	const struct depmod_options *o = &d->options;
	unsigned changed = 0;

	if (c->bytes == NULL || c->nentries != d->nmodules || o->show ||
	    o->json || o->verbose || o->warn_twice || d->has_told ||
	    o->symvers != NULL || o->system_map != NULL ||
	    !result_is_current(d))
		return FROM_ALL;
	for (uint32_t i = 0; i < d->nmodules; i++)
		changed |= module_changed(d, i);
	return changed;
}

/* The facts are as they were when the entries were written. */
int depmod_cache_renew(struct depmod *d)
{
	struct buffer pieces[2] = { { 0 }, { 0 } };
	struct cache_entry *entries;
	size_t n;
	const char *blob;

	if (d->nmodules - d->cache.taken <= FEW)
		return 0;
	blob = blob_of(&d->cache, &n);
	pieces[1] = (struct buffer){ .p = (char *)(uintptr_t)blob, .n = n };
	buffer_add(&pieces[0], d->cache.bytes, d->cache.n - n);
	if (pieces[0].failed)
		return -TN_ENOMEM;
	entries = (void *)(pieces[0].p + sizeof(struct cache_header));
	for (uint32_t i = 0; i < d->nmodules; i++)
		entries[i].stamp = d->modules[i].stamp;
	write_cache(d, pieces, ARRAY_SIZE(pieces));
	buffer_free(&pieces[0]);
	return 0;
}
