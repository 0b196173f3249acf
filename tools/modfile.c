/* SPDX-License-Identifier: MIT */
/*
 * Reading module files: name, dependencies, digest. See modfile.h.
 */
#include "modfile.h"

#include "applets.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/sha256.h>
#include <elf/file.h>
#include <elf/tables.h>

static int add_need(struct modfile *f, const char *path)
{
	char **more = realloc(f->needs, (f->nneeds + 1) * sizeof(*f->needs));

	if (more == NULL)
		return -TN_ENOMEM;
	f->needs = more;
	f->needs[f->nneeds] = strdup(path);
	if (f->needs[f->nneeds] == NULL)
		return -TN_ENOMEM;
	f->nneeds++;
	return 0;
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

/* "parmtype=level:int" declares level. */
static int note_param(struct modfile *f, const char *entry)
{
	static const char key[] = "parmtype=";
	char *more;

	if (strncmp(entry, key, sizeof(key) - 1) != 0)
		return 0;
	entry += sizeof(key) - 1;
	if (asprintf(&more, "%s%.*s:", f->declares != NULL ? f->declares : ":",
		(int)strcspn(entry, ":"), entry) < 0)
		return -TN_ENOMEM;
	free(f->declares);
	f->declares = more;
	return 0;
}

bool modfile_declares(const struct modfile *f, const char *param)
{
	const size_t n = strlen(param);
	const char *at = f->declares;

	while (at != NULL && (strncmp(at + 1, param, n) != 0 ||
				 (at[1] != '\0' && at[n + 1] != ':')))
		at = strchr(at + 1, ':');
	return at != NULL && at[1] != '\0';
}

static int inspect(void *arg, const void *data, size_t size)
{
	struct modfile *f = arg;
	struct elf_file elf;
	struct elf_where where;
	uint8_t digest[32];
	struct span modinfo;
	const char *name;
	int err = 0;

	f->is_archive = size >= 8 && memcmp(data, ARCHIVE_MAGIC, 8) == 0;
	/* A file that is no ELF is diagnosed when it is loaded. */
	if (!elf_open(&elf, (struct span){ data, size }, 0, &where))
		return 0;
	sha256(data, elf_size(&elf), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(f->sha256 + 2 * i, 3, "%02x", digest[i]);
	if (elf.nsections == 0)
		return 0;
	modinfo = elf_section_bytes(&elf, elf_section_find(&elf, ".modinfo"));
	name = elf_modinfo_get(modinfo, "name");
	if (name != NULL)
		(void)tn_module_name(name, f->name); /* or refused later */
	f->states_needs = elf_modinfo_get(modinfo, "depends") != NULL;
	for (const char *entry; err == 0 && elf_modinfo_next(&modinfo, &entry);)
		err = note_param(f, entry);
	return err;
}

/* --- modules.dep */

/* That of @folder, read once; NULL: there is none. */
static struct depfile *depfile_of(struct modpath *mp, const char *folder)
{
	struct depfile *more;

	for (size_t i = 0; i < mp->ndepfiles; i++)
		if (strcmp(mp->depfiles[i].folder, folder) == 0)
			return mp->depfiles[i].text != NULL ? &mp->depfiles[i]
							    : NULL;
	more =
	    realloc(mp->depfiles, (mp->ndepfiles + 1) * sizeof(*mp->depfiles));
	if (more == NULL)
		return NULL;
	mp->depfiles = more;
	if (!depfile_read(&more[mp->ndepfiles], folder))
		return NULL;
	return more[mp->ndepfiles++].text != NULL ? &more[mp->ndepfiles - 1]
						  : NULL;
}

/*
 * Nobody has named it: a module that is below a folder of all users, such as
 * /tmp, is not to bring code of another one along. NULL: it is trusted.
 */
static const char *distrust(const struct depfile *df, const char *module)
{
	struct stat st;

	if (df->is_open)
		return "anybody may write to it";
	if (df->owner == 0 || df->owner == geteuid() ||
	    (stat(module, &st) == 0 && df->owner == st.st_uid))
		return NULL;
	return "it belongs to another user";
}

/* The nearest one in or above the folder of @f, or NULL. */
static const struct depfile *depfile_above(
    struct modpath *mp, const struct modfile *f)
{
	char *path = realpath(f->path, NULL);
	struct depfile *df = NULL;

	for (char *slash = path != NULL ? strrchr(path, '/') : NULL;
	     slash != NULL && df == NULL; slash = strrchr(path, '/')) {
		slash[1] = '\0';
		df = depfile_of(mp, path);
		if (df != NULL) {
			df->distrust = distrust(df, f->path);
			df->is_trusted |= df->distrust == NULL;
			df = df->distrust == NULL ? df : NULL;
		}
		*slash = '\0';
	}
	free(path);
	return df;
}

/* What modules.dep says, when the file itself says nothing. */
static int read_depfile(struct modpath *mp, struct modfile *f)
{
	const struct depfile *df = depfile_above(mp, f);
	const struct depfile_entry *e =
	    df != NULL ? depfile_find(df, f->name) : NULL;
	char *list, *save = NULL;
	int err = 0;

	if (e == NULL || f->states_needs)
		return 0;
	list = strdup(e->needs);
	if (list == NULL)
		return -TN_ENOMEM;
	for (char *word = strtok_r(list, " ", &save); word != NULL && err == 0;
	     word = strtok_r(NULL, " ", &save)) {
		char *path = depfile_path(df, word);

		err = path != NULL ? add_need(f, path) : -TN_ENOMEM;
		free(path);
	}
	free(list);
	return err;
}

static char *find_by_depfile(const struct depfile *df, const char *name)
{
	const struct depfile_entry *e =
	    df != NULL ? depfile_find(df, name) : NULL;

	return e != NULL ? depfile_path(df, e->path) : NULL;
}

/* --- files */

static void modfile_free(struct modfile *f)
{
	for (size_t i = 0; i < f->nneeds; i++)
		free(f->needs[i]);
	free(f->needs);
	free(f->declares);
	free(f->params);
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
	if (err == 0)
		err = read_depfile(mp, f);
	if (err != 0) {
		modfile_free(f);
		return err;
	}
	mp->files[mp->nfiles++] = f;
	*out = f;
	return 0;
}

const struct depfile *modpath_distrusted(const struct modpath *mp)
{
	for (size_t i = 0; i < mp->ndepfiles; i++)
		if (mp->depfiles[i].distrust != NULL)
			return &mp->depfiles[i];
	return NULL;
}

struct modfile *modpath_known(const struct modpath *mp, const char *name)
{
	for (size_t i = 0; i < mp->nfiles; i++)
		if (strcmp(mp->files[i]->name, name) == 0)
			return mp->files[i];
	return NULL;
}

/* Endings of module files, the best first; their number: it has none. */
static unsigned ending_rank(const char *file)
{
	static const char *const endings[] = { ".ko", ".ko.xz", ".ko.zst",
		".ko.gz", ".so" };
	const unsigned n = sizeof(endings) / sizeof(*endings);
	const char *dot = strchr(file, '.');
	unsigned i = 0;

	while (dot != NULL && i < n && strcmp(dot, endings[i]) != 0)
		i++;
	return dot != NULL ? i : n;
}

/* DIR/NAME.ko or a packed form, with '-' for any '_'. @folder ends in '/'. */
static char *find_in_folder(const char *folder, const char *name)
{
	unsigned best = UINT_MAX;
	char *path = NULL;

	/* Mostly it is this one: without reading a large folder. */
	if (asprintf(&path, "%s%s.ko", folder, name) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	path = NULL;
	DIR *dir = opendir(folder);

	if (dir == NULL)
		return NULL;
	for (const struct dirent *e = readdir(dir); e != NULL;
	     e = readdir(dir)) {
		char have[TN_MODULE_NAME_MAX], *found;
		const unsigned rank = ending_rank(e->d_name);

		if (rank >= best || ending_rank(e->d_name) == ending_rank("") ||
		    !tn_module_name(e->d_name, have) ||
		    strcmp(have, name) != 0 ||
		    asprintf(&found, "%s%s", folder, e->d_name) < 0)
			continue;
		free(path);
		path = found;
		best = rank;
	}
	(void)closedir(dir);
	return path;
}

char *modpath_find(struct modpath *mp, const char *name)
{
	char *path = NULL;

	for (size_t i = 0; i < mp->nfolders && path == NULL; i++) {
		char *folder;

		if (asprintf(&folder, "%s/", mp->folders[i]) < 0)
			return NULL;
		path = find_in_folder(folder, name);
		if (path == NULL)
			path = find_by_depfile(depfile_of(mp, folder), name);
		free(folder);
	}
	for (size_t i = 0; i < mp->ndepfiles && path == NULL; i++)
		if (mp->depfiles[i].is_trusted)
			path = find_by_depfile(&mp->depfiles[i], name);
	return path;
}

void modpath_free(struct modpath *mp)
{
	for (size_t i = 0; i < mp->nfiles; i++)
		modfile_free(mp->files[i]);
	for (size_t i = 0; i < mp->ndepfiles; i++)
		depfile_free(&mp->depfiles[i]);
	free(mp->depfiles);
	free(mp->files);
	free(mp->folders);
}
