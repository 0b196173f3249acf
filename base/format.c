/* SPDX-License-Identifier: MIT */
/*
 * printf's useful subset over a fixed buffer. The length is counted past the
 * end of the buffer, so that a caller can tell a cut text from a whole one.
 */
#include <base/format.h>

#include <stdbool.h>
#include <stdint.h>

struct spec {
	size_t width;
	size_t precision;
	bool left, zero, alternate;
	unsigned size; /* bytes of the integer argument */
};

static void put(struct text *t, char c)
{
	if (t->len + 1 < t->cap)
		t->buf[t->len] = c;
	t->len++;
}

static void pad(struct text *t, size_t have, size_t want, char c)
{
	for (; have < want; have++)
		put(t, c);
}

static void put_field(
    struct text *t, const struct spec *sp, const char *s, size_t n)
{
	if (!sp->left)
		pad(t, n, sp->width, ' ');
	for (size_t i = 0; i < n; i++)
		put(t, s[i]);
	if (sp->left)
		pad(t, n, sp->width, ' ');
}

static void put_string(struct text *t, const struct spec *sp, const char *s)
{
	size_t n = 0;

	if (s == NULL)
		s = "(null)";
	while (n < sp->precision && s[n] != '\0')
		n++;
	put_field(t, sp, s, n);
}

/* Written from its end: digits, zeroes, then prefix and sign. */
static void put_number(
    struct text *t, const struct spec *sp, uint64_t v, unsigned base, char sign)
{
	char tmp[72];
	char *const end = tmp + sizeof(tmp);
	const size_t prefix =
	    (sign != '\0' ? 1u : 0u) + (sp->alternate ? 2u : 0u);
	char *p = end;

	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	if (sp->zero && !sp->left)
		while ((size_t)(end - p) + prefix < sp->width && end - p < 64)
			*--p = '0';
	if (sp->alternate) {
		*--p = 'x';
		*--p = '0';
	}
	if (sign != '\0')
		*--p = sign;
	put_field(t, sp, p, (size_t)(end - p));
}

/*
 * Integers and pointers alike: there are two ways to be passed. Once, since
 * va_arg is long where registers come first.
 */
__attribute__((noinline)) static int64_t take(
    const struct spec *sp, va_list *ap)
{
	return sp->size == 8 ? va_arg(*ap, int64_t) : va_arg(*ap, int);
}

static const char *parse_count(
    const char *fmt, size_t *out, const struct spec *sp, va_list *ap)
{
	size_t n = 0;

	if (*fmt == '*') {
		const int64_t v = take(sp, ap);

		*out = v < 0 ? 0 : (size_t)v;
		return fmt + 1;
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		n = n * 10 + (size_t)(*fmt - '0');
	*out = n;
	return fmt;
}

static const char *parse_spec(const char *fmt, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = SIZE_MAX, .size = sizeof(int) };
	for (;; fmt++) {
		if (*fmt == '-')
			sp->left = true;
		else if (*fmt == '0')
			sp->zero = true;
		else if (*fmt == '#')
			sp->alternate = true;
		else
			break;
	}
	fmt = parse_count(fmt, &sp->width, sp, ap);
	if (*fmt == '.')
		fmt = parse_count(fmt + 1, &sp->precision, sp, ap);
	while (*fmt == 'l' || *fmt == 'z' || *fmt == 'j' || *fmt == 't' ||
	       *fmt == 'h') {
		if (*fmt != 'h')
			sp->size = 8;
		fmt++;
	}
	return fmt;
}

static void put_signed(struct text *t, const struct spec *sp, va_list *ap)
{
	const int64_t v = take(sp, ap);

	put_number(t, sp, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10,
	    v < 0 ? '-' : '\0');
}

static void put_unsigned(
    struct text *t, struct spec *sp, va_list *ap, unsigned base)
{
	const int64_t v = take(sp, ap);

	sp->alternate = sp->alternate && base == 16;
	put_number(
	    t, sp, sp->size == 8 ? (uint64_t)v : (uint32_t)v, base, '\0');
}

static void put_conversion(
    struct text *t, char conversion, struct spec *sp, va_list *ap)
{
	if (conversion == 'p' || conversion == 's')
		sp->size = 8;
	switch (conversion) {
	case 'd':
	case 'i': put_signed(t, sp, ap); break;
	case 'u': put_unsigned(t, sp, ap, 10); break;
	case 'x':
	case 'X': put_unsigned(t, sp, ap, 16); break;
	case 'p':
		sp->alternate = true;
		put_unsigned(t, sp, ap, 16);
		break;
	case 's':
		put_string(t, sp, (const char *)(uintptr_t)take(sp, ap));
		break;
	case 'c': put(t, (char)take(sp, ap)); break;
	default: put(t, conversion); break;
	}
}

static void format_into(struct text *t, const char *fmt, va_list *ap)
{
	struct spec sp;

	while (*fmt != '\0') {
		if (*fmt != '%') {
			put(t, *fmt++);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, ap);
		if (*fmt == '\0')
			break;
		put_conversion(t, *fmt++, &sp, ap);
	}
	if (t->cap != 0)
		t->buf[t->len < t->cap ? t->len : t->cap - 1] = '\0';
}

/* NOLINTNEXTLINE(readability-non-const-parameter): struct text writes it */
size_t text_vformat(char *buf, size_t cap, const char *fmt, va_list ap)
{
	struct text t = { buf, cap, 0 };
	va_list copy;

	va_copy(copy, ap);
	format_into(&t, fmt, &copy);
	va_end(copy);
	return t.len;
}

size_t text_format(char *buf, size_t cap, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const size_t n = text_vformat(buf, cap, fmt, ap);
	va_end(ap);
	return n;
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_into(t, fmt, &ap);
	va_end(ap);
}
