/* SPDX-License-Identifier: MIT */
/*
 * Module files as clients send them: a descriptor, a path, or a name to be
 * looked for in the host's folders. A file is read into memory of our own,
 * since its owner may write to it or cut it while we load.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/err.h>

static int fail(const char **why, int error, const char *text)
{
	*why = text;
	return error;
}

/* A larger file, or one that shrinks, is read as far as it was promised. */
static size_t read_all(int fd, char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		const ssize_t n =
		    pread(fd, data + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

int source_read(
    const struct hostd *h, int fd, struct source *out, const char **why)
{
	struct stat st;
	size_t size;

	*out = (struct source){ 0 };
	if (fstat(fd, &st) != 0)
		return fail(why, -TN_EIO, "it cannot be read");
	if (S_ISDIR(st.st_mode))
		return fail(why, -TN_EINVAL, "it is a folder");
	if (!S_ISREG(st.st_mode))
		return fail(why, -TN_EINVAL, "it is not a regular file");
	if ((uint64_t)st.st_size > h->config.max_file)
		return fail(
		    why, -TN_EFBIG, "it is larger than this host allows");
	size = (size_t)st.st_size;
	out->data = malloc(size + 1);
	if (out->data == NULL)
		return fail(why, -TN_ENOMEM, "no memory");
	out->size = read_all(fd, out->data, size);
	if (out->size == size)
		return 0;
	source_free(out);
	return fail(why, -TN_EIO, "it cannot be read");
}

int source_open(const struct hostd *h, const char *path, struct source *out,
    const char **why)
{
	/* Neither a pipe nor a terminal may hold us up. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	*out = (struct source){ 0 };
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			   ? fail(why, -TN_ENOENT, "there is no such file")
		       : errno == EACCES
			   ? fail(why, -TN_EACCES, "permission denied")
			   : fail(why, -TN_EIO, "it cannot be opened");
	err = source_read(h, fd, out, why);
	(void)close(fd);
	if (err == 0 && !tn_module_name(path, out->name))
		out->name[0] = '\0'; /* too long: it is none */
	return err;
}

/* FOLDER/NAME.ko, with the end of each packer; '-' for '_' too. */
static int try_folder(const struct hostd *h, const char *folder,
    const char *name, struct source *out, const char **why)
{
	static const char *const ends[] = { ".ko", ".ko.xz", ".ko.zst",
		".ko.gz", ".so" };
	char *path;
	int err = -TN_ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(ends) && err == -TN_ENOENT; i++) {
		if (asprintf(&path, "%s/%s%s", folder, name, ends[i]) < 0)
			return fail(why, -TN_ENOMEM, "no memory");
		err = source_open(h, path, out, why);
		free(path);
	}
	return err;
}

int source_find(const struct hostd *h, const char *name, struct source *out,
    const char **why)
{
	char plain[TN_MODULE_NAME_MAX], dashed[TN_MODULE_NAME_MAX];
	int err = -TN_ENOENT;

	if (strchr(name, '/') != NULL || *name == '.' ||
	    !tn_module_name(name, plain))
		return fail(why, -TN_EINVAL, "that is no name of a module");
	memcpy(dashed, plain, sizeof(dashed));
	for (char *p = strchr(dashed, '_'); p != NULL; p = strchr(p, '_'))
		*p = '-';
	for (size_t i = 0; i < h->config.nfolders && err == -TN_ENOENT; i++) {
		err = try_folder(h, h->config.folders[i], plain, out, why);
		if (err == -TN_ENOENT && strcmp(plain, dashed) != 0)
			err = try_folder(
			    h, h->config.folders[i], dashed, out, why);
	}
	return err == -TN_ENOENT
		   ? fail(why, err, "this host has no file of that name")
		   : err;
}

void source_free(struct source *s)
{
	free(s->data);
	s->data = NULL;
}
