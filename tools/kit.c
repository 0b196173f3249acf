/* SPDX-License-Identifier: MIT */
/*
 * See kit.h. The binary is PREFIX/bin/tenon, or build/CONFIG/bin/tenon in
 * Tenon's own tree.
 */
#include "kit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tenon/diag.h>

static bool cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		return false;
	*slash = '\0';
	return true;
}

/* @up folders above the binary, then @below. */
static bool find(int up, const char *below, char path[PATH_MAX])
{
	char self[PATH_MAX - 64];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return false;
	self[n] = '\0';
	while (up-- > 0)
		if (!cut(self))
			return false;
	(void)snprintf(path, PATH_MAX, "%s/%s", self, below);
	return access(path, R_OK) == 0;
}

bool kit_makefile(char path[PATH_MAX])
{
	return find(2, "share/tenon/module.mk", path) ||
	       find(4, "mk/module.mk", path);
}

const char *kit_name_fault(const char *name)
{
	if (!isalpha((unsigned char)name[0]))
		return "it does not begin with a letter";
	if (strlen(name) > TN_MODULE_NAME_MAX - 1)
		return "it has more than 55 characters";
	for (const char *s = name; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return "it has something else than letters, digits "
			       "and '_' in it";
	return NULL;
}
