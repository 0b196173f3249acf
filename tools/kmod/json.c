/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON (RFC 8259): see json.h. Nothing is kept but the need of a
 * comma, so what is written is as well-formed as the calls are.
 */
#include <kmod/json.h>

#include <inttypes.h>

/* Length of the UTF-8 sequence at @s, 0: it is none (Unicode 15, table 3-7). */
static unsigned utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char first, last, low, high;
		unsigned n;
	} forms[] = {
		// clang-format off
		{ 0x20, 0x7e, 0x00, 0xff, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
		// clang-format on
	};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		unsigned n = 1;

		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		if (forms[i].n > 1 &&
		    (s[1] < forms[i].low || s[1] > forms[i].high))
			return 0;
		for (n = 2; n < forms[i].n; n++)
			if ((s[n] & 0xc0) != 0x80)
				return 0;
		return forms[i].n;
	}
	return 0;
}

static void put_text(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	(void)fputc('"', out);
	while (*s != '\0') {
		const unsigned n = utf8_length(s);

		if (*s == '"' || *s == '\\')
			(void)fprintf(out, "\\%c", *s);
		else if (*s == '\n')
			(void)fputs("\\n", out);
		else if (*s < 0x20 || *s == 0x7f)
			(void)fprintf(out, "\\u%04x", *s);
		else if (n == 0)
			(void)fputs("\\ufffd", out);
		else
			(void)fwrite(s, 1, n, out);
		s += n != 0 ? n : 1;
	}
	(void)fputc('"', out);
}

static void put_key(struct json *j, const char *key)
{
	if (j->comma)
		(void)fputc(',', j->out);
	j->comma = true;
	if (key == NULL)
		return;
	put_text(j->out, key);
	(void)fputc(':', j->out);
}

void json_begin(struct json *j, FILE *out)
{
	*j = (struct json){ .out = out };
	(void)fputc('{', out);
}

void json_end(struct json *j)
{
	(void)fputs("}\n", j->out);
}

void json_text(struct json *j, const char *key, const char *text)
{
	put_key(j, key);
	if (text == NULL)
		(void)fputs("null", j->out);
	else
		put_text(j->out, text);
}

void json_number(struct json *j, const char *key, int64_t value)
{
	put_key(j, key);
	(void)fprintf(j->out, "%" PRId64, value);
}

void json_unsigned(struct json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	(void)fprintf(j->out, "%" PRIu64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	(void)fputs(value ? "true" : "false", j->out);
}

void json_open(struct json *j, const char *key, char bracket)
{
	put_key(j, key);
	(void)fputc(bracket, j->out);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	(void)fputc(bracket, j->out);
	j->comma = true;
}
