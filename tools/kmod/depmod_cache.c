/* SPDX-License-Identifier: MIT */
/*
 * Reading the cache, and what has changed since it was written: see
 * depmod_cache.h, and depmod_cache_file.h for the file.
 */
#include "depmod_cache.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/overflow.h>
#include <tenon/err.h>

#include "depmod.h"
#include "depmod_cache_file.h"
#include "depmod_files.h"

/*
 * Clocks of file systems tick that slowly: what was written less than this
 * before a run may have been written again since without a new time.
 */
#define TICK 20000000ll /* nanoseconds */

/* Four lanes, so that the multiplications need not wait for each other. */
uint64_t cache_checksum(const char *p, size_t n)
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

/* --- loading */

typedef unsigned char lanes __attribute__((vector_size(16)));

/* Sixteen bytes at a time, with a sum for each, which 255 do not exceed. */
static size_t count_nuls(const char *p, size_t n)
{
	size_t nuls = 0, i = 0;

	while (i + sizeof(lanes) <= n) {
		const size_t left = (n - i) / sizeof(lanes);
		lanes sums = { 0 }, bytes;

		for (size_t k = left < 255 ? left : 255; k > 0; k--) {
			memcpy(&bytes, p + i, sizeof(bytes));
			sums -= (lanes)(bytes == 0);
			i += sizeof(bytes);
		}
		for (size_t k = 0; k < sizeof(lanes); k++)
			nuls += sums[k];
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
    const struct cache_entry *e, const char *bytes, size_t n)
{
	const uint64_t nhashes =
	    (uint64_t)e->n[FACTS_EXPORTS] + e->n[FACTS_IMPORTS];

	return e->path < n &&
	       memchr(bytes + e->path, '\0', n - e->path) != NULL &&
	       e->hashes % 4 == 0 && e->hashes <= n &&
	       nhashes <= (n - e->hashes) / 4 && e->texts <= n &&
	       e->bytes <= n - e->texts && texts_are_sound(e, bytes + e->texts);
}

/* Do base, news and entries lie behind each other, with these sums? */
static bool parts_are_sound(
    const struct depmod_cache *c, const struct cache_end *end)
{
	const size_t tail =
	    end->nentries * sizeof(struct cache_entry) + sizeof(*end);
	const size_t at = c->n - tail;

	return tail <= c->n && end->base <= end->news && end->news <= at &&
	       end->sum ==
		   cache_checksum(c->bytes + at, tail - sizeof(end->sum)) &&
	       end->news_sum ==
		   cache_checksum(c->bytes + end->news, at - end->news) &&
	       end->base_sum == cache_checksum(c->bytes, end->base);
}

static bool cache_is_sound(struct depmod_cache *c)
{
	const struct cache_end *end = cache_end_of(c);

	if (memcmp(end->magic, CACHE_MAGIC, sizeof(end->magic)) != 0 ||
	    end->version != CACHE_VERSION || !parts_are_sound(c, end) ||
	    end->order % 4 != 0 || end->order > c->n ||
	    end->norder > (c->n - end->order) / 4)
		return false;
	c->nentries = end->nentries;
	for (uint32_t i = 0; i < c->nentries; i++)
		if (!entry_is_sound(&cache_entries_of(c)[i], c->bytes, c->n))
			return false;
	return true;
}

/* What has been written of the file is never changed. */
static void map_cache(struct depmod_cache *c, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)sizeof(struct cache_end) ||
	    st.st_size > UINT32_MAX || st.st_size % CACHE_ALIGNED != 0)
		return;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
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
		d->seed = cache_end_of(&d->cache)->seed;
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

	for (uint32_t i = c->paths.n; i < c->nentries; i++) {
		const char *path = c->bytes + cache_entries_of(c)[i].path;
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
	const struct cache_entry *entries = cache_entries_of(c);
	const struct names_entry *found;

	if (c->next < c->nentries &&
	    strcmp(c->bytes + entries[c->next].path, path) == 0)
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

	if (c->bytes == NULL)
		return false;
	e = entry_of(d, m->path);
	if (e == NULL)
		return false;
	c->next = (uint32_t)(e - cache_entries_of(c)) + 1;
	m->path = c->bytes + e->path;
	if (!stamps_equal(&e->stamp, &m->stamp) ||
	    e->stamp.ctime > cache_end_of(c)->started - TICK)
		return false;
	m->facts = (struct facts){
		.bytes = e->bytes,
		.hashes = (const void *)(c->bytes + e->hashes),
		.texts = c->bytes + e->texts,
	};
	memcpy(m->facts.n, e->n, sizeof(e->n));
	memcpy(m->facts.at, e->at, sizeof(e->at));
	c->taken++;
	return true;
}

