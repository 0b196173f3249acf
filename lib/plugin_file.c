/* SPDX-License-Identifier: MIT */
/*
 * See plugin_file.h: the part that asks the C library.
 */
#include "plugin_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tenon/engine.h>

/* --- which file */

static bool stat_file(const char *path, struct stat *st)
{
	return stat(path, st) == 0;
}

/* Tries @path in each folder of the dynamic linker's list. */
#ifdef __GLIBC__
static bool search(const char *path, char found[PATH_MAX], struct stat *st)
{
	void *program = dlopen(NULL, RTLD_LAZY);
	Dl_serinfo size, *list = NULL;
	bool ok = false;

	if (program && dlinfo(program, RTLD_DI_SERINFOSIZE, &size) == 0)
		list = malloc(size.dls_size);
	if (list && dlinfo(program, RTLD_DI_SERINFOSIZE, list) == 0 &&
	    dlinfo(program, RTLD_DI_SERINFO, list) == 0)
		for (unsigned i = 0; i < list->dls_cnt && !ok; i++) {
			const char *dir = list->dls_serpath[i].dls_name;
			const int n =
			    snprintf(found, PATH_MAX, "%s/%s", dir, path);

			ok = n > 0 && n < PATH_MAX && stat_file(found, st);
		}
	free(list);
	if (program)
		dlclose(program);
	return ok;
}

bool libc_unmaps(void)
{
	return true;
}
#else
/* This C library (musl) does not say where it looks, and unmaps nothing. */
static bool search(const char *path, char found[PATH_MAX], struct stat *st)
{
	(void)path, (void)found, (void)st;
	return false;
}

bool libc_unmaps(void)
{
	return false;
}
#endif

int plugin_file_find(const char *path, struct plugin_file *out)
{
	char found[PATH_MAX];
	struct stat st;

	if (path[0] == '\0')
		return -ENOENT;
	if (strchr(path, '/')) {
		if (!stat_file(path, &st))
			return -errno;
	} else {
		if (!search(path, found, &st))
			return -ENOENT;
		path = found;
	}
	if (!realpath(path, out->real))
		return -errno;
	out->id = (struct file_id){ st.st_dev, st.st_ino };
	return tn_module_name(out->real, out->name) ? 0 : -ENAMETOOLONG;
}

/* --- what is mapped */

bool mapped_open(void *handle, struct mapped *out)
{
	struct link_map *map = NULL;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || !map)
		return false;
	*out = (struct mapped){ handle, (uint64_t)map->l_addr, map->l_name };
	return true;
}

struct place {
	uint64_t base;
	const char *name;
};

static int is_place(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct place *at = arg;

	(void)size;
	return info->dlpi_addr == at->base && info->dlpi_name &&
	       strcmp(info->dlpi_name, at->name) == 0;
}

bool mapped_is_there(uint64_t base, const char *name)
{
	struct place at = { base, name };

	return dl_iterate_phdr(is_place, &at) != 0;
}

void *own_symbol(void *handle, const char *symbol)
{
	void *addr = dlsym(handle, symbol);
	struct mapped m;
	Dl_info info;

	if (!addr || !mapped_open(handle, &m) || !dladdr(addr, &info) ||
	    strcmp(info.dli_fname, m.name) != 0)
		return NULL;
	return addr;
}
