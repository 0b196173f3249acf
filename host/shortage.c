/* SPDX-License-Identifier: MIT */
/*
 * Shortages: see shortage.h. The limits that lead to an errno are a table, as
 * the shell names them; those that are not set are not named.
 */
#include "shortage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <base/compiler.h>

static const struct {
	int error;
	int limit;
	unsigned unit; /* of the shell */
	const char *name;
} limits[] = {
	{ ENOMEM, RLIMIT_AS, 1024, "ulimit -v" },
	{ ENOMEM, RLIMIT_DATA, 1024, "ulimit -d" },
	{ EFBIG, RLIMIT_FSIZE, 1024, "ulimit -f" },
	{ EMFILE, RLIMIT_NOFILE, 1, "ulimit -n" },
	{ EAGAIN, RLIMIT_MEMLOCK, 1024, "ulimit -l" },
};

bool shortage_may_end(const struct shortage *s)
{
	bool may = s->error == ENFILE || s->error == ENOSPC;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		may |= s->error == limits[i].error;
	return may;
}

void shortage_note(struct shortage *s, size_t size)
{
	*s = (struct shortage){ size, errno };
}

static const char *cause(int error)
{
	return error == EOVERFLOW ? "an image has less than 2 GiB"
				  : strerror(error);
}

void shortage_text(const struct shortage *s, char text[SHORTAGE_TEXT_MAX])
{
	const char *between = "; raise";
	struct rlimit now;
	char size[32] = "";
	int n;

	text[0] = '\0';
	if (s->error == 0)
		return;
	if (s->size != 0)
		(void)snprintf(size, sizeof(size), "%zu KiB of ",
		    s->size / 1024 + (s->size % 1024 != 0));
	n = snprintf(text, SHORTAGE_TEXT_MAX,
	    "%smemory for modules cannot be had: %s", size, cause(s->error));
	for (size_t i = 0; i < ARRAY_SIZE(limits) && n < SHORTAGE_TEXT_MAX;
	     i++) {
		if (limits[i].error != s->error ||
		    getrlimit(limits[i].limit, &now) != 0 ||
		    now.rlim_cur == RLIM_INFINITY)
			continue;
		n += snprintf(text + n, SHORTAGE_TEXT_MAX - (size_t)n,
		    "%s `%s` (it is %llu)", between, limits[i].name,
		    (unsigned long long)(now.rlim_cur / limits[i].unit));
		between = " or";
	}
}
