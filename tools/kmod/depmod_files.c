/* SPDX-License-Identifier: MIT */
/*
 * Files of a tree: see depmod_files.h. Each file is written to a name of its
 * own beside the final one; names change when all have been written. So a full
 * disk, or an end in between, leaves the old files as they were.
 */
#include "depmod_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/err.h>

#include "depmod.h"

#define NAME_ROOM 4096

struct file_stamp depmod_stamp(int dir, const char *name)
{
	struct file_stamp stamp = { 0 };
	struct stat st;

	if (fstatat(dir, name, &st, 0) != 0)
		return stamp;
	stamp.device = st.st_dev;
	stamp.inode = st.st_ino;
	stamp.size = (uint64_t)st.st_size;
	stamp.mtime = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec;
	stamp.ctime = st.st_ctim.tv_sec * 1000000000ll + st.st_ctim.tv_nsec;
	return stamp;
}

int depmod_read(struct depmod *d, const char *name, struct buffer *text)
{
	int err;

	if (d->dir < 0) {
		d->has_told = true;
		report(&d->report, REPORT_WARNING,
		    "could not open directory %s: %s", d->folder,
		    strerror(ENOENT));
		return -TN_ENOENT;
	}
	err = buffer_read(text, d->dir, name);
	d->has_told = d->has_told || err;
	if (err && err != -TN_ENOMEM)
		report(&d->report, REPORT_WARNING,
		    "could not open %s at %s: %s", name, d->folder,
		    strerror(-err));
	return err;
}

/* --- writing */

static int write_all(int fd, const struct buffer *content)
{
	size_t done = 0;

	while (done < content->n) {
		const ssize_t n =
		    write(fd, content->p + done, content->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

static int write_pieces(int fd, const struct buffer *pieces, unsigned n)
{
	int err = 0;

	for (unsigned i = 0; !err && i < n; i++)
		err = write_all(fd, &pieces[i]);
	return err;
}

/* The name that the file has until it is complete. */
static void temporary_name(const char *name, char *out)
{
	(void)snprintf(out, NAME_ROOM, "%s.tenon-%ld", name, (long)getpid());
}

/* Makes the file anew. What fails leaves nothing. */
static int write_new(
    int dir, const char *name, const struct buffer *pieces, unsigned n)
{
	const int fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int err;

	if (fd < 0)
		return -errno;
	err = write_pieces(fd, pieces, n);
	if (close(fd) != 0 && !err)
		err = -errno;
	if (err)
		(void)unlinkat(dir, name, 0);
	return err;
}

int depmod_append(int dir, const char *name, size_t size,
    const struct buffer *pieces, unsigned n)
{
	const int fd =
	    openat(dir, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0 || (size_t)st.st_size != size)
		err = -ESTALE;
	if (!err)
		err = write_pieces(fd, pieces, n);
	if (err && err != -ESTALE)
		(void)!ftruncate(fd, (off_t)size);
	(void)close(fd);
	return err;
}

int depmod_replace(
    int dir, const char *name, const struct buffer *pieces, unsigned n)
{
	char temporary[NAME_ROOM];
	int err;

	if (strlen(name) + 32 > sizeof(temporary))
		return -ENAMETOOLONG;
	temporary_name(name, temporary);
	err = write_new(dir, temporary, pieces, n);
	if (!err && renameat(dir, temporary, dir, name) != 0) {
		err = -errno;
		(void)unlinkat(dir, temporary, 0);
	}
	return err;
}

static int write_file(
    const struct depmod *d, const char *name, const struct buffer *content)
{
	char temporary[NAME_ROOM];
	int err;

	temporary_name(name, temporary);
	err = write_new(d->dir, temporary, content, 1);
	if (err)
		report(&d->report, REPORT_ERROR,
		    "Could not write index '%s': %s; the old one stays", name,
		    strerror(-err));
	return err;
}

static int put_one(struct depmod *d, const struct depmod_output *output,
    struct buffer *content)
{
	int err = output->content(d, content);

	if (err == -TN_ENOMEM)
		return err;
	if (err) {
		report(&d->report, REPORT_ERROR,
		    "Could not write index '%s': %s", output->name,
		    strerror(-err));
		return err;
	}
	if (!d->options.show)
		return write_file(d, output->name, content);
	if (content->n != 0 &&
	    fwrite(content->p, 1, content->n, stdout) != content->n) {
		err = -errno;
		report(&d->report, REPORT_ERROR, "Could not write '%s': %s",
		    output->name, strerror(-err));
	}
	return err;
}

/* Of the first @n, what was written gets its name; or what is left goes. */
static int settle(const struct depmod *d, unsigned n, int err)
{
	for (unsigned i = 0; i < n; i++) {
		char temporary[NAME_ROOM];

		if ((depmod_outputs[i].from & d->changed) == 0)
			continue;
		temporary_name(depmod_outputs[i].name, temporary);
		if (!err && renameat(d->dir, temporary, d->dir,
				depmod_outputs[i].name) != 0) {
			err = -errno;
			report(&d->report, REPORT_FATAL,
			    "renameat(%s, %s, %s, %s): %s", d->folder,
			    temporary, d->folder, depmod_outputs[i].name,
			    strerror(-err));
		}
		if (err)
			(void)unlinkat(d->dir, temporary, 0);
	}
	return err;
}

int depmod_put(struct depmod *d)
{
	struct buffer content = { 0 };
	unsigned done = 0;
	int err = 0;

	if (!d->options.show && d->dir < 0) {
		report(&d->report, REPORT_FATAL,
		    "could not open directory %s: %s", d->folder,
		    strerror(ENOENT));
		return -TN_ENOENT;
	}
	while (!err && done < DEPMOD_OUTPUTS) {
		const struct depmod_output *output = &depmod_outputs[done];

		content.n = 0;
		if ((output->from & d->changed) != 0 &&
		    !(d->options.show && output->is_binary))
			err = put_one(d, output, &content);
		done++;
	}
	buffer_free(&content);
	return d->options.show ? err : settle(d, done, err);
}
