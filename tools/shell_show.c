/* SPDX-License-Identifier: MIT */
/*
 * The commands of the console that show something.
 */
#include <stdio.h>
#include <string.h>

#include <kmod/clean.h>

#include "shell.h"

static const char *text_of(const struct wire_line *line, const char *key)
{
	const char *text = wire_get(line, key);

	return text != NULL ? text : "";
}

static bool ask(
    struct shell *s, const char *verb, const char *module, hostc_line_fn *fn)
{
	hostc_begin(s->c, verb);
	hostc_add(s->c, "module", module);
	return shell_ask(s, fn, NULL);
}

static unsigned long long seconds_of(const struct wire_line *line)
{
	uint64_t ns = 0;

	(void)wire_get_number(line, "age_ns", UINT64_MAX, &ns);
	return ns / 1000000000u;
}

static void show_module(void *arg, const struct wire_line *line)
{
	const char *version = text_of(line, "version");

	(void)arg;
	clean_print(stdout, "%-20s %-9s %-11s %8s %5s %s",
	    text_of(line, "module"), *version != '\0' ? version : "-",
	    text_of(line, "state"), text_of(line, "bytes"),
	    text_of(line, "refs"), text_of(line, "users"));
	if (wire_get(line, "verb") != NULL)
		clean_print(stdout, "(%s of %s, process %s, %llu s)",
		    text_of(line, "verb"), text_of(line, "client"),
		    text_of(line, "process"), seconds_of(line));
	(void)putchar('\n');
}

bool show_list(struct shell *s, char **words, int n)
{
	(void)words;
	(void)n;
	printf("%-20s %-9s %-11s %8s %5s %s\n", "Module", "Version", "State",
	    "Bytes", "Refs", "Used by");
	return ask(s, "list", NULL, show_module);
}

static void show_request(void *arg, const struct wire_line *line)
{
	(void)arg;
	clean_print(stdout, "%6llu s  %-8s %-20s %s %s\n", seconds_of(line),
	    text_of(line, "verb"), text_of(line, "module"),
	    text_of(line, "client"), text_of(line, "process"));
}

bool show_requests(struct shell *s, char **words, int n)
{
	(void)words;
	(void)n;
	return ask(s, "requests", NULL, show_request);
}

/* The fields of the last line, one a line. */
static void show_fields(const struct wire_line *line)
{
	for (size_t i = 0; i < line->nfields; i++)
		clean_print(stdout, "%-12s %s\n", line->fields[i].key,
		    line->fields[i].value);
}

static void show_provider(void *arg, const struct wire_line *line)
{
	(void)arg;
	clean_print(stdout, "%-12s %s\n", "needs", text_of(line, "module"));
}

bool show_info(struct shell *s, char **words, int n)
{
	(void)n;
	if (!ask(s, "info", words[0], show_provider))
		return false;
	show_fields(hostc_last(s->c));
	return true;
}

bool show_status(struct shell *s, char **words, int n)
{
	(void)words;
	(void)n;
	if (!ask(s, "status", NULL, NULL))
		return false;
	show_fields(hostc_last(s->c));
	return true;
}

static void show_holder(void *arg, const struct wire_line *line)
{
	(void)arg;
	clean_print(stdout, "%-10s %s %s\n", text_of(line, "kind"),
	    text_of(line, "name"), text_of(line, "interface"));
}

bool show_holders(struct shell *s, char **words, int n)
{
	(void)n;
	return ask(s, "holders", words[0], show_holder);
}

static void show_item(void *arg, const struct wire_line *line)
{
	(void)arg;
	clean_print(
	    stdout, "%-10s %s\n", text_of(line, "type"), text_of(line, "text"));
}

bool show_ledger(struct shell *s, char **words, int n)
{
	(void)n;
	return ask(s, "ledger", words[0], show_item);
}

static void show_text(void *arg, const struct wire_line *line)
{
	(void)arg;
	clean_print(stdout, "%s\n", text_of(line, "text"));
}

bool show_symbols(struct shell *s, char **words, int n)
{
	(void)n;
	return ask(s, "symbols", words[0], show_text);
}

bool show_symbol(struct shell *s, char **words, int n)
{
	const char *module;

	(void)n;
	hostc_begin(s->c, "symbol");
	hostc_add(s->c, "symbol", words[0]);
	if (!shell_ask(s, NULL, NULL))
		return false;
	module = hostc_text(s->c, "module");
	clean_print(stdout, "0x%llx %s\n",
	    (unsigned long long)hostc_number(s->c, "address"),
	    *module != '\0' ? module : "the engine");
	return true;
}

bool show_where(struct shell *s, char **words, int n)
{
	(void)n;
	hostc_begin(s->c, "where");
	hostc_add(s->c, "address", words[0]);
	if (!shell_ask(s, NULL, NULL))
		return false;
	clean_print(stdout, "%s+0x%llx [%s]\n", hostc_text(s->c, "symbol"),
	    (unsigned long long)hostc_number(s->c, "offset"),
	    hostc_text(s->c, "module"));
	return true;
}

static void show_param(void *arg, const struct wire_line *line)
{
	(void)arg;
	clean_print(stdout, "%-16s = %-16s %s%s %s\n", text_of(line, "name"),
	    text_of(line, "value"), text_of(line, "type"),
	    strcmp(text_of(line, "writable"), "1") == 0 ? "" : ", read-only",
	    text_of(line, "help"));
}

bool show_params(struct shell *s, char **words, int n)
{
	(void)n;
	return ask(s, "params", words[0], show_param);
}
