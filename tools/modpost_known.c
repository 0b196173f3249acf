/* SPDX-License-Identifier: MIT */
/*
 * What others export: the guaranteed symbols and the lines of the given
 * Module.symvers files, in one array sorted by name. Fields of a line are
 * separated by tabs:  CRC  symbol  module  export type  [namespace]
 */
#include "modpost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/engine.h>

enum {
	FIELDS = 5
};

static size_t count_lines(const struct text_file *file)
{
	size_t n = 1;

	for (size_t i = 0; i < file->size; i++)
		n += file->data[i] == '\n';
	return n;
}

/* Cuts @line at its tabs; missing fields are empty. Returns how many. */
static unsigned split(char *line, const char *fields[FIELDS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < FIELDS; i++)
		fields[i] = "";
	while (n < FIELDS && line != NULL)
		fields[n++] = strsep(&line, "\t");
	return n;
}

static bool parse_crc(const char *text, uint32_t *crc)
{
	char *end;

	errno = 0;
	const unsigned long v = strtoul(text, &end, 16);

	if (errno != 0 || end == text || *end != '\0' || v > UINT32_MAX)
		return false;
	*crc = (uint32_t)v;
	return true;
}

static bool parse_line(char *line, struct known *out)
{
	const char *field[FIELDS];

	if (split(line, field) < 4 || !parse_crc(field[0], &out->crc) ||
	    !mp_is_plain_name(field[1]) || !mp_is_plain_name(field[2]))
		return false;
	const char *slash = strrchr(field[2], '/');

	out->name = field[1];
	out->module = slash != NULL ? slash + 1 : field[2];
	out->gpl = strstr(field[3], "_GPL") != NULL;
	out->ns = field[4];
	return true;
}

static void known_add(struct modpost *mp, const struct known *k)
{
	mp->known[mp->nknown] = *k;
	mp->known[mp->nknown].rank = (unsigned)mp->nknown;
	mp->nknown++;
}

static bool file_parse(
    struct modpost *mp, const char *path, struct text_file *file)
{
	char *rest = file->data;
	char *line;
	unsigned number = 0;

	while ((line = strsep(&rest, "\n")) != NULL) {
		struct known k = { 0 };

		number++;
		if (*line == '\0')
			continue;
		if (!parse_line(line, &k)) {
			mp_fail(mp, "%s:%u: not a line of Module.symvers", path,
			    number);
			return false;
		}
		/* An old result of this very module says nothing. */
		if (strcmp(k.module, mp->name) != 0)
			known_add(mp, &k);
	}
	return true;
}

static void guaranteed_add(struct modpost *mp)
{
	for (size_t i = 0; i < tn_guaranteed_count; i++) {
		const struct tn_export *e = &tn_guaranteed[i];
		const struct known k = {
			.name = e->name,
			.module = CORE,
			.ns = e->ns != NULL ? e->ns : "",
			.crc = e->crc,
			.gpl = (e->flags & TN_EXPORT_GPL) != 0,
		};

		known_add(mp, &k);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	const int d = strcmp(x->name, y->name);

	return d != 0 ? d : x->rank < y->rank ? -1 : x->rank > y->rank;
}

bool mp_known_read(struct modpost *mp)
{
	size_t room = tn_guaranteed_count;

	for (size_t i = 0; i < mp->nsymvers; i++) {
		if (!mp_file_read(mp, mp->symvers[i], &mp->symvers_file[i]))
			return false;
		room += count_lines(&mp->symvers_file[i]);
	}
	mp->known = calloc(room, sizeof(*mp->known));
	if (mp->known == NULL) {
		mp_fail(mp, "out of memory");
		return false;
	}
	guaranteed_add(mp);
	for (size_t i = 0; i < mp->nsymvers; i++)
		if (!file_parse(mp, mp->symvers[i], &mp->symvers_file[i]))
			return false;
	qsort(mp->known, mp->nknown, sizeof(*mp->known), by_name);
	return true;
}

const struct known *mp_known_find(const struct modpost *mp, const char *name)
{
	size_t low = 0, high = mp->nknown;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (strcmp(mp->known[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == mp->nknown || strcmp(mp->known[low].name, name) != 0)
		return NULL;
	return &mp->known[low];
}

static void crc_set(struct object *obj, const char *name, uint32_t crc)
{
	for (size_t i = 0; i < obj->nexports; i++) {
		struct export *e = &obj->exports[i];

		if (strcmp(e->name, name) != 0)
			continue;
		e->crc = crc;
		e->has_crc = true;
	}
}

/* CRCs of own exports: `CRC name` with anything behind it, a line each. */
bool mp_crcs_read(struct modpost *mp)
{
	char *rest;
	char *line;

	if (mp->crc_from == NULL)
		return true;
	if (!mp_file_read(mp, mp->crc_from, &mp->crc_file))
		return false;
	rest = mp->crc_file.data;
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *crc = strsep(&line, " \t");
		const char *name = strsep(&line, " \t");
		uint32_t value;

		if (name != NULL && parse_crc(crc, &value))
			crc_set(&mp->object, name, value);
	}
	return true;
}
