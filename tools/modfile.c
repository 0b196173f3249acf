/* SPDX-License-Identifier: MIT */
/*
 * Reading module files: name, dependencies, digest. See modfile.h.
 */
#include "modfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/sha256.h>
#include <elf/file.h>
#include <elf/tables.h>

static int add_depend(struct modfile *f, const char *name, size_t n)
{
	char **more =
	    realloc(f->depends, (f->ndepends + 1) * sizeof(*f->depends));

	if (more == NULL)
		return -TN_ENOMEM;
	f->depends = more;
	f->depends[f->ndepends] = strndup(name, n);
	if (f->depends[f->ndepends] == NULL)
		return -TN_ENOMEM;
	f->ndepends++;
	return 0;
}

/* "usbcore,usb_common" */
static int parse_depends(struct modfile *f, const char *list)
{
	int err = 0;

	while (*list != '\0' && err == 0) {
		const size_t n = strcspn(list, ",");

		if (n != 0)
			err = add_depend(f, list, n);
		list += n;
		list += *list == ',';
	}
	return err;
}

static void reach(uint64_t *size, uint64_t start, uint64_t bytes)
{
	if (bytes != 0 && *size < start + bytes)
		*size = start + bytes;
}

/*
 * Where an opened file ends as an ELF file. Signatures that are appended, and
 * whatever else is, do not count: no byte of them is loaded.
 */
static size_t elf_size(const struct elf_file *elf)
{
	const struct elf_ehdr *eh = elf->ehdr;
	uint64_t size = sizeof(*eh);

	reach(&size, eh->e_shoff,
	    (uint64_t)elf->nsections * sizeof(struct elf_shdr));
	reach(&size, eh->e_phoff,
	    (uint64_t)elf->nsegments * sizeof(struct elf_phdr));
	for (uint32_t i = 0; i < elf->nsections; i++)
		reach(&size, elf->sections[i].sh_offset,
		    elf_section_bytes(elf, i).n);
	for (uint32_t i = 0; i < elf->nsegments; i++)
		reach(&size, elf->segments[i].p_offset,
		    elf->segments[i].p_filesz);
	return (size_t)size;
}

static int inspect(void *arg, const void *data, size_t size)
{
	struct modfile *f = arg;
	struct elf_file elf;
	struct elf_where where;
	uint8_t digest[32];
	struct span modinfo;

	/* A file that is no ELF is diagnosed when it is loaded. */
	if (!elf_open(&elf, (struct span){ data, size }, 0, &where))
		return 0;
	sha256(data, elf_size(&elf), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(f->sha256 + 2 * i, 3, "%02x", digest[i]);
	if (elf.nsections == 0)
		return 0;
	modinfo = elf_section_bytes(&elf, elf_section_find(&elf, ".modinfo"));
	const char *name = elf_modinfo_get(modinfo, "name");
	const char *depends = elf_modinfo_get(modinfo, "depends");

	if (name != NULL)
		(void)tn_module_name(name, f->name); /* or refused later */
	return depends != NULL ? parse_depends(f, depends) : 0;
}

/* The line of @f in the modules.dep beside it, as "name.ko: dep.ko ..". */
static char *depfile_line(const struct modfile *f)
{
	const char *slash = strrchr(f->path, '/');
	const int dir = slash != NULL ? (int)(slash - f->path) + 1 : 0;
	const char *base = f->path + dir;
	char *path = NULL, *line = NULL;
	size_t cap = 0;
	bool found = false;

	if (asprintf(&path, "%.*smodules.dep", dir, f->path) < 0)
		return NULL;
	FILE *in = fopen(path, "re");

	free(path);
	if (in == NULL)
		return NULL;
	while (!found && getline(&line, &cap, in) > 0)
		found = strncmp(line, base, strlen(base)) == 0 &&
			line[strlen(base)] == ':';
	(void)fclose(in);
	if (!found) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* The nearest dependency comes first, so they are loaded from the last. */
static int read_depfile(struct modfile *f)
{
	char *line = depfile_line(f), *save = NULL;
	char name[TN_MODULE_NAME_MAX];
	int err = 0;

	if (line == NULL)
		return 0;
	for (char *word = strtok_r(strchr(line, ':') + 1, " ", &save);
	     word != NULL && err == 0; word = strtok_r(NULL, " ", &save)) {
		if (tn_module_name(word, name))
			err = add_depend(f, name, strlen(name));
	}
	free(line);
	for (size_t i = 0; i < f->ndepends / 2; i++) {
		char *t = f->depends[i];

		f->depends[i] = f->depends[f->ndepends - 1 - i];
		f->depends[f->ndepends - 1 - i] = t;
	}
	return err;
}

static void modfile_free(struct modfile *f)
{
	for (size_t i = 0; i < f->ndepends; i++)
		free(f->depends[i]);
	free(f->depends);
	free(f->path);
	free(f);
}

int modpath_add(struct modpath *mp, struct tn_system *sys, const char *path,
    struct modfile **out, struct tn_diag *diag)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.path = path,
	};
	struct modfile *f = calloc(1, sizeof(*f));
	struct modfile **more =
	    realloc(mp->files, (mp->nfiles + 1) * sizeof(*mp->files));
	int err = -TN_ENOMEM;

	if (more != NULL)
		mp->files = more;
	if (f == NULL || more == NULL) {
		free(f);
		return err;
	}
	f->path = strdup(path);
	(void)tn_module_name(path, f->name); /* or refused by the engine */
	if (f->path != NULL)
		err = tn_read(sys, &args, inspect, f, diag);
	if (err == 0 && f->ndepends == 0)
		err = read_depfile(f);
	if (err != 0) {
		modfile_free(f);
		return err;
	}
	mp->files[mp->nfiles++] = f;
	*out = f;
	return 0;
}

