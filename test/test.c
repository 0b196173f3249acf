/* SPDX-License-Identifier: MIT */
/*
 * Runs the tests that the linker gathered and prints what happened:
 *
 *	ok suite.property
 *	skip suite.property: why
 *	FAIL suite.property file:line: expression
 *	N passed, N failed, N skipped
 *
 * The state is one record about the running test; tests run one after the
 * other.  The harness uses no other component, because it judges them all, and
 * no libc, because it also runs without one.
 */
#include <stdint.h>

#include <test/test.h>

/* Bounds of the section; the linker defines these names. */
extern const struct test_case *const __start_tenon_tests[];
extern const struct test_case *const __stop_tenon_tests[];

static struct {
	const struct test_case *test;
	bool failed;
	bool skipped;
} now;

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static void put(const char *s)
{
	test_write(s, length(s));
}

static void put_unsigned(uint64_t v, unsigned base)
{
	char digits[20]; /* 2^64 has 20 decimal digits */
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	test_write(digits + at, sizeof(digits) - at);
}

/* Small numbers in decimal; others also in hex, as they may be addresses. */
static void put_signed(long long v)
{
	uint64_t bits = (uint64_t)v;

	if (v < 0)
		put("-");
	put_unsigned(v < 0 ? 0 - bits : bits, 10);
	if (v > 9 || v < -9) {
		put(" (0x");
		put_unsigned(bits, 16);
		put(")");
	}
}

static void put_string(const char *s)
{
	put(s ? "\"" : "");
	put(s ? s : "NULL");
	put(s ? "\"" : "");
}

static void put_name(const char *what, const struct test_case *t)
{
	put(what);
	put(" ");
	put(t->suite);
	put(".");
	put(t->name);
}

/* The beginning of a failure's line; the caller ends it. */
static void put_failure(const char *file, int line, const char *text)
{
	now.failed = true;
	put_name("FAIL", now.test);
	put(" ");
	put(file);
	put(":");
	put_unsigned((uint64_t)line, 10);
	put(": ");
	put(text);
}

bool test_failed(void)
{
	return now.failed;
}

bool test_expect(bool ok, const char *file, int line, const char *text)
{
	if (!ok) {
		put_failure(file, line, text);
		put("\n");
	}
	return ok;
}

bool test_expect_eq(
    long long a, long long b, const char *file, int line, const char *text)
{
	if (a == b)
		return true;
	put_failure(file, line, text);
	put(": ");
	put_signed(a);
	put(" != ");
	put_signed(b);
	put("\n");
	return false;
}

static bool same_string(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool test_expect_str(
    const char *a, const char *b, const char *file, int line, const char *text)
{
	if (same_string(a, b))
		return true;
	put_failure(file, line, text);
	put(": ");
	put_string(a);
	put(" != ");
	put_string(b);
	put("\n");
	return false;
}

bool test_expect_mem(
    const void *a, const void *b, size_t n, const char *file, int line)
{
	const unsigned char *x = a;
	const unsigned char *y = b;
	size_t i = 0;

	while (i < n && x[i] == y[i])
		i++;
	if (i == n)
		return true;
	put_failure(file, line, "bytes differ at ");
	put_unsigned(i, 10);
	put(" of ");
	put_unsigned(n, 10);
	put(": 0x");
	put_unsigned(x[i], 16);
	put(" != 0x");
	put_unsigned(y[i], 16);
	put("\n");
	return false;
}

void test_skip(const char *why)
{
	now.skipped = true;
	put_name("skip", now.test);
	put(": ");
	put(why);
	put("\n");
}

static bool starts_with(const char *s, const char *prefix)
{
	while (*prefix && *s == *prefix) {
		s++;
		prefix++;
	}
	return !*prefix;
}

static bool contains(const char *s, const char *part)
{
	for (; *s; s++) {
		if (starts_with(s, part))
			return true;
	}
	return !*part;
}

/* Matches against suite, property, or "suite.property" from its beginning. */
static bool selected(const struct test_case *t, const char *filter)
{
	size_t n = length(t->suite);

	if (!filter || contains(t->suite, filter) || contains(t->name, filter))
		return true;
	return starts_with(filter, t->suite) && filter[n] == '.' &&
	       starts_with(t->name, filter + n + 1);
}

static void run_one(const struct test_case *t, struct test_result *r)
{
	now.test = t;
	now.failed = false;
	now.skipped = false;
	t->run();
	if (now.failed) {
		r->failed++;
	} else if (now.skipped) {
		r->skipped++;
	} else {
		r->passed++;
		put_name("ok", t);
		put("\n");
	}
}

int test_main(const char *filter, bool verbose, struct test_result *result)
{
	struct test_result r = { 0, 0, 0 };

	for (const struct test_case *const *t = __start_tenon_tests;
	     t < __stop_tenon_tests; t++) {
		if (!*t || !selected(*t, filter))
			continue;
		if (verbose) {
			put_name("run", *t);
			put("\n");
		}
		run_one(*t, &r);
	}
	put_unsigned(r.passed, 10);
	put(" passed, ");
	put_unsigned(r.failed, 10);
	put(" failed, ");
	put_unsigned(r.skipped, 10);
	put(" skipped\n");
	if (result)
		*result = r;
	return r.failed == 0 && r.passed + r.skipped > 0 ? 0 : 1;
}
