/* SPDX-License-Identifier: MIT */
/*
 * The back end that is the running Linux: modules are loaded and unloaded by
 * its system calls, and looked at in /proc/modules and /sys/module. Below
 * another folder than / these can be looked at, but nothing be changed.
 *
 * What the kernel says of a module may change between two reads; a file that
 * has gone meanwhile counts as "not loaded".
 */
#include <kmod/backend.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <tenon/err.h>

#include "modname.h"
#include "modread.h"

struct backend {
	char *root; /* "" or a folder */
};

static int say(struct backend_why *why, int err, const char *text)
{
	(void)snprintf(why->text, sizeof(why->text), "%s", text);
	return err;
}

static int kernel_open(
    const char *where, struct backend **out, struct backend_why *why)
{
	struct backend *be = calloc(1, sizeof(*be));

	why->text[0] = '\0';
	if (be != NULL)
		be->root = strdup(where != NULL ? where : "");
	if (be == NULL || be->root == NULL) {
		free(be);
		return -TN_ENOMEM;
	}
	*out = be;
	return 0;
}

static void kernel_close(struct backend *be)
{
	free(be->root);
	free(be);
}

/* --- changing */

static bool can_change(const struct backend *be)
{
	return *be->root == '\0';
}

static bool is_packed(int fd)
{
	uint8_t first[8] = { 0 };
	const ssize_t n = pread(fd, first, sizeof(first), 0);

	return n > 0 && host_unpacker_knows((struct span){ first, (size_t)n });
}

/* A file in memory with these bytes, or a negative error. */
static int memory_file(struct span bytes)
{
	const int fd = memfd_create("module", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < bytes.n) {
		const ssize_t n = write(fd, bytes.p + done, bytes.n - done);

		if (n <= 0) {
			(void)close(fd);
			return -TN_ENOMEM;
		}
		done += (size_t)n;
	}
	return fd >= 0 ? fd : -TN_ENOMEM;
}

/*
 * The unpacked bytes of @path as a file in memory; or a negative error. The
 * kernel itself unpacks only what it was configured for.
 */
static int unpack(const char *path, struct backend_why *why)
{
	struct modread r;
	struct span bytes;
	int result = modread_init(&r);

	if (result != 0)
		return result;
	result = modread_open(&r, AT_FDCWD, path);
	if (result == 0) {
		result = modread_bytes(&r, 0, r.bytes.n, &bytes);
		if (result == 0)
			result = memory_file(bytes);
		modread_close(&r);
	}
	if (result < 0 && r.why.what != NULL)
		(void)say(why, result, r.why.what);
	modread_fini(&r);
	return result;
}

/* Linux's own bits of flags have the same values. */
static int load(int fd, const struct backend_insert *what)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (syscall(SYS_finit_module, fd, what->params, what->flags) != 0)
		return -errno;
	return 0;
}

static int kernel_insert(struct backend *be, const struct backend_insert *what,
    struct backend_why *why)
{
	int fd, err;

	why->text[0] = '\0';
	if (!can_change(be))
		return say(why, -TN_EOPNOTSUPP,
		    "another root than / can only be looked at");
	fd = open(what->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (is_packed(fd)) {
		(void)close(fd);
		fd = unpack(what->path, why);
		if (fd < 0)
			return fd;
	}
	err = load(fd, what);
	(void)close(fd);
	return err;
}

static int kernel_remove(struct backend *be, const char *name, unsigned flags,
    struct backend_why *why)
{
	unsigned open_flags = flags & BACKEND_WAIT ? 0 : O_NONBLOCK;

