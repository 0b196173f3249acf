/* SPDX-License-Identifier: MIT */
/*
 * Files that a tool writes: see output.h. Nothing is synced: a machine that
 * stops meanwhile may leave either file or none, as compilers do.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEMPORARY_TRIES = 1000
};

static bool fail(const struct output *o)
{
	fprintf(
	    stderr, "tenon %s: %s: %s\n", o->applet, o->path, strerror(errno));
	return false;
}

/* The folder of @path, up to and with its last slash; 0 bytes: this one. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/*
 * A new file beside the target. Its name is short, as that of the target may be
 * as long as names can be, and not one that another process of this number has
 * left.
 */
static int open_temporary(struct output *o, mode_t mode)
{
	const int folder = (int)folder_length(o->target);
	int fd = -1;

	for (unsigned i = 0; fd < 0 && i < TEMPORARY_TRIES; i++) {
		free(o->temporary);
		if (asprintf(&o->temporary, "%.*s.tenon-%ld-%u", folder,
			o->target, (long)getpid(), i) < 0) {
			o->temporary = NULL;
			return -1;
		}
		fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    mode);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd >= 0)
		return fd;
	free(o->temporary); /* somebody else's */
	o->temporary = NULL;
	return -1;
}

/* @old: what it will replace, whose mode it gets whatever the umask is. */
static FILE *open_new(struct output *o, const struct stat *old)
{
	const mode_t mode = old != NULL ? old->st_mode & 0777 : 0666;
	const int fd = open_temporary(o, mode);
	FILE *f = NULL;

	if (fd >= 0 && (old == NULL || fchmod(fd, mode) == 0))
		f = fdopen(fd, "w");
	if (fd >= 0 && f == NULL)
		close(fd);
	return f;
}

bool output_open(struct output *o, const char *applet, const char *path)
{
	struct stat st;
	const bool exists = stat(path, &st) == 0;

	*o = (struct output){ .applet = applet, .path = path };
	if (!exists && errno != ENOENT)
		return fail(o);
	if (exists && !S_ISREG(st.st_mode)) {
		o->file = fopen(path, "we");
		return o->file != NULL || fail(o);
	}
	o->target = exists ? realpath(path, NULL) : strdup(path);
	if (o->target != NULL)
		o->file = open_new(o, exists ? &st : NULL);
	return o->file != NULL || fail(o);
}

bool output_end(struct output *o)
{
	FILE *f = o->file;
	bool ok = fflush(f) == 0 && ferror(f) == 0;

	o->file = NULL;
	ok = fclose(f) == 0 && ok;
	return ok || fail(o);
}

bool output_keep(struct output *o)
{
	if (o->temporary == NULL)
		return true;
	if (rename(o->temporary, o->target) != 0)
		return fail(o);
	free(o->temporary);
	o->temporary = NULL;
	return true;
}

void output_drop(struct output *o)
{
	if (o->file != NULL)
		(void)fclose(o->file);
	if (o->temporary != NULL)
		(void)unlink(o->temporary);
	free(o->temporary);
	free(o->target);
	*o = (struct output){ 0 };
}

static bool stat_folder(const char *path, struct stat *st)
{
	char *folder = strndup(path, folder_length(path));
	const bool ok =
	    folder != NULL && stat(*folder != '\0' ? folder : ".", st) == 0;

	free(folder);
	return ok;
}

bool output_is_same(const char *a, const char *b)
{
	struct stat x, y;
	const bool have_a = stat(a, &x) == 0, have_b = stat(b, &y) == 0;

	if (have_a != have_b)
		return false;
	if (have_a)
		return S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
		       x.st_ino == y.st_ino;
	return strcmp(a + folder_length(a), b + folder_length(b)) == 0 &&
	       stat_folder(a, &x) && stat_folder(b, &y) &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
