/* SPDX-License-Identifier: MIT */
/* The tree, its indexes, and the modules that have been met. See catalog.h. */
#include "catalog.h"
#include "catalog_module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <tenon/err.h>

#include "modname.h"

static const char *const index_names[INDEXES] = {
	[INDEX_DEP] = "modules.dep.bin",
	[INDEX_ALIAS] = "modules.alias.bin",
	[INDEX_SYMBOLS] = "modules.symbols.bin",
	[INDEX_BUILTIN_ALIAS] = "modules.builtin.alias.bin",
	[INDEX_BUILTIN] = "modules.builtin.bin",
};

char *catalog_dir(struct arena *a, const char *root, const char *version)
{
	struct utsname un;
	char *folder;

	if (version == NULL) {
		if (uname(&un) != 0)
			return NULL;
		version = un.release;
	}
	folder = arena_join(a, root != NULL ? root : "", "/lib/modules/");
	return folder == NULL ? NULL : arena_join(a, folder, version);
}

char *path_absolute(struct arena *a, const char *path)
{
	char *here, *joined;

	if (path[0] == '/')
		return arena_text(a, path, strlen(path));
	here = getcwd(NULL, 0);
	if (here == NULL)
		return arena_text(a, path, strlen(path));
	joined = arena_join(a, here, "/");
	free(here);
	return joined == NULL ? NULL : arena_join(a, joined, path);
}

int catalog_open(struct catalog *c, const char *dir, const char *const *paths,
    const struct report *r)
{
	const char *softdeps;

	c->report = r;
	c->config.arena = &c->arena;
	if (dir == NULL)
		dir = catalog_dir(&c->arena, NULL, NULL);
	c->dir = dir == NULL ? NULL : path_absolute(&c->arena, dir);
	softdeps = c->dir == NULL ? NULL : catalog_path(c, "modules.softdep");
	if (softdeps == NULL)
		return -TN_ENOMEM;
	return config_load(&c->config,
	    paths != NULL ? paths : config_default_paths, softdeps, r);
}

void catalog_close(struct catalog *c)
{
	for (unsigned i = 0; i < INDEXES; i++)
		trie_close(&c->index[i]);
	arena_free(&c->arena);
	memset(c, 0, sizeof(*c));
}

char *catalog_path(struct catalog *c, const char *file)
{
	char *folder = arena_join(&c->arena, c->dir, "/");

	return folder == NULL ? NULL : arena_join(&c->arena, folder, file);
}

struct trie *catalog_index(struct catalog *c, enum catalog_index which)
{
	const char *path;
	struct stat st;
	int err;

	if (c->tried[which])
		return &c->index[which];
	c->tried[which] = true;
	path = catalog_path(c, index_names[which]);
	if (path == NULL)
		return &c->index[which];
	err = trie_open(&c->index[which], path);
	/* an empty file is what depmod writes where there is nothing to say */
	if (err == -TN_EBADMSG && (stat(path, &st) != 0 || st.st_size != 0))
		report(c->report, REPORT_ERROR,
		    "%s is not an index of depmod, or of another version",
		    path);
	else if (err != 0 && err != -TN_EBADMSG && err != -TN_ENOENT)
		report(c->report, REPORT_ERROR, "could not open '%s': %s", path,
		    strerror(-err));
	return &c->index[which];
}

void catalog_tell_damage(struct catalog *c, enum catalog_index which)
{
	struct trie *ix = &c->index[which];

	if (!ix->damaged)
		return;
	report(c->report, REPORT_ERROR,
	    "%s/%s is damaged: the node at offset 0x%x; run depmod", c->dir,
	    index_names[which], ix->bad);
	ix->damaged = false;
}

const char *catalog_search(
    struct catalog *c, enum catalog_index which, const char *key)
{
	const char *value = trie_find(catalog_index(c, which), key);

	catalog_tell_damage(c, which);
	return value;
}

void catalog_each(struct catalog *c, enum catalog_index which,
    trie_visit_fn *visit, void *arg)
{
	trie_each(catalog_index(c, which), visit, arg);
	catalog_tell_damage(c, which);
}

/* --- modules that have been met */

static struct module **bucket_of(struct catalog *c, const char *key)
{
	unsigned h = 0;

	for (; *key != '\0'; key++)
		h = h * 31 + (unsigned char)*key;
	return &c->buckets[h % ARRAY_SIZE(c->buckets)];
}

static struct module *meet(struct catalog *c, const char *key)
{
	struct module **bucket = bucket_of(c, key), *m;

	for (m = *bucket; m != NULL; m = m->next)
		if (strcmp(m->key, key) == 0)
			return m;
	m = arena_alloc(&c->arena, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->key = arena_text(&c->arena, key, strlen(key));
	if (m->key == NULL)
		return NULL;
	m->name = m->key;
	m->next = *bucket;
	*bucket = m;
	return m;
}

struct module *module_by_name(struct catalog *c, const char *name)
{
	return meet(c, name);
}

struct module *module_by_alias(
    struct catalog *c, const char *alias, const char *name)
{
	const size_t n = strlen(name);
	char *key = arena_join(&c->arena, name, "\\");
	struct module *m;