	why->text[0] = '\0';
	if (!can_change(be))
		return say(why, -TN_EOPNOTSUPP,
		    "another root than / can only be looked at");
	if (flags & BACKEND_FORCE)
		open_flags |= O_TRUNC;
	return syscall(SYS_delete_module, name, open_flags) == 0 ? 0 : -errno;
}

/* --- looking */

/* Reads the first line of a file of the module into @out: its length or < 0. */
static int read_attribute(const struct backend *be, const char *name,
    const char *file, char *out, size_t cap)
{
	char *path;
	FILE *f;

	if (asprintf(&path, "%s/sys/module/%s/%s", be->root, name, file) < 0)
		return -TN_ENOMEM;
	f = fopen(path, "re");
	free(path);
	if (f == NULL)
		return -errno;
	out[0] = '\0';
	if (fgets(out, (int)cap, f) == NULL)
		out[0] = '\0';
	(void)fclose(f);
	out[strcspn(out, "\n")] = '\0';
	return (int)strlen(out);
}

static int64_t read_refs(const struct backend *be, const char *name)
{
	char text[32];

	return read_attribute(be, name, "refcnt", text, sizeof(text)) > 0
		   ? strtoll(text, NULL, 10)
		   : -1;
}

/* "a,b": the modules that use it, in the order in which Linux lists them. */
static char *read_holders(const struct backend *be, const char *name)
{
	char *path, *text = NULL;
	size_t size;
	struct dirent *e;
	FILE *out;
	DIR *d;

	if (asprintf(&path, "%s/sys/module/%s/holders", be->root, name) < 0)
		return NULL;
	d = opendir(path);
	free(path);
	out = open_memstream(&text, &size);
	while (out != NULL && d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			fprintf(
			    out, "%s%s", ftell(out) > 0 ? "," : "", e->d_name);
	if (d != NULL)
		(void)closedir(d);
	if (out != NULL)
		(void)fclose(out);
	return text;
}

static enum backend_state state_of(const char *word)
{
	static const struct {
		const char *word;
		enum backend_state state;
	} states[] = {
		/* of initstate, then of /proc/modules */
		{ "coming", BACKEND_COMING },
		{ "going", BACKEND_GOING },
		{ "Loading", BACKEND_COMING },
		{ "Unloading", BACKEND_GOING },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(word, states[i].word) == 0)
			return states[i].state;
	return BACKEND_LIVE;
}

/* Is it listed in the tree of this kernel as a part of it? */
static bool is_builtin(const struct backend *be, const char *name)
{
	char *path, line[4096], found[MODNAME_MAX];
	struct utsname u;
	bool is = false;
	FILE *f;

	if (uname(&u) != 0 ||
	    asprintf(&path, "%s/lib/modules/%s/modules.builtin", be->root,
		u.release) < 0)
		return false;
	f = fopen(path, "re");
	free(path);
	while (f != NULL && !is && fgets(line, sizeof(line), f) != NULL)
		is = modname_of_path(line, found) && strcmp(found, name) == 0;
	if (f != NULL)
		(void)fclose(f);
	return is;
}

static bool is_folder(const struct backend *be, const char *name)
{
	struct stat st;
	char *path;
	bool is;

	if (asprintf(&path, "%s/sys/module/%s", be->root, name) < 0)
		return false;
	is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	free(path);
	return is;
}

static int kernel_state(
    struct backend *be, const char *name, backend_visit_fn *visit, void *arg)
{
	struct backend_module m = { .name = name, .state = BACKEND_LIVE };
	char word[32];
	char *holders;

	if (*name == '\0' || strchr(name, '/') != NULL)
		return BACKEND_ABSENT;
	if (is_builtin(be, name))
		m.state = BACKEND_BUILTIN;
	else if (read_attribute(be, name, "initstate", word, sizeof(word)) > 0)
		m.state = state_of(word);
	else if (is_folder(be, name))
		m.state = BACKEND_COMING; /* it has no state of its own yet */
	else
		return BACKEND_ABSENT;
	m.refs = read_refs(be, name);
	if (read_attribute(be, name, "coresize", word, sizeof(word)) > 0)
		m.size = strtoull(word, NULL, 10);
	holders = read_holders(be, name);
	m.holders = holders != NULL ? holders : "";
	if (visit != NULL)
		(void)visit(&m, arg);
	free(holders);
	return (int)m.state;
}

/* "name size refs users state address", as /proc/modules has them. */
static bool show_line(
    struct backend *be, char *line, backend_visit_fn *visit, void *arg)
{
	char *word[5] = { NULL }, *holders;
	struct backend_module m = { .state = BACKEND_LIVE };
	bool more;

	for (size_t i = 0; i < 5; i++)
		word[i] = strsep(&line, " \n");
	if (word[1] == NULL || *word[0] == '\0')
		return true;
	m.name = word[0];
	m.size = strtoull(word[1], NULL, 10);
	m.refs = read_refs(be, m.name);
	if (word[4] != NULL)
		m.state = state_of(word[4]);
	holders = read_holders(be, m.name);
	m.holders = holders != NULL ? holders : "";
	more = visit(&m, arg);
	free(holders);
	return more;
}

static int kernel_list(struct backend *be, backend_visit_fn *visit, void *arg,
    struct backend_why *why)
{
	char *path, *line = NULL;
	size_t size = 0;
	FILE *f;
	int err;

	why->text[0] = '\0';
	if (asprintf(&path, "%s/proc/modules", be->root) < 0)
		return -TN_ENOMEM;
	f = fopen(path, "re");
	err = f != NULL ? 0 : -errno;
	if (f == NULL)
		(void)snprintf(
		    why->text, sizeof(why->text), "cannot read %s", path);
	free(path);
	while (f != NULL && getline(&line, &size, f) > 0)
		if (!show_line(be, line, visit, arg))
			break;
	if (f != NULL)
		(void)fclose(f);
	free(line);
	return err;
}

const struct backend_ops kernel_backend = {
	.name = "kernel",
	.open = kernel_open,
	.close = kernel_close,
	.insert = kernel_insert,
	.remove = kernel_remove,
	.list = kernel_list,
	.state = kernel_state,
};
