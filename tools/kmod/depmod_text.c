/* SPDX-License-Identifier: MIT */
/*
 * The text files of depmod: modules.dep, .alias, .softdep, .symbols, .devname.
 */
#include "depmod_text.h"

#include <stdio.h>
#include <string.h>

#include <tenon/err.h>

#include "depmod.h"

static int end(const struct buffer *out)
{
	return out->failed ? -TN_ENOMEM : 0;
}

int depmod_text_dep(struct depmod *d, struct buffer *out)
{
	char *text;

	buffer_add(out, d->lines.p, d->lines.n);
	if (out->failed)
		return -TN_ENOMEM;
	text = out->p + out->n - d->lines.n;
	for (size_t i = 0; i < d->lines.n; i++)
		if (text[i] == '\0')
			text[i] = '\n';
	return 0;
}

/* Copies @n characters; where the next ones go. */
static char *put(char *at, const char *text, size_t n)
{
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): part of a line */
	memcpy(at, text, n);
	return at + n;
}

/* "BEGIN a b": @begin has its blank. */
static void put_line(
    struct buffer *out, const char *begin, const char *a, const char *b)
{
	const size_t nbegin = strlen(begin), na = strlen(a), nb = strlen(b);
	char *at = buffer_room(out, nbegin + na + nb + 2);

	if (at == NULL)
		return;
	at = put(put(at, begin, nbegin), a, na);
	*at++ = ' ';
	at = put(at, b, nb);
	*at = '\n';
}

int depmod_text_alias(struct depmod *d, struct buffer *out)
{
	buffer_text(out, "# Aliases extracted from modules themselves.\n");
	for (uint32_t i = 0; i < d->nmodules; i++) {
		const struct dep_module *m = &d->modules[i];
		const char *text = facts_first(&m->facts, FACTS_ALIASES);

		for (uint32_t j = 0; j < m->facts.n[FACTS_ALIASES]; j++) {
			put_line(out, "alias ", text, m->name);
			text = facts_next(text);
		}
	}
	return end(out);
}

int depmod_text_softdep(struct depmod *d, struct buffer *out)
{
	buffer_text(
	    out, "# Soft dependencies extracted from modules themselves.\n");
	for (uint32_t i = 0; i < d->nmodules; i++) {
		const struct dep_module *m = &d->modules[i];
		const char *text = facts_first(&m->facts, FACTS_SOFTDEPS);

		for (uint32_t j = 0; j < m->facts.n[FACTS_SOFTDEPS]; j++) {
			put_line(out, "softdep ", m->name, text);
			text = facts_next(text);
		}
	}
	return end(out);
}

int depmod_text_symbols(struct depmod *d, struct buffer *out)
{
	buffer_text(out, "# Aliases for symbols, used by symbol_request().\n");
	for (uint32_t i = 0; i < d->nexports; i++) {
		const struct names_entry *symbol = d->exports[d->by_bucket[i]];

		put_line(out, "alias symbol:", symbol->name,
		    d->modules[symbol->value].name);
	}
	return end(out);
}

/* --- modules.devname */

struct device {
	const char *name; /* of the node; NULL: none is told */
	char type;        /* 'c', 'b', or NUL: none is told */
	unsigned major, minor;
};

/* The kind of device that @alias tells, with its numbers; or NUL. */
static char device_numbers(const char *alias, unsigned *major, unsigned *minor)
{
	/* NOLINTBEGIN(cert-err34-c): overflow wraps, as in kmod */
	if (alias[0] == 'c' &&
	    sscanf(alias, "char-major-%u-%u", major, minor) == 2)
		return 'c';
	if (alias[0] == 'b' &&
	    sscanf(alias, "block-major-%u-%u", major, minor) == 2)
		return 'b';
	/* NOLINTEND(cert-err34-c) */
	return '\0';
}

/* What @alias adds to @dev. */
static void device_learn(struct device *dev, const char *alias)
{
	unsigned major, minor;
	const char type = device_numbers(alias, &major, &minor);

	if (strncmp(alias, "devname:", 8) == 0)
		dev->name = alias + 8;
	if (type == '\0')
		return;
	dev->type = type;
	dev->major = major;
	dev->minor = minor;
}

static struct device device_of(const struct dep_module *m)
{
	struct device dev = { .name = NULL };
	const char *alias = facts_first(&m->facts, FACTS_ALIASES);

	for (uint32_t i = 0; i < m->facts.n[FACTS_ALIASES]; i++) {
		device_learn(&dev, alias);
		if (dev.name != NULL && dev.type != '\0')
			break;
		alias = facts_next(alias);
	}
	return dev;
}

static void put_device(
    struct buffer *out, const struct dep_module *m, const struct device *dev)
{
	char numbers[40];

	if (out->n == 0)
		buffer_text(out,
		    "# Device nodes to trigger on-demand module loading.\n");
	(void)snprintf(numbers, sizeof(numbers), " %c%u:%u\n", dev->type,
	    dev->major, dev->minor);
	buffer_text(out, m->name);
	buffer_char(out, ' ');
	buffer_text(out, dev->name);
	buffer_text(out, numbers);
}

int depmod_text_devname(struct depmod *d, struct buffer *out)
{
	for (uint32_t i = 0; i < d->nmodules; i++) {
		const struct dep_module *m = &d->modules[i];
		const struct device dev = device_of(m);

		if (dev.name == NULL)
			continue;
		if (dev.type != '\0') {
			put_device(out, m, &dev);
			continue;
		}
		d->has_told = true;
		report(&d->report, REPORT_ERROR,
		    "Module '%s' has devname (%s) but lacks major and "
		    "minor information. Ignoring.",
		    m->name, dev.name);
	}
	return end(out);
}
