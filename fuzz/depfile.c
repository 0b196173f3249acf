/* SPDX-License-Identifier: MIT */
/*
 * modules.dep, the text: an input is the file. What is kept of it lies inside,
 * is sorted by name, and is found by it, the first line of a name before others.
 *
 * The file is in memory; a link to it, in a folder of this process, has the name
 * that is asked for.
 */
#include "depfile.h"
#include "kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char folder[] = "/tmp/fuzz-depfile-XXXXXX/";
static char file[sizeof(folder) + sizeof("modules.dep")];
static int fd = -1;

static void leave(void)
{
	(void)unlink(file);
	(void)rmdir(folder);
}

static void open_once(void)
{
	char target[40];

	if (fd >= 0)
		return;
	folder[sizeof(folder) - 2] = '\0';
	FUZZ_CHECK(mkdtemp(folder) != NULL);
	folder[sizeof(folder) - 2] = '/';
	fd = memfd_create("modules.dep", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	(void)snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	(void)snprintf(file, sizeof(file), "%smodules.dep", folder);
	FUZZ_CHECK(symlink(target, file) == 0 && atexit(leave) == 0);
}

static void check_entry(const struct depfile *df, size_t i)
{
	const struct depfile_entry *e = &df->entries[i], *found;
	char *path;

	touch_string(e->path);
	touch_string(e->needs);
	FUZZ_CHECK(strchr(e->path, '\n') == NULL);
	FUZZ_CHECK(strlen(e->name) < sizeof(e->name));
	if (i > 0)
		FUZZ_CHECK(strcmp(e[-1].name, e->name) <= 0);
	found = depfile_find(df, e->name);
	FUZZ_CHECK(found != NULL && found->line <= e->line);
	FUZZ_CHECK(strcmp(found->name, e->name) == 0);
	path = depfile_path(df, e->path);
	FUZZ_CHECK(path != NULL && path[0] == '/');
	free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct depfile df;

	open_once();
	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
	FUZZ_CHECK(depfile_read(&df, folder) && df.text != NULL);
	for (size_t i = 0; i < df.n; i++)
		check_entry(&df, i);
	FUZZ_CHECK(depfile_find(&df, "/") == NULL);
	depfile_free(&df);
	return 0;
}
