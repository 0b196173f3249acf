/* SPDX-License-Identifier: MIT */
/*
 * Lines of the protocol: what is read back is what was written, and what is
 * no line is refused with a reason.
 */
#include <stdlib.h>
#include <string.h>

#include <hostd/wire.h>
#include <tenon/err.h>
#include <test/test.h>

static int parse(const char *text, struct wire_line *out, const char **why)
{
	static char copy[WIRE_LINE_MAX + 1];
	const size_t n = strlen(text);

	memcpy(copy, text, n);
	return wire_parse(copy, n, out, why);
}

TEST(wire, cuts_a_line_into_its_fields)
{
	struct wire_line l;
	const char *why;

	CHECK_EQ(
	    parse("17 insmod file=a.ko params=x%20y%3D1 empty=", &l, &why), 0);
	CHECK_EQ(l.id, 17);
	CHECK_STR(l.word, "insmod");
	CHECK_EQ(l.nfields, 3);
	CHECK_STR(wire_get(&l, "file"), "a.ko");
	CHECK_STR(wire_get(&l, "params"), "x y=1");
	CHECK_STR(wire_get(&l, "empty"), "");
	CHECK(wire_get(&l, "absent") == NULL);
}

TEST(wire, refuses_what_is_no_line)
{
	static const char *const lines[] = { "", " ", "x ping", "1", "1 ",
		"1  ping", "1234567890 ping", "-1 ping", "1 Ping", "1 pi-ng",
		"1 ping ", "1 ping x", "1 ping =1", "1 ping x=1  y=2",
		"1 ping x=1 x=2", "1 ping X=1", "1 ping x=%", "1 ping x=%4",
		"1 ping x=%4g", "1 ping x=%00", "1 ping x=\t", "1 p\x7fng",
		"1 ping x=\xc3\xa4", "1 ping\r",
		"1 a_key_of_more_than_thirty_one_characters" };
	struct wire_line l;
	const char *why;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		CHECK_EQ(parse(lines[i], &l, &why), -TN_EINVAL);
		CHECK(why != NULL && *why != '\0');
	}
}

TEST(wire, keeps_the_number_of_a_line_that_is_wrong_later)
{
	struct wire_line l;
	const char *why;

	CHECK_EQ(parse("42 ping x", &l, &why), -TN_EINVAL);
	CHECK_EQ(l.id, 42);
	CHECK_EQ(parse("nonsense", &l, &why), -TN_EINVAL);
	CHECK_EQ(l.id, 0);
}

TEST(wire, takes_as_many_fields_as_it_says)
{
	char text[WIRE_FIELDS_MAX * 8 + 32];
	struct wire_text t = { 0 };
	struct wire_line l;
	const char *why;

	for (unsigned extra = 0; extra < 2; extra++) {
		wire_clear(&t);
		wire_begin(&t, 1, "x");
		for (unsigned i = 0; i < WIRE_FIELDS_MAX + extra; i++) {
			char key[8] = { 'k', (char)('a' + i / 26),
				(char)('a' + i % 26) };

			wire_add(&t, key, "1");
		}
		memcpy(text, t.bytes, t.length);
		CHECK_EQ(wire_parse(text, t.length, &l, &why),
		    extra ? -TN_EINVAL : 0);
	}
	wire_free(&t);
}

TEST(wire, reads_back_every_byte_that_it_writes)
{
	struct wire_text t = { 0 };
	struct wire_line l;
	const char *why;
	char all[256];

	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	wire_begin(&t, 999999999, "word");
	wire_add(&t, "all", all);
	wire_add_number(&t, "number", UINT64_MAX);
	wire_add_signed(&t, "signed", INT64_MIN);
	wire_add(&t, "none", NULL);
	wire_end(&t);
	CHECK(!t.failed);
	CHECK_EQ(t.bytes[t.length - 1], '\n');
	CHECK_EQ(wire_parse(t.bytes, t.length - 1, &l, &why), 0);
	CHECK_EQ(l.id, 999999999);
	CHECK_EQ(l.nfields, 3);
	CHECK_STR(wire_get(&l, "all"), all);
	CHECK_STR(wire_get(&l, "number"), "18446744073709551615");
	CHECK_STR(wire_get(&l, "signed"), "-9223372036854775808");
	wire_free(&t);
}

TEST(wire, reads_numbers_up_to_their_limit)
{
	static const struct {
		const char *text;
		uint64_t max, value;
		int err;
	} rows[] = {
		{ "1 x n=0", 0, 0, 0 },
		{ "1 x n=10", 9, 0, -TN_EINVAL },
		{ "1 x n=0xfF", 255, 255, 0 },
		{ "1 x n=18446744073709551615", UINT64_MAX, UINT64_MAX, 0 },
		{ "1 x n=18446744073709551616", UINT64_MAX, 0, -TN_EINVAL },
		{ "1 x n=0x10000000000000000", UINT64_MAX, 0, -TN_EINVAL },
		{ "1 x n=", 9, 0, -TN_EINVAL },
		{ "1 x n=0x", 9, 0, -TN_EINVAL },
		{ "1 x n=-1", 9, 0, -TN_EINVAL },
		{ "1 x n=a", 99, 0, -TN_EINVAL },
		{ "1 x m=1", 9, 0, -TN_ENOENT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t value = 77;
		struct wire_line l;
		const char *why;

		CHECK_EQ(parse(rows[i].text, &l, &why), 0);
		CHECK_EQ(
		    wire_get_number(&l, "n", rows[i].max, &value), rows[i].err);
		CHECK_EQ(value, rows[i].err == 0 ? rows[i].value : 77);
	}
}
