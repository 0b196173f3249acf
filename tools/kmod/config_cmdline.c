/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: words "MODULE.OPTION[=VALUE]" are options of a
 * module, and "modprobe.blacklist=A,B" names blacklisted ones. Words are parted
 * by white space outside of "double quotes", which may stand in values, or
 * around a whole word: they are the value's then.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include <tenon/err.h>

#include "modname.h"

#define FROM "kernel command line"

/* The end of the word at @p; *@whole: no quote is left open. */
static const char *word_end(const char *p, bool *whole)
{
	*whole = true;
	for (; *p != '\0' && (!*whole || !isspace((unsigned char)*p)); p++)
		if (*p == '"')
			*whole = !*whole;
	return p;
}

static int add(struct config *c, enum config_kind kind, const char *name,
    const char *value)
{
	struct config_entry *e;

	if (name == NULL || value == NULL)
		return -TN_ENOMEM;
	e = config_add(c, kind, name, value);
	if (e == NULL)
		return -TN_ENOMEM;
	e->file = FROM;
	return 0;
}

/* "A,B,": kmod takes the names as they are, empty ones too. */
static int add_blacklist(struct config *c, const char *names)
{
	for (;; names++) {
		const size_t n = strcspn(names, ",");
		const int err = add(
		    c, CONFIG_BLACKLIST, arena_text(c->arena, names, n), "");

		names += n;
		if (err || *names == '\0')
			return err;
	}
}

/* A word, taken apart: "MODULE.OPTION=VALUE". */
struct word {
	const char *module;
	size_t module_length;
	const char *option;
	size_t option_length; /* with "=" */
	const char *value;
	size_t value_length;
	bool quoted; /* the whole word: its first quote is not in value */
};

/* False: the word from @text to @end is no option of a module. */
static bool word_parse(const char *text, const char *end, struct word *w)
{
	const bool quoted = *text == '"';
	const char *key = quoted ? text + 1 : text;
	const size_t n = strcspn(key, "=\" \t\n\v\f\r");
	const char *dot = memchr(key, '.', n);
	const char *stop = key + n;

	if (dot == NULL || memchr(dot + 1, '.', (size_t)(stop - dot) - 1))
		return false;
	/* what ends the key is '=' or the end of the word, no quote */
	if (*stop != '=' && (quoted || stop != end))
		return false;
	if (*stop == '=')
		stop++;
	*w = (struct word){ key, (size_t)(dot - key), dot + 1,
		(size_t)(stop - dot) - 1, stop, (size_t)(end - stop), quoted };
	return true;
}

static bool word_is_blacklist(const struct word *w)
{
	return w->module_length == 8 && memcmp(w->module, "modprobe", 8) == 0 &&
	       w->option_length == 10 &&
	       memcmp(w->option, "blacklist=", 10) == 0;
}

/* OPTION=VALUE; a quote around the whole word moves to the value. */
static char *word_value(struct config *c, const struct word *w)
{
	char *text =
	    arena_alloc(c->arena, w->option_length + w->value_length + 2);
	char *p = text;

	if (text == NULL)
		return NULL;
	memcpy(p, w->option, w->option_length);
	p += w->option_length;
	if (w->quoted)
		*p++ = '"';
	memcpy(p, w->value, w->value_length);
	return text;
}

static int add_word(
    struct config *c, const struct word *w, const struct report *r)
{
	const char *value = word_value(c, w), *raw;
	char name[MODNAME_MAX];

	if (value == NULL)
		return -TN_ENOMEM;
	if (word_is_blacklist(w))
		return add_blacklist(c, value + w->option_length);
	raw = arena_text(c->arena, w->module, w->module_length);
	if (raw == NULL)
		return -TN_ENOMEM;
	if (!alias_normalize(raw, name)) {
		report(r, REPORT_ERROR,
		    "Ignoring bad option on kernel command line while parsing module name: '%s'",
		    raw);
		return 0;
	}
	return add(
	    c, CONFIG_OPTIONS, arena_text(c->arena, name, strlen(name)), value);
}

int config_parse_cmdline(
    struct config *c, const char *text, const struct report *r)
{
	int err = 0;

	while (*text != '\0' && err == 0) {
		bool whole;
		const char *end = word_end(text, &whole);
		struct word w;

		if (whole && word_parse(text, end, &w))
			err = add_word(c, &w, r);
		text = *end == '\0' ? end : end + 1;
	}
	return err;
}