struct modfile *modpath_known(const struct modpath *mp, const char *name)
{
	for (size_t i = 0; i < mp->nfiles; i++)
		if (strcmp(mp->files[i]->name, name) == 0)
			return mp->files[i];
	return NULL;
}

static bool is_file(const char *path)
{
	FILE *f = fopen(path, "re");

	if (f != NULL)
		(void)fclose(f);
	return f != NULL;
}

/* Tries DIR/NAME.ko and its packed forms, with '_' and with '-'. */
static char *find_in_folder(const char *dir, size_t n, const char *name)
{
	static const char *const endings[] = { ".ko", ".ko.xz", ".ko.zst",
		".ko.gz", ".so" };

	for (unsigned i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		for (unsigned dashes = 0; dashes < 2; dashes++) {
			char *path;

			if (asprintf(&path, "%.*s%s%s", (int)n, dir, name,
				endings[i]) < 0)
				return NULL;
			for (char *p = path + n; dashes && *p != '\0'; p++)
				if (*p == '_')
					*p = '-';
			if (is_file(path))
				return path;
			free(path);
		}
	}
	return NULL;
}

static char *find_by_depfile(const struct modfile *from, const char *name)
{
	const char *slash = strrchr(from->path, '/');
	const int dir = slash != NULL ? (int)(slash - from->path) + 1 : 0;
	char *line = depfile_line(from), *save = NULL, *path = NULL;
	char have[TN_MODULE_NAME_MAX];

	if (line == NULL)
		return NULL;
	for (char *word = strtok_r(strchr(line, ':') + 1, " ", &save);
	     word != NULL && path == NULL; word = strtok_r(NULL, " ", &save)) {
		if (tn_module_name(word, have) && strcmp(have, name) == 0 &&
		    asprintf(&path, "%.*s%s", *word == '/' ? 0 : dir,
			from->path, word) < 0)
			path = NULL;
	}
	free(line);
	return path;
}

char *modpath_find(
    const struct modpath *mp, const struct modfile *from, const char *name)
{
	char *path = NULL;

	for (size_t i = 0; i < mp->nfolders && path == NULL; i++) {
		char *dir;

		if (asprintf(&dir, "%s/", mp->folders[i]) < 0)
			return NULL;
		path = find_in_folder(dir, strlen(dir), name);
		free(dir);
	}
	return path != NULL || from == NULL ? path
					    : find_by_depfile(from, name);
}

void modpath_free(struct modpath *mp)
{
	for (size_t i = 0; i < mp->nfiles; i++)
		modfile_free(mp->files[i]);
	free(mp->files);
	free(mp->folders);
}
