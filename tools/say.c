/* SPDX-License-Identifier: MIT */
/*
 * What all applets say and read in the same way: a diagnosis as one sentence on
 * standard error, wrong use, folders, and numbers.
 */
#include "applets.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <kmod/clean.h>

char *diag_sentence(const struct tn_diag *diag)
{
	const size_t n = tn_diag_text(diag, NULL, 0) + 1;
	char *text = malloc(n);

	if (text != NULL)
		(void)tn_diag_text(diag, text, n);
	return text;
}

void say_diag(const char *applet, const struct tn_diag *diag)
{
	char *text = diag_sentence(diag);

	if (text != NULL)
		fprintf(stderr, "tenon %s: %s\n", applet,
		    clean_text(text, CLEAN_LISTS));
	else
		fprintf(stderr, "tenon %s: error %d\n", applet, diag->error);
	free(text);
}

bool say_usage(const char *applet, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "tenon %s: ", applet);
	va_start(ap, fmt);
	(void)clean_print_list(stderr, CLEAN_LINE, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; `tenon %s --help` says more\n", applet);
	return false;
}

bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool parse_number(const char *s, uint64_t *out)
{
	char *end;

	if (*s == '\0' || *s == '-' || *s == '+' || *s == ' ')
		return false;
	errno = 0;
	const unsigned long long v = strtoull(s, &end, 0);

	if (errno != 0 || *end != '\0')
		return false;
	*out = v;
	return true;
}
