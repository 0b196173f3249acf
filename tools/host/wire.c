/* SPDX-License-Identifier: MIT */
/*
 * Lines of the host protocol: see hostd/wire.h. Reading cuts a line in place
 * and is strict, so that there is one way to write what means the same: no
 * double blank, no key twice, no byte beyond printable ASCII, no NUL.
 */
#include <hostd/wire.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

/* --- reading */

static bool is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_key(const char *s)
{
	size_t n = 0;

	while (is_key_char(s[n]))
		n++;
	return n != 0 && n < WIRE_KEY_MAX && s[n] == '\0';
}

/* A hexadecimal digit's value, or -1. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Replaces %XX in place. */
static const char *decode(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++, to++) {
		*to = *s;
		if (*s != '%')
			continue;
		const int high = digit(s[1]);
		const int low = high >= 0 ? digit(s[2]) : -1;

		if (low < 0)
			return "'%' without two hexadecimal digits";
		if (high == 0 && low == 0)
			return "a NUL in a value";
		*to = (char)(high * 16 + low);
		s += 2;
	}
	*to = '\0';
	return NULL;
}

static const char *add_field(struct wire_line *out, char *word)
{
	char *equal = strchr(word, '=');

	if (equal == NULL)
		return "a word that is no KEY=VALUE";
	*equal = '\0';
	if (!is_key(word))
		return "a key that is not of a-z, 0-9 and '_'";
	if (wire_get(out, word) != NULL)
		return "a key that stands twice";
	if (out->nfields == WIRE_FIELDS_MAX)
		return "too many fields";
	out->fields[out->nfields++] = (struct wire_field){ word, equal + 1 };
	return decode(equal + 1);
}

static bool parse_id(const char *s, uint32_t *out)
{
	uint32_t id = 0;
	size_t n = 0;

	for (; s[n] >= '0' && s[n] <= '9' && n < 9; n++)
		id = id * 10 + (uint32_t)(s[n] - '0');
	if (n == 0 || s[n] != '\0')
		return false;
	*out = id;
	return true;
}

static const char *cut(char *text, struct wire_line *out)
{
	const char *why = NULL;
	char *word = strsep(&text, " ");

	if (!parse_id(word, &out->id))
		return "it does not begin with a number of 1 to 9 digits";
	word = strsep(&text, " ");
	if (word == NULL || !is_key(word))
		return "no word of a-z, 0-9 and '_' follows the number";
	out->word = word;
	while (why == NULL && (word = strsep(&text, " ")) != NULL)
		why = add_field(out, word);
	return why;
}

int wire_parse(
    char *text, size_t length, struct wire_line *out, const char **why)
{
	*out = (struct wire_line){ .word = "" };
	*why = NULL;
	for (size_t i = 0; i < length && *why == NULL; i++)
		if (text[i] < ' ' || text[i] > '~')
			*why = "a byte that is not printable ASCII";
	if (*why == NULL) {
		text[length] = '\0';
		*why = cut(text, out);
	}
	return *why == NULL ? 0 : -TN_EINVAL;
}

const char *wire_get(const struct wire_line *line, const char *key)
{
	for (size_t i = 0; i < line->nfields; i++)
		if (strcmp(line->fields[i].key, key) == 0)
			return line->fields[i].value;
	return NULL;
}

int wire_get_number(
    const struct wire_line *line, const char *key, uint64_t max, uint64_t *out)
{
	const char *s = wire_get(line, key);
	const bool hex = s != NULL && s[0] == '0' && s[1] == 'x';
	const unsigned base = hex ? 16 : 10;
	uint64_t value = 0;

	if (s == NULL)
		return -TN_ENOENT;
	if (hex)
		s += 2;
	if (*s == '\0')
		return -TN_EINVAL;
	for (; *s != '\0'; s++) {
		const int d = digit(*s);

		if (d < 0 || (unsigned)d >= base ||
		    __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)d, &value))
			return -TN_EINVAL;
	}
	if (value > max)
		return -TN_EINVAL;
	*out = value;
	return 0;
}

/* --- writing */

bool wire_reserve(struct wire_text *t, size_t more)
{
	size_t capacity = t->capacity != 0 ? t->capacity : 512;
	char *bytes;

	if (t->failed)
		return false;
	while (capacity - t->length < more)
		capacity *= 2;
	if (capacity == t->capacity)
		return true;
	bytes = realloc(t->bytes, capacity);
	if (bytes == NULL) {
		t->failed = true;
		return false;
	}
	t->bytes = bytes;
	t->capacity = capacity;
	return true;
}

static void put(struct wire_text *t, const char *s, size_t n)
{
	if (!wire_reserve(t, n))
		return;
	memcpy(t->bytes + t->length, s, n);
	t->length += n;
}

static void put_encoded(struct wire_text *t, const char *s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *s != '\0'; s++) {
		const unsigned char c = (unsigned char)*s;

		if (c > ' ' && c <= '~' && c != '%') {
			put(t, s, 1);
		} else {
			const char code[3] = { '%', digits[c >> 4],
				digits[c & 15] };

			put(t, code, sizeof(code));
		}
	}
}

void wire_begin(struct wire_text *t, uint32_t id, const char *word)
{
	char number[16];
	const int n = snprintf(number, sizeof(number), "%" PRIu32 " ", id);

	put(t, number, (size_t)n);
	put(t, word, strlen(word));
}

void wire_add(struct wire_text *t, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put(t, " ", 1);
	put(t, key, strlen(key));
	put(t, "=", 1);
	put_encoded(t, value);
}

void wire_add_number(struct wire_text *t, const char *key, uint64_t value)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRIu64, value);
	wire_add(t, key, number);
}

void wire_add_signed(struct wire_text *t, const char *key, int64_t value)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRId64, value);
	wire_add(t, key, number);
}

void wire_end(struct wire_text *t)
{
	put(t, "\n", 1);
}

void wire_clear(struct wire_text *t)
{
	t->length = 0;
	t->failed = false;
}

void wire_free(struct wire_text *t)
{
	free(t->bytes);
	*t = (struct wire_text){ 0 };
}
