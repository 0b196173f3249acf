/* SPDX-License-Identifier: MIT */
/*
 * printf's useful subset over a fixed buffer. The length is counted past the
 * end of the buffer, so that a caller can tell a cut text from a whole one.
 */
#include <base/format.h>

#include <stdbool.h>
#include <stdint.h>

#include <base/string.h>

struct spec {
	size_t width;
	size_t precision;
	bool left, zero, alternate;
	uint8_t size; /* bytes of the integer argument */
};

/* What a conversion comes to. */
struct field {
	const char *front; /* a sign or 0x: zeroes come behind it */
	const char *s;     /* n characters */
	size_t n;
	char digits[20]; /* of 2^64 - 1 */
};

static void put(struct text *t, char c)
{
	if (t->len + 1 < t->cap)
		t->buf[t->len] = c;
	t->len++;
}

static void pad(struct text *t, bool wanted, size_t n, char c)
{
	for (; wanted && n > 0; n--)
		put(t, c);
}

static void put_field(
    struct text *t, const struct spec *sp, const struct field *f)
{
	const size_t have = str_len(f->front) + f->n;
	const size_t gap = sp->width > have ? sp->width - have : 0;

	pad(t, !sp->left && !sp->zero, gap, ' ');
	for (const char *c = f->front; *c != '\0'; c++)
		put(t, *c);
	pad(t, !sp->left && sp->zero, gap, '0');
	for (size_t i = 0; i < f->n; i++)
		put(t, f->s[i]);
	pad(t, sp->left, gap, ' ');
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
		*out = (size_t)take(sp, ap);
		return fmt + 1;
	}
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		n = n * 10 + (size_t)(*fmt - '0');
	*out = n;
	return fmt;
}

static const char *parse_size(const char *fmt, struct spec *sp)
{
	for (;; fmt++) {
		if (*fmt == 'h')
			sp->size /= 2;
		else if (*fmt == 'l' || *fmt == 'z' || *fmt == 'j' ||
			 *fmt == 't')
			sp->size = 8;
		else
			return fmt;
	}
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
	if (sp->width > SIZE_MAX / 2) { /* negative */
		sp->left = true;
		sp->width = 0 - sp->width;
	}
	if (*fmt == '.') /* a negative one is as good as none */
		fmt = parse_count(fmt + 1, &sp->precision, sp, ap);
	return parse_size(fmt, sp);
}

static void take_string(struct field *f, const struct spec *sp, va_list *ap)
{
	f->s = (const char *)(uintptr_t)take(sp, ap);
	if (f->s == NULL)
		f->s = "(null)";
	while (f->n < sp->precision && f->s[f->n] != '\0')
		f->n++;
}

static void take_number(
    struct field *f, const struct spec *sp, va_list *ap, char conversion)
{
	const int lower = conversion & 0x20; /* makes letters small */
	const unsigned other = 64 - 8u * sp->size;
	uint64_t v = (uint64_t)take(sp, ap) << other;
	const bool is_signed = conversion == 'd' || conversion == 'i';
	const unsigned base = is_signed || conversion == 'u' ? 10 : 16;
	char *p = f->digits + sizeof(f->digits);

	if (is_signed && v >> 63 != 0) {
		f->front = "-";
		v = 0 - v;
	}
	v >>= other;
	if (conversion == 'p' || (sp->alternate && base == 16 && v != 0))
		f->front = lower ? "0x" : "0X";
	do {
		*--p = (char)("0123456789ABCDEF"[v % base] | lower);
		v /= base;
	} while (v != 0);
	f->s = p;
	f->n = (size_t)(f->digits + sizeof(f->digits) - p);
}

static void put_conversion(
    struct text *t, char conversion, struct spec *sp, va_list *ap)
{
	struct field f = { .front = "", .s = f.digits };

	if (conversion == 'p' || conversion == 's')
		sp->size = 8;
	switch (conversion) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'p': take_number(&f, sp, ap, conversion); break;
	case 's': take_string(&f, sp, ap); break;
	case 'c': f.digits[f.n++] = (char)take(sp, ap); break;
	default: put(t, conversion); return;
	}
	put_field(t, sp, &f);
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

void text_mark_cut(const struct text *t)
{
	if (t->len >= t->cap)
		memcpy(t->buf + t->cap - 4, "...", 4);
}