/*
 * Sets now[], by the number that an alias had, to the one that it has, if its
 * module has not been read again. How many these are; the others are appended
 * to @rest.
 */
static uint32_t renumber(
    const struct depmod *d, uint32_t *now, uint32_t n, struct buffer *rest)
{
	const struct cache_entry *e = cache_entries_of(&d->cache);
	uint32_t before = 0, number = 0, kept = 0;

	for (uint32_t i = 0; i < d->nmodules; i++, e++) {
		const struct facts *f = &d->modules[i].facts;
		const uint32_t k = f->n[FACTS_ALIASES];
		const bool is_taken =
		    f->texts == d->cache.bytes + e->texts && before + k <= n;

		for (uint32_t j = 0; j < k; j++, number++)
			if (is_taken)
				now[before + j] = number;
			else
				buffer_add(rest, &number, sizeof(number));
		kept += is_taken ? k : 0;
		before += e->n[FACTS_ALIASES];
	}
	return kept;
}

int depmod_cache_order(struct depmod *d, struct index_order *order)
{
	struct buffer rest = { 0 };
	uint32_t *now, kept, n = 0;
	const struct cache_end *end;
	const uint32_t *then;

	order->known = 0;
	if (d->changed == FROM_ALL)
		return 0; /* there may be no cache, or one of other modules */
	end = cache_end_of(&d->cache);
	if (end->norder == 0)
		return 0;
	now = arena_alloc(&d->arena, end->norder * sizeof(*now));
	if (now == NULL)
		return -TN_ENOMEM;
	memset(now, 0xff, end->norder * sizeof(*now));
	kept = renumber(d, now, end->norder, &rest);
	then = (const void *)(d->cache.bytes + end->order);
	for (uint32_t i = 0; i < end->norder && n < kept; i++)
		if (then[i] < end->norder && now[then[i]] != NOBODY)
			order->numbers[n++] = now[then[i]];
	if (n == kept && kept + rest.n / sizeof(n) == order->n) {
		order->known = kept;
		if (rest.n != 0)
			memcpy(order->numbers + kept, rest.p, rest.n);
	}
	buffer_free(&rest);
	return 0;
}

/* --- what has changed */

struct cache_result cache_result_of(const struct depmod *d)
{
	struct cache_result r = { .prefix = (unsigned char)d->options.prefix,
		.is_silent = !d->has_told };

	for (unsigned i = 0; i < DEPMOD_OUTPUTS; i++)
		r.outputs[i] = depmod_stamp(d->dir, depmod_outputs[i].name);
	r.builtin = depmod_stamp(d->dir, DEPMOD_BUILTIN);
	r.builtin_info = depmod_stamp(d->dir, DEPMOD_BUILTIN_INFO);
	return r;
}

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
	const struct cache_entry *e = &cache_entries_of(&d->cache)[i];
	const struct dep_module *m = &d->modules[i];
	unsigned changed = 0;
	const char *const bytes = d->cache.bytes;

	if (m->is_damaged || strcmp(bytes + e->path, m->path) != 0)
		return FROM_ALL;
	if (m->facts.texts == bytes + e->texts)
		return 0;
	for (unsigned kind = 0; kind < FACTS_KINDS; kind++)
		if (!kind_is_equal(&m->facts, e, kind, bytes + e->texts))
			changed |= FROM(kind);
	return changed;
}

static bool result_is_current(const struct depmod *d)
{
	const struct cache_end *end = cache_end_of(&d->cache);
	const struct cache_result *then = &end->result;
	const struct cache_result now = cache_result_of(d);

	for (unsigned i = 0; i < DEPMOD_OUTPUTS; i++)
		if (now.outputs[i].inode == 0 ||
		    !stamps_equal(&now.outputs[i], &then->outputs[i]))
			return false;
	return then->is_silent && then->prefix == now.prefix &&
	       stamps_equal(&now.builtin, &then->builtin) &&
	       stamps_equal(&now.builtin_info, &then->builtin_info) &&
	       now.builtin.ctime < end->started - TICK &&
	       now.builtin_info.ctime < end->started - TICK;
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
