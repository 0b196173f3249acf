/* SPDX-License-Identifier: MIT */
/*
 * Entries as text, in kmod's columns and order: all but parameters as they
 * come, then the parameters, the last one first, each once with its
 * description and its type, wherever these stood.
 */
#include "modinfo.h"

#include <stdio.h>
#include <string.h>

#include <kmod/json.h>
#include <tenon/err.h>

#define COLUMN 16

/* A parameter: "parm=NAME:TEXT" and "parmtype=NAME:TYPE". */
struct param {
	struct param *next;
	struct modinfo_entry name, text, type; /* their values */
};

static bool key_is(const struct modinfo_entry *e, const char *key)
{
	return strlen(key) == e->key_length &&
	       memcmp(e->key, key, e->key_length) == 0;
}

static void put(const char *s, size_t n)
{
	(void)fwrite(s, 1, n, stdout);
}

static void put_end(const struct modinfo *mi)
{
	putchar(mi->end);
}

/* "key:" and blanks up to the column. kmod mirrors what is longer. */
static void put_key(const char *key, size_t n)
{
	static const char blanks[] = "                ";
	size_t pad = n < COLUMN ? COLUMN - 1 - n : n - (COLUMN - 1);

	put(key, n);
	putchar(':');
	for (; pad > COLUMN; pad -= COLUMN)
		put(blanks, COLUMN);
	put(blanks, pad);
}

static void put_line(
    const struct modinfo *mi, const char *key, const char *value)
{
	put_key(key, strlen(key));
	put(value, strlen(value));
	put_end(mi);
}

void modinfo_print_head(struct modinfo *mi, const struct module *m)
{
	const char *file = m->path != NULL ? m->path : "(builtin)";

	if (mi->json)
		return;
	if (mi->field != NULL) {
		if (strcmp(mi->field, "filename") == 0) {
			put(file, strlen(file));
			put_end(mi);
		} else if (m->path == NULL && strcmp(mi->field, "name") == 0) {
			put(m->name, strlen(m->name));
			put_end(mi);
		}
		return;
	}
	if (m->path == NULL)
		put_line(mi, "name", m->name);
	put_line(mi, "filename", file);
}

/* --- parameters */

static struct param *param_of(struct param *list, const char *name, size_t n)
{
	for (; list != NULL; list = list->next)
		if (list->name.value_length == n &&
		    memcmp(list->name.value, name, n) == 0)
			return list;
	return NULL;
}

/* 0, -TN_EINVAL: no colon, or -TN_ENOMEM. */
static int take_param(
    struct arena *arena, struct param **list, const struct modinfo_entry *e)
{
	const char *colon = memchr(e->value, ':', e->value_length);
	struct modinfo_entry rest = *e;
	struct param *p;
	size_t n;

	if (colon == NULL)
		return -TN_EINVAL;
	n = (size_t)(colon - e->value);
	rest.value = colon + 1;
	rest.value_length = e->value_length - n - 1;
	p = param_of(*list, e->value, n);
	if (p == NULL) {
		p = arena_alloc(arena, sizeof(*p));
		if (p == NULL)
			return -TN_ENOMEM;
		p->name = (struct modinfo_entry){ .value = e->value,
			.value_length = n };
		p->next = *list;
		*list = p;
	}
	*(key_is(e, "parm") ? &p->text : &p->type) = rest;
	return 0;
}

static void put_value(const struct modinfo_entry *e)
{
	put(e->value, e->value_length);
}

/* "name:text (type)"; without a text "name:type", alone "name: (type)". */
static void print_param(const struct modinfo *mi, const struct param *p)
{
	if (mi->field == NULL)
		put_key("parm", 4);
	put_value(&p->name);
	putchar(':');
	if (p->text.value != NULL)
		put_value(&p->text);
	else if (mi->field == NULL)
		put_value(&p->type);
	if (p->type.value != NULL &&
	    (p->text.value != NULL || mi->field != NULL)) {
		put(" (", 2);
		put_value(&p->type);
		putchar(')');
	}
	put_end(mi);
}

static bool wants_params(const struct modinfo *mi)
{
	return mi->field == NULL || strcmp(mi->field, "parm") == 0;
}

static int gather_params(
    struct modinfo *mi, struct arena *arena, struct param **list)
{
	if (!wants_params(mi))
		return 0;
	for (size_t i = 0; i < mi->entries.n; i++) {
		const struct modinfo_entry *e = &mi->entries.e[i];
		int err;

		if (!key_is(e, "parm") && !key_is(e, "parmtype"))
			continue;
		err = take_param(arena, list, e);
		if (err == -TN_ENOMEM)
			return err;
		if (err)
			report(&mi->report, REPORT_ERROR,
			    "Found invalid \"%.*s=%.*s\": missing ':'",
			    (int)e->key_length, e->key, (int)e->value_length,
			    e->value);
	}
	return 0;
}

/* --- the others */

static void print_entry(const struct modinfo *mi, const struct modinfo_entry *e)
{
	if (mi->field != NULL) {
		if (!key_is(e, mi->field))
			return;
		put_value(e);
	} else if (mi->end == '\0') {
		put(e->key, e->key_length);
		putchar('=');
		put_value(e);
	} else {
		put_key(e->key, e->key_length);
		put_value(e);
	}
	put_end(mi);
}

static void print_text(const struct modinfo *mi, const struct param *params)
{
	const bool only_params = mi->field != NULL && wants_params(mi);

	for (size_t i = 0; i < mi->entries.n && !only_params; i++) {
		const struct modinfo_entry *e = &mi->entries.e[i];

		if (mi->field == NULL &&
		    (key_is(e, "parm") || key_is(e, "parmtype")))
			continue;
		print_entry(mi, e);
	}
	if (mi->field != NULL && !only_params)
		return;
	for (; params != NULL; params = params->next)
		print_param(mi, params);
}

/* --- JSON */

/* A copy with NUL. */
static const char *text_of(struct arena *a, const char *s, size_t n)
{
	const char *text = arena_text(a, s != NULL ? s : "", n);

	return text != NULL ? text : "";
}

/* A list for each key, in the order in which the keys come first. */
static void json_entries(
    const struct modinfo *mi, struct arena *a, struct json *j)
{
	const struct modinfo_entry *e = mi->entries.e;

	for (size_t i = 0; i < mi->entries.n; i++) {
		const char *key = text_of(a, e[i].key, e[i].key_length);
		size_t k = 0;

		while (k < i && !key_is(&e[k], key))
			k++;
		if (k < i || (mi->field != NULL && strcmp(mi->field, key) != 0))
			continue;
		json_open(j, key, '[');
		for (; k < mi->entries.n; k++)
			if (key_is(&e[k], key))
				json_text(j, NULL,
				    text_of(a, e[k].value, e[k].value_length));
		json_close(j, ']');
	}
}

static void print_json(
    const struct modinfo *mi, const struct module *m, struct arena *a)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "module", m->name);
	json_text(&j, "filename", m->path);
	json_open(&j, "fields", '{');
	json_entries(mi, a, &j);
	json_close(&j, '}');
	json_end(&j);
}

int modinfo_print(struct modinfo *mi, const struct module *m)
{
	struct param *params = NULL;
	struct arena arena = { 0 };
	int err = 0;

	if (mi->json)
		print_json(mi, m, &arena);
	else
		err = gather_params(mi, &arena, &params);
	if (err == 0 && !mi->json)
		print_text(mi, params);
	arena_free(&arena);
	return err;
}
