/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON (RFC 8259): see json.h. Nothing is kept but the need of a
 * comma, so what is written is as well-formed as the calls are.
 */
#include <kmod/json.h>

#include <inttypes.h>
#include <stdbool.h>

#include <base/utf8.h>

/* U+0080 to U+009F: well-formed, but what a terminal would obey. */
static bool is_c1(const char *s)
{
	return s[0] == '\xc2' && ((unsigned char)s[1] & 0xe0) == 0x80;
}

static void put_text(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (const char *s = text; *s != '\0';) {
		const size_t n = utf8_printable(s);

		if (*s == '"' || *s == '\\')
			(void)fprintf(out, "\\%c", *s);
		else if (*s == '\n')
			(void)fputs("\\n", out);
		else if ((*s > 0 && *s < ' ') || *s == '\x7f')
			(void)fprintf(out, "\\u%04x", (unsigned)*s);
		else if (n != 0)
			(void)fwrite(s, 1, n, out);
		else if (is_c1(s))
			(void)fprintf(out, "\\u%04x", (unsigned char)*++s);
		else
			(void)fputs("\\ufffd", out);
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
