/* SPDX-License-Identifier: MIT */
/*
 * The list of digests: allow.h.
 */
#include "allow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/sha256.h>
#include <tenon/err.h>

struct allow_digest {
	uint8_t bytes[SHA256_SIZE];
};

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

	return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

static bool parse(const char *line, struct allow_digest *out)
{
	line += *line == '\\'; /* the name has an escape in it */
	for (size_t i = 0; i < sizeof(out->bytes); i++) {
		const int high = digit_of(line[2 * i]);
		const int low = high < 0 ? -1 : digit_of(line[2 * i + 1]);

		if (low < 0)
			return false;
		out->bytes[i] = (uint8_t)(high << 4 | low);
	}
	line += 2 * sizeof(out->bytes);
	return *line == '\0' || *line == ' ' || *line == '\n';
}

static bool add(struct allow_list *list, const struct allow_digest *digest)
{
	/* room doubles at each power of two */
	if ((list->n & (list->n - 1)) == 0) {
		const size_t room = list->n != 0 ? list->n * 2 : 1;
		struct allow_digest *all =
		    realloc(list->all, room * sizeof(*all));

		if (all == NULL)
			return false;
		list->all = all;
	}
	list->all[list->n++] = *digest;
	return true;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct allow_digest));
}

struct place {
	const char *path;
	unsigned line;
};

static int read_line(struct allow_list *list, const char *line,
    const struct place *at, struct sign_why *why)
{
	struct allow_digest digest;

	if (line[0] == '#' || line[0] == '\n')
		return 0;
	if (!parse(line, &digest)) {
		(void)snprintf(why->text, sizeof(why->text),
		    "%s:%u: not a line of sha256sum", at->path, at->line);
		return -TN_EBADMSG;
	}
	return add(list, &digest) ? 0 : -TN_ENOMEM;
}

/* A digest and a path; the rest of a longer line is none of sha256sum. */
enum {
	LIST_LINE_MAX = 8192
};

static int read_lines(
    struct allow_list *list, const char *path, FILE *in, struct sign_why *why)
{
	char line[LIST_LINE_MAX];
	int err = 0;

	for (unsigned number = 1;
	     err == 0 && fgets(line, sizeof(line), in) != NULL; number++)
		err =
		    read_line(list, line, &(struct place){ path, number }, why);
	if (err != 0 || feof(in))
		return err;
	(void)snprintf(why->text, sizeof(why->text), "cannot read %s: %s", path,
	    strerror(errno));
	return -TN_ENOENT;
}

int allow_read(struct allow_list *list, const char *path, struct sign_why *why)
{
	FILE *in = fopen(path, "re");
	int err;

	if (in == NULL) {
		(void)snprintf(why->text, sizeof(why->text),
		    "cannot read %s: %s", path, strerror(errno));
		return -TN_ENOENT;
	}
	err = read_lines(list, path, in, why);
	fclose(in);
	if (err != 0)
		allow_free(list);
	else if (list->n != 0)
		qsort(list->all, list->n, sizeof(*list->all), compare);
	return err;
}

void allow_free(struct allow_list *list)
{
	free(list->all);
	*list = (struct allow_list){ 0 };
}

bool allow_has(const struct allow_list *list, struct span file)
{
	struct allow_digest digest;

	if (list->n == 0)
		return false;
	sha256(file.p, file.n, digest.bytes);
	return bsearch(&digest, list->all, list->n, sizeof(digest), compare) !=
	       NULL;
}
