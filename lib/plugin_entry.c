/* SPDX-License-Identifier: MIT */
/*
 * The one registry of a process: see plugin_entry.h. It is process-wide as the
 * dynamic linker is, of which a library is one library (decision 13).
 */
#include "plugin_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/process.h>

struct lingering {
	struct lingering *next;
	struct plugin_file file;
	char why[WHY_MAX];
};

static struct plugin_registry registry = { NULL, PTHREAD_MUTEX_INITIALIZER };
static struct plugin_entry *entries; /* registry lock */
static struct lingering *lingering;  /* registry lock */

struct plugin_registry *plugin_registry(void)
{
	return &registry;
}

void entries_lock(void)
{
	pthread_mutex_lock(&registry.lock);
}

void entries_unlock(void)
{
	pthread_mutex_unlock(&registry.lock);
}

/* --- forks */

static void before_fork(struct process_member *m)
{
	(void)m;
	entries_lock();
}

static void after_fork(struct process_member *m)
{
	(void)m;
	entries_unlock();
}

static struct process_member member = { .before = before_fork,
	.after = after_fork };

static void join(void)
{
	process_join(&member);
}

/* --- entries */

static uint32_t state_of(const struct plugin_entry *e)
{
	return atomic_load_explicit(&e->rec->state, memory_order_relaxed);
}

/* Is it coming or there? One that goes is not in the way of the next. */
static bool is_taken(const struct plugin_entry *e)
{
	return state_of(e) != RECORD_GOING;
}

static const struct plugin_entry *find_twin(
    const char *path, const struct plugin_file *file)
{
	const struct plugin_entry *e = entries;

	while (e && !(is_taken(e) && (file_id_equal(e->file.id, file->id) ||
					 strcmp(e->rec->pub.path, path) == 0)))
		e = e->next;
	return e;
}

static bool name_is_free(const char *name)
{
	for (const struct plugin_entry *e = entries; e; e = e->next)
		if (is_taken(e) && strcmp(e->file.name, name) == 0)
			return false;
	return true;
}

/* Files of one name in two folders are two plugins: blur, blur.2, ... */
static void make_name(char name[TN_MODULE_NAME_MAX])
{
	char base[TN_MODULE_NAME_MAX];

	memcpy(base, name, sizeof(base));
	for (unsigned n = 2; !name_is_free(name); n++)
		(void)snprintf(name, TN_MODULE_NAME_MAX, "%.44s.%u", base, n);
}

static void free_all(struct plugin_entry *e, char *path)
{
	free(e->said);
	free(path);
	free(e);
}

static void unlist(struct plugin_entry *e)
{
	struct plugin_entry **at = &entries;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
}

struct plugin_entry *entry_new(const char *path, const struct plugin_file *file,
    char twin_name[TN_MODULE_NAME_MAX])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct plugin_entry *e = calloc(1, sizeof(*e));
	const struct plugin_entry *twin = NULL;
	char *copy = strdup(path);

	twin_name[0] = '\0';
	if (!e || !copy) {
		free(e);
		free(copy);
		return NULL;
	}
	pthread_once(&once, join);
	e->file = *file;
	entries_lock();
	twin = find_twin(path, file);
	if (twin)
		memcpy(twin_name, twin->file.name, TN_MODULE_NAME_MAX);
	else
		e->rec = record_new();
	if (e->rec) {
		e->rec->pub.path = copy;
		e->rec->entry = e;
		make_name(e->file.name);
		e->next = entries;
		entries = e;
	}
	entries_unlock();
	if (e->rec)
		return e;
	free_all(e, copy);
	return NULL;
}

/* Out of the list, and its record ends. */
static void end_and_free(struct plugin_entry *e)
{
	char *path;

	entries_lock();
	unlist(e);
	path = e->rec->pub.path;
	record_end(e->rec);
	entries_unlock();
	free_all(e, path);
}

void entry_drop(struct plugin_entry *e)
{
	end_and_free(e);
}

bool entry_settle(
    struct plugin_entry *e, struct tn_module *mod, struct plugin **out)
{
	struct record *rec = e->rec;
	uint32_t coming = RECORD_COMING;
	bool gone;

	entries_lock();
	e->settled = true;
	gone = e->gone;
	atomic_store_explicit(&rec->mod, mod, memory_order_relaxed);
	rec->pub.refcount = 1;
	/* release: pairs with record_is_live */
	if (!gone &&
	    atomic_compare_exchange_strong_explicit(&rec->state, &coming,
		RECORD_LIVE, memory_order_release, memory_order_relaxed)) {
		rec->pub.next = registry.plugins;
		registry.plugins = &rec->pub;
	}
	entries_unlock();
	if (gone)
		end_and_free(e);
	else
		*out = &rec->pub;
	return !gone;
}

void entry_close(struct plugin_entry *e)
{
	struct plugin **at = &registry.plugins;

	entries_lock();
	atomic_store_explicit(
	    &e->rec->state, RECORD_GOING, memory_order_relaxed);
	while (*at && *at != &e->rec->pub)
		at = &(*at)->next;
	if (*at)
		*at = e->rec->pub.next;
	entries_unlock();
}

void entry_gone(struct plugin_entry *e)
{
	bool settled;

	entries_lock();
	e->gone = true;
	settled = e->settled;
	entries_unlock();
	if (settled)
		end_and_free(e);
}

struct plugin *entry_by_handle(const void *handle)
{
	struct plugin *p = NULL;

	entries_lock();
	for (const struct plugin_entry *e = entries; e && !p; e = e->next)
		if (record_is_live(e->rec) && e->image.handle == handle)
			p = &e->rec->pub;
	entries_unlock();
	return p && plugin_try_get(p) == 0 ? p : NULL;
}

/* --- libraries that have stayed */

static struct lingering **lingering_at(const struct plugin_file *file)
{
	struct lingering **at = &lingering;

	while (*at && !file_id_equal((*at)->file.id, file->id) &&
	       strcmp((*at)->file.real, file->real) != 0)
		at = &(*at)->next;
	return at;
}

void lingering_set(const struct plugin_file *file, const char *why)
{
	struct lingering *fresh = why ? calloc(1, sizeof(*fresh)) : NULL;
	struct lingering **at, *old;

	entries_lock();
	at = lingering_at(file);
	old = *at;
	if (old)
		*at = old->next;
	if (fresh) {
		fresh->file = *file;
		(void)snprintf(fresh->why, sizeof(fresh->why), "%s", why);
		fresh->next = lingering;
		lingering = fresh;
	}
	entries_unlock();
	free(old);
}

bool lingering_find(const struct plugin_file *file, char why[WHY_MAX])
{
	const struct lingering *found;

	entries_lock();
	found = *lingering_at(file);
	if (found)
		memcpy(why, found->why, WHY_MAX);
	entries_unlock();
	return found != NULL;
}

int plugin_lingering_each(
    int (*fn)(void *arg, const char *path, const char *reason), void *arg)
{
	int stop = 0;

	entries_lock();
	for (const struct lingering *l = lingering; l && stop == 0; l = l->next)
		stop = fn(arg, l->file.real, l->why);
	entries_unlock();
	return stop;
}
