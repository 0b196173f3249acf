/* SPDX-License-Identifier: MIT */
/*
 * Module names, by kmod's rules: a file's name up to ".ko" (or ".so", ".o"),
 * in which '-' reads as '_'.
 */
#include "module.h"

#include <base/string.h>

static bool ends_name(const char *s)
{
	return *s == '\0' || str_begins(s, ".ko") || str_begins(s, ".so") ||
	       str_begins(s, ".o");
}

static void copy_name(const char *s, size_t n, char name[TN_MODULE_NAME_MAX])
{
	for (size_t i = 0; i < n; i++) {
		name[i] = s[i];
		if (s[i] == '-')
			name[i] = '_';
	}
	name[n] = '\0';
}

bool tn_module_name(const char *path, char name[TN_MODULE_NAME_MAX])
{
	size_t n = 0;

	for (const char *p = path; *p != '\0'; p++)
		if (*p == '/')
			path = p + 1;
	while (n + 1 < TN_MODULE_NAME_MAX && !ends_name(path + n))
		n++;
	copy_name(path, n, name);
	return ends_name(path + n);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '+';
}

bool module_name_is_sound(const char *name)
{
	const char *s = name;

	while (is_name_char(*s))
		s++;
	return s != name && *s == '\0';
}

bool module_name_take(const char *s, char name[TN_MODULE_NAME_MAX])
{
	const size_t n = str_len(s);

	if (n >= TN_MODULE_NAME_MAX)
		return false;
	copy_name(s, n, name);
	return true;
}
