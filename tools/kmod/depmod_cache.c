/* SPDX-License-Identifier: MIT */
/*
 * The cache file: see depmod_cache.h.
 *
 *	base | parts of runs before | news, entries, end
 *
 * Entries come in the order of modules and say where in the file a module's
 * path, hashes and texts lie: in the base, or in the news. The end says where
 * these are. A run that has read little anew puts another part behind the
 * file, which goes on from its base; otherwise the file is written afresh.
 *
 * Numbers are the machine's own; the version changes with anything that is
 * laid out here or hashed. Before a byte of it counts, the checksums of base
 * and last part have been compared, and each entry been found to lie within
 * the file and to have as many texts as it says.
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
#define VERSION 5u

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

struct cache_end {
	char magic[8];
	uint32_t version;
	uint32_t nentries;
	uint64_t seed;
	int64_t started; /* when the run that wrote it began to look at files */
	struct cache_result result;
	uint32_t norder; /* how many aliases there are; or 0 */
	uint32_t order;  /* where: their numbers, by key */
	uint64_t base;   /* bytes */
	uint64_t news;   /* where they begin */
	uint64_t base_sum, news_sum;
	uint64_t sum; /* of entries and end but itself: its last word */
};

struct cache_entry {
	struct file_stamp stamp;
	uint32_t n[FACTS_KINDS];
	uint32_t at[FACTS_KINDS];
	uint32_t bytes;  /* of texts */
	uint32_t path;   /* where: a text */
	uint32_t hashes; /* where, aligned */
	uint32_t texts;  /* where */
};

/* Parts begin where these may stand. */
#define ALIGNED sizeof(uint64_t)

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

/* --- loading */

static const struct cache_end *end_of(const struct depmod_cache *c)
{
	return (const void *)(c->bytes + c->n - sizeof(struct cache_end));
}

static const struct cache_entry *entries_of(const struct depmod_cache *c)
{
	return (const struct cache_entry *)(const void *)end_of(c) -
	       c->nentries;
}

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
	       end->sum == checksum(c->bytes + at, tail - sizeof(end->sum)) &&
	       end->news_sum ==
		   checksum(c->bytes + end->news, at - end->news) &&
	       end->base_sum == checksum(c->bytes, end->base);
}

static bool cache_is_sound(struct depmod_cache *c)
{
	const struct cache_end *end = end_of(c);

	if (memcmp(end->magic, MAGIC, sizeof(end->magic)) != 0 ||
	    end->version != VERSION || !parts_are_sound(c, end) ||
	    end->order % 4 != 0 || end->order > c->n ||
	    end->norder > (c->n - end->order) / 4)
		return false;
	c->nentries = end->nentries;
	for (uint32_t i = 0; i < c->nentries; i++)
		if (!entry_is_sound(&entries_of(c)[i], c->bytes, c->n))
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
	    st.st_size > UINT32_MAX || st.st_size % ALIGNED != 0)
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
		d->seed = end_of(&d->cache)->seed;
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
		const char *path = c->bytes + entries_of(c)[i].path;
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
	c->next = (uint32_t)(e - entries_of(c)) + 1;
	m->path = c->bytes + e->path;
	if (!stamps_equal(&e->stamp, &m->stamp) ||
	    e->stamp.ctime > end_of(c)->started - TICK)
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
	const struct cache_entry *e = entries_of(&d->cache);
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
	end = end_of(&d->cache);
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

/* --- saving */

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
	while (b->n % ALIGNED != 0 && !b->failed)
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
	base.n = end_of(&d->cache)->base;
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
			r.outputs[i] = end_of(&d->cache)->result.outputs[i];
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
		numbers =
		    (const void *)(d->cache.bytes + end_of(&d->cache)->order);
		end->norder = end_of(&d->cache)->norder;
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
		.version = VERSION,
		.nentries = (uint32_t)(s->tail.n / sizeof(struct cache_entry)),
		.seed = d->seed,
		.started = d->started,
		.result = result_to_keep(d),
	};

	memcpy(end.magic, MAGIC, sizeof(end.magic));
	add_order(s, &end);
	if (s->base.n != 0) {
		end.base = s->base.n;
		end.base_sum = end_of(&d->cache)->base_sum;
		end.news = s->at;
		end.news_sum = checksum(s->news.p, s->news.n);
	} else {
		end.base = end.news = s->news.n;
		end.base_sum = checksum(s->news.p, s->news.n);
		end.news_sum = checksum(NULL, 0);
	}
	buffer_add(&s->tail, &end, sizeof(end) - sizeof(end.sum));
	end.sum = checksum(s->tail.p, s->tail.n);
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
	const struct cache_end *end = end_of(&d->cache);
	const struct cache_result *then = &end->result;
	const struct cache_result now = result_of(d);

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
