/* SPDX-License-Identifier: MIT */
/*
 * From folders to modules: depmod_walk. Folders are walked in the order in
 * which the system lists them, as kmod does, because of files that the
 * configuration ranks equal the first one counts.
 */
#include "depmod.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tenon/err.h>

#include "depmod_files.h"
#include "modname.h"

/* A walk: where it is, and what it has found. */
struct walk {
	struct depmod *d;
	struct buffer found; /* of struct dep_module */
	struct names names;  /* of modules: numbers in found */
	struct buffer path;  /* of the entry that is looked at; relative to the
				tree, or from the root */
	/* of depmod_is_newer, which gathers nothing: */
	bool only_look;
	int64_t since; /* seconds */
};

#define FOUND_NEWER 1 /* ends a walk that only looks */

/* The folders on the way to the one that is read. */
struct level {
	const struct level *above;
	int fd;
};

/* Of getdents64(2): fdopendir(3) asks three times for what is known. */
struct entry {
	uint64_t inode;
	int64_t next;
	uint16_t size;
	uint8_t type; /* DT_* */
	char name[];
};

/* Those of a folder that have been read and are still to be looked at. */
struct entries {
	const char *at, *end;
	alignas(uint64_t) char bytes[32768];
};

static struct dep_module *found_at(struct walk *w, uint32_t i)
{
	return (struct dep_module *)(void *)w->found.p + i;
}

/* The path with its NUL, which does not count; NULL: no memory. */
static const char *path_text(struct walk *w)
{
	buffer_char(&w->path, '\0');
	if (w->path.failed)
		return NULL;
	w->path.n--;
	return w->path.p;
}

/* @path from the root, in the arena; NULL: no memory. */
static const char *from_root(struct depmod *d, const char *path)
{
	const char *folder;

	if (path[0] == '/')
		return path;
	folder = arena_join(&d->arena, d->folder, "/");
	return folder != NULL ? arena_join(&d->arena, folder, path) : NULL;
}

/* The path for a message. */
static const char *shown(struct walk *w)
{
	const char *path = path_text(w);

	path = path != NULL ? from_root(w->d, path) : NULL;
	return path != NULL ? path : "?";
}

/* The stamp of a file; none without a cache. */
static struct file_stamp stamp_of(
    const struct depmod *d, int dir, const char *name)
{
	if (d->options.cache == NULL)
		return (struct file_stamp){ 0 };
	return depmod_stamp(dir, name);
}

/* Another file of a module that has been found. */
static int choose(struct walk *w, struct dep_module *old, const char *path,
    struct file_stamp stamp)
{
	struct depmod *d = w->d;
	const char *fresh = from_root(d, path);
	const char *before = from_root(d, old->path);

	if (fresh == NULL || before == NULL)
		return -TN_ENOMEM;
	if (!depmod_config_prefers(&d->config, fresh, before))
		return 0;
	old->path = arena_text(&d->arena, path, strlen(path));
	old->stamp = stamp;
	return old->path != NULL ? 0 : -TN_ENOMEM;
}

static int add_module(
    struct walk *w, const char *name, const char *path, struct file_stamp stamp)
{
	struct depmod *d = w->d;
	const uint32_t hash = names_hash(name, d->seed);
	struct dep_module m = {
		.path = arena_text(&d->arena, path, strlen(path)),
		.name = arena_text(&d->arena, name, strlen(name)),
		.stamp = stamp,
	};
	struct names_entry *entry;

	if (m.path == NULL || m.name == NULL)
		return -TN_ENOMEM;
	entry = names_add(&w->names, m.name, hash, NULL);
	buffer_add(&w->found, &m, sizeof(m));
	if (entry == NULL || w->found.failed)
		return -TN_ENOMEM;
	entry->value = d->nmodules++;
	return 0;
}

/*
 * A path inside the tree, named from the root, gets its short form; others
 * stay as they are.
 */
static const char *short_path(const struct depmod *d, const char *path)
{
	const size_t n = strlen(d->folder);

	return strncmp(path, d->folder, n) == 0 && path[n] == '/' ? path + n + 1
								  : path;
}

