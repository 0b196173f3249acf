/* SPDX-License-Identifier: MIT */
/* See modname.h. */
#include "modname.h"

#include <string.h>

/* Copies "[...]" at @s; its length, or 0: there is no end. */
static size_t copy_bracket(const char *s, char *out, size_t room)
{
	const char *end = strchr(s, ']');
	const size_t n = end == NULL ? 0 : (size_t)(end - s) + 1;

	if (n > room)
		return 0;
	memcpy(out, s, n);
	return n;
}

bool alias_normalize(const char *alias, char *out)
{
	size_t n = 0;

	while (alias[n] != '\0' && n < MODNAME_MAX - 1) {
		size_t bracket;

		switch (alias[n]) {
		case '-': out[n++] = '_'; break;
		case ']': return false;
		case '[':
			bracket = copy_bracket(
			    alias + n, out + n, MODNAME_MAX - 1 - n);
			if (bracket == 0)
				return false;
			n += bracket;
			break;
		default: out[n] = alias[n]; n++;
		}
	}
	out[n] = '\0';
	return alias[n] == '\0';
}

bool modname_of_path(const char *path, char *out)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t n;

	for (n = 0; name[n] != '\0' && name[n] != '.'; n++) {
		if (n == MODNAME_MAX - 1)
			return false;
		out[n] = (char)(name[n] == '-' ? '_' : name[n]);
	}
	out[n] = '\0';
	return n > 0;
}

bool modname_is_file(const char *name)
{
	static const char *const endings[] = { ".ko", ".ko.gz", ".ko.xz",
		".ko.zst" };
	const size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const size_t m = strlen(endings[i]);

		if (n > m && memcmp(name + n - m, endings[i], m) == 0)
			return true;
	}
	return false;
}