	key = key == NULL ? NULL : arena_join(&c->arena, key, alias);
	m = key == NULL ? NULL : meet(c, key);
	if (m == NULL || m->alias != NULL)
		return m;
	m->alias = key + n + 1;
	m->name = arena_text(&c->arena, name, n);
	return m->name == NULL ? NULL : m;
}

/* @path as modules.dep has it: below the tree, or absolute. */
static char *file_path(struct catalog *c, const char *path, size_t n)
{
	char *text = arena_text(&c->arena, path, n);

	if (text == NULL || text[0] == '/')
		return text;
	return catalog_path(c, text);
}

/* The module of one word of modules.dep; *@out NULL: there is no such file. */
static int needed_module(
    struct catalog *c, const char *word, size_t n, struct module **out)
{
	char *path = file_path(c, word, n);
	char name[MODNAME_MAX];
	const char *wrong = NULL;
	struct stat st;

	*out = NULL;
	if (path == NULL)
		return -TN_ENOMEM;
	if (stat(path, &st) != 0)
		wrong = strerror(errno);
	else if (!modname_of_path(path, name))
		wrong = "no module has such a name";
	if (wrong != NULL) {
		report(c->report, REPORT_ERROR,
		    "%s, which modules.dep names: %s; run depmod", path, wrong);
		return 0;
	}
	*out = module_by_name(c, name);
	if (*out == NULL)
		return -TN_ENOMEM;
	if ((*out)->path == NULL)
		(*out)->path = path;
	return 0;
}

static size_t count_words(const char *s)
{
	size_t n = 0;

	while (*(s += strspn(s, " \t")) != '\0') {
		n++;
		s += strcspn(s, " \t");
	}
	return n;
}

/* The words behind the colon, from the last to the first. */
static int read_needs(struct catalog *c, struct module *m, const char *words)
{
	const size_t n = count_words(words);
	struct module **needs =
	    arena_alloc(&c->arena, (n + 1) * sizeof(*needs));
	size_t at = n;

	if (needs == NULL)
		return -TN_ENOMEM;
	while (at > 0) {
		size_t length;
		int err;

		words += strspn(words, " \t");
		length = strcspn(words, " \t");
		err = needed_module(c, words, length, &needs[--at]);
		if (err)
			return err;
		if (needs[at] == NULL)
			return 0; /* one is missing: kmod forgets all */
		words += length;
	}
	m->needs = needs;
	m->nneeds = n;
	return 0;
}

/* "kernel/fs/fat/vfat.ko: kernel/fs/fat/fat.ko" */
int module_take_line(struct catalog *c, struct module *m, const char *line)
{
	const char *colon = strchr(line, ':');

	m->looked_up = true;
	if (colon == NULL)
		return 0;
	if (m->path == NULL) {
		m->path = file_path(c, line, (size_t)(colon - line));
		if (m->path == NULL)
			return -TN_ENOMEM;
	}
	return read_needs(c, m, colon + 1);
}

int module_look_up(struct catalog *c, struct module *m)
{
	const char *line;

	if (m->looked_up)
		return 0;
	m->looked_up = true;
	line = catalog_search(c, INDEX_DEP, m->name);
	return line == NULL ? 0 : module_take_line(c, m, line);
}

bool module_is_builtin(struct catalog *c, struct module *m)
{
	if (!m->builtin_known) {
		m->is_builtin =
		    catalog_search(c, INDEX_BUILTIN, m->name) != NULL;
		m->builtin_known = true;
	}
	return m->is_builtin;
}

int catalog_file(struct catalog *c, const char *path, struct module **out)
{
	char name[MODNAME_MAX];

	if (!modname_of_path(path, name))
		return -TN_EINVAL;
	*out = module_by_name(c, name);
	if (*out == NULL)
		return -TN_ENOMEM;
	(*out)->by = FOUND_FILE;
	(*out)->path = path_absolute(&c->arena, path);
	return (*out)->path == NULL ? -TN_ENOMEM : 0;
}

bool module_has_options(const struct module *m, const struct config_entry *e)
{
	return strcmp(e->name, m->name) == 0 ||
	       (m->alias != NULL && strcmp(e->name, m->alias) == 0);
}

char *module_options(
    struct catalog *c, const struct module *m, const char *more)
{
	char *text = arena_text(&c->arena, "", 0);
	const struct config_entry *e = c->config.first[CONFIG_OPTIONS];

	for (; e != NULL && text != NULL; e = e->next) {
		if (!module_has_options(m, e))
			continue;
		text = arena_join(&c->arena, text, e->value);
		if (text != NULL)
			text = arena_join(&c->arena, text, " ");
	}
	return text == NULL || more == NULL ? text
					    : arena_join(&c->arena, text, more);
}