/* Has the file been written since? Whole seconds count, as in kmod. */
static int look_at_time(
    const struct walk *w, const struct level *level, const char *file)
{
	struct stat st;

	if (fstatat(level->fd, file, &st, 0) != 0)
		return 0;
	return st.st_mtime > w->since ? FOUND_NEWER : 0;
}

static int found_file(
    struct walk *w, const struct level *level, const char *file)
{
	const char *path = path_text(w);
	char name[MODNAME_MAX];
	const struct names_entry *entry;
	struct file_stamp stamp;

	if (!modname_is_file(file))
		return 0;
	if (w->only_look)
		return look_at_time(w, level, file);
	if (path == NULL)
		return -TN_ENOMEM;
	path = short_path(w->d, path);
	if (!modname_of_path(path, name))
		name[0] = '\0';
	stamp = stamp_of(w->d, level->fd, file);
	entry = names_find(&w->names, name, names_hash(name, w->d->seed));
	if (entry != NULL)
		return choose(w, found_at(w, entry->value), path, stamp);
	return add_module(w, name, path, stamp);
}

static bool is_left_out(const struct depmod *d, const char *name)
{
	if (strcmp(name, "build") == 0 || strcmp(name, "source") == 0)
		return true;
	for (const struct config_text *t = d->config.excludes; t != NULL;
	     t = t->next)
		if (strcmp(t->text, name) == 0)
			return true;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Is the folder @st one of those on the way? A link may lead back. */
static bool is_above(const struct level *level, const struct stat *st)
{
	for (; level != NULL; level = level->above) {
		struct stat other;

		if (fstat(level->fd, &other) == 0 &&
		    other.st_dev == st->st_dev && other.st_ino == st->st_ino)
			return true;
	}
	return false;
}

static int walk_folder(struct walk *w, const struct level *level);

static int walk_into(
    struct walk *w, const struct level *above, const char *name)
{
	struct level level = { .above = above };
	int err;

	level.fd = openat(above->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (level.fd < 0) {
		report(&w->d->report, REPORT_ERROR,
		    "openat(%d, %s, O_RDONLY): %m", above->fd, name);
		return 0;
	}
	buffer_char(&w->path, '/');
	err = walk_folder(w, &level);
	return err;
}

/* What an entry is that is neither known to be a file nor a folder. */
static bool look(
    struct walk *w, const struct level *level, const char *name, unsigned *type)
{
	struct stat st;

	if (fstatat(level->fd, name, &st, 0) != 0) {
		report(&w->d->report, REPORT_ERROR, "fstatat(%d, %s): %m",
		    level->fd, name);
		return false;
	}
	*type = S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : 0;
	if (*type == 0)
		report(&w->d->report, REPORT_ERROR,
		    "unsupported file type %s: %o", shown(w),
		    st.st_mode & S_IFMT);
	if (*type == DT_DIR && is_above(level, &st)) {
		report(&w->d->report, REPORT_ERROR,
		    "%s leads back to a folder that it is in", shown(w));
		*type = 0;
	}
	return *type != 0;
}

static int walk_entry(
    struct walk *w, const struct level *level, const struct entry *entry)
{
	const size_t length = w->path.n;
	const char *const name = entry->name;
	unsigned type = entry->type;
	int err = 0;

	if (is_left_out(w->d, name))
		return 0;
	buffer_text(&w->path, name);
	if (w->path.failed)
		return -TN_ENOMEM;
	if (w->path.n >= PATH_MAX)
		report(&w->d->report, REPORT_ERROR, "path is too long %s",
		    shown(w));
	else if (type == DT_REG ||
		 (type != DT_DIR && look(w, level, name, &type) &&
		     type == DT_REG))
		err = found_file(w, level, name);
	else if (type == DT_DIR)
		err = walk_into(w, level, name);
	w->path.n = length;
	return err;
}

/* The next entry, or NULL: there is none, or they cannot be read. */
static const struct entry *next_entry(int fd, struct entries *e)
{
	const struct entry *entry;

	if (e->at == e->end) {
		const long got =
		    syscall(SYS_getdents64, fd, e->bytes, sizeof(e->bytes));

		if (got <= 0)
			return NULL;
		e->at = e->bytes;
		e->end = e->bytes + got;
	}
	entry = (const void *)e->at;
	e->at += entry->size;
	return entry;
}

/*
 * Reads the folder and closes it; ends early with FOUND_NEWER. Folders are as
 * deep as paths are long: PATH_MAX bytes.
 */
static int walk_folder(struct walk *w, const struct level *level)
{
	struct entries *entries = malloc(sizeof(*entries));
	const struct entry *entry;
	int err = entries != NULL ? 0 : -TN_ENOMEM;

	if (entries != NULL)
		entries->at = entries->end = entries->bytes;
	while (err == 0 && (entry = next_entry(level->fd, entries)) != NULL)
		err = walk_entry(w, level, entry);
	free(entries);
	(void)close(level->fd);
	return err;
}

/* The tree itself, or a folder of `external`. -TN_ENOENT: it is not there. */
static int walk_top(struct walk *w, const char *folder, const char *prefix)
{
	struct level level = { NULL, -1 };

	level.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (level.fd < 0) {
		report(&w->d->report, REPORT_ERROR,
		    "could not open directory %s: %m", folder);
		return -errno;
	}
	w->path.n = 0;
	buffer_text(&w->path, prefix);
	if (w->path.failed) {
		(void)close(level.fd);
		return -TN_ENOMEM;
	}
	return walk_folder(w, &level);
}

/* --- modules that are named */

/* -TN_EINVAL and so on: it has been said why. */
static int named_file(struct walk *w, const char *file)
{
	struct depmod *d = w->d;
	char name[MODNAME_MAX];
	struct stat st;

	if (file[0] != '/') {
		report(
		    &d->report, REPORT_FATAL, "%s: not absolute path.", file);
		return -TN_EINVAL;
	}
	if (stat(file, &st) != 0 || !modname_of_path(file, name)) {
		report(&d->report, REPORT_FATAL,
		    "could not create module %s: %s", file, strerror(errno));
		return -TN_ENOENT;
	}
	if (names_find(&w->names, name, names_hash(name, d->seed)) != NULL) {
		report(&d->report, REPORT_FATAL, "could not add module %s: %s",
		    file, strerror(EEXIST));
		return -TN_EEXIST;
	}
	return add_module(
	    w, name, short_path(d, file), stamp_of(d, AT_FDCWD, file));
}

static int walk_named(struct walk *w)
{
	int err = 0;

	for (const char *const *f = w->d->options.files; !err && *f != NULL;
	     f++)
		err = named_file(w, *f);
	return err;
}

/* --- the tree and what belongs to it */

static int walk_all(struct walk *w)
{
	struct depmod *d = w->d;
	int err = walk_top(w, d->folder, "");

	if (err == -TN_ENOMEM)
		return err;
	if (err) {
		report(&d->report, REPORT_FATAL, "could not search modules: %s",
		    strerror(-err));
		return err;
	}
	for (const struct config_text *t = d->config.externals; t != NULL;
	     t = t->next) {
		const char *prefix = arena_join(&d->arena, t->text, "/");

		err =
		    prefix != NULL ? walk_top(w, t->text, prefix) : -TN_ENOMEM;
		if (err == -TN_ENOMEM)
			return err;
	}
	return 0;
}

int depmod_is_newer(struct depmod *d, bool *out)
{
	struct walk w = { .d = d, .only_look = true };
	struct stat st;
	int found;

	*out = true;
	depmod_open_folder(d);
	if (d->dir >= 0 && fstatat(d->dir, "modules.dep", &st, 0) == 0)
		w.since = st.st_mtime;
	else if (d->dir >= 0)
		report(&d->report, REPORT_ERROR,
		    "could not fstatat(%s, modules.dep): %m", d->folder);
	found = walk_top(&w, d->folder, "");
	buffer_free(&w.path);
	if (found == 0)
		*out = false;
	return found == -TN_ENOMEM ? found : 0;
}

int depmod_walk(struct depmod *d)
{
	struct walk w = { .d = d };
	int err = d->options.all ? walk_all(&w) : walk_named(&w);

	d->found = w.found;
	d->modules = (void *)d->found.p;
	names_free(&w.names);
	buffer_free(&w.path);
	return err;
}
