/* SPDX-License-Identifier: MIT */
/*
 * Versions, ranges, ABI versions, and reading a list of dependencies.
 */
#include <stdio.h>
#include <string.h>

#include <tenon/depend.h>
#include <tenon/err.h>
#include <tenon/version.h>
#include <test/test.h>

static struct tn_version version(const char *text)
{
	struct tn_version v;

	(void)tn_version_parse(text, &v);
	return v;
}

static int compare(const char *a, const char *b)
{
	const struct tn_version x = version(a), y = version(b);
	const int d = tn_version_compare(&x, &y);

	return EXPECT(d == -tn_version_compare(&y, &x)) ? d : 99;
}

TEST(version, missing_numbers_are_0_and_the_rest_is_ignored)
{
	PROVES("H22");
	CHECK_EQ(compare("1.2", "1.2.0.0"), 0);
	CHECK_EQ(compare("1", "1.0"), 0);
	CHECK_EQ(compare("1.2-rc1", "1.2"), 0);
	CHECK_EQ(compare("1.2.3.4.5", "1.2.3.4"), 0);
	CHECK_EQ(compare("1.2.", "1.2"), 0);
	CHECK_EQ(compare("1..2", "1"), 0);
	CHECK_EQ(compare("01.002", "1.2"), 0);
}

TEST(version, numbers_are_compared_as_numbers)
{
	CHECK_EQ(compare("1.9", "1.10"), -1);
	CHECK_EQ(compare("2", "1.99.99.99"), 1);
	CHECK_EQ(compare("1.2.3", "1.2.4"), -1);
	CHECK_EQ(compare("1.2.3.1", "1.2.3"), 1);
	CHECK_EQ(compare("20240101", "3"), 1);
}

TEST(version, number_that_is_too_large_is_the_largest)
{
	CHECK_EQ(compare("4294967295", "4294967296"), 0);
	CHECK_EQ(compare("99999999999999999999999", "4294967295"), 0);
	CHECK_EQ(compare("4294967294", "4294967295"), -1);
}

TEST(version, text_without_a_number_is_none)
{
	static const char *const texts[] = { "", "v1", " 1", ".1", "-1" };
	struct tn_version v;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		v.part[0] = 7;
		CHECK(!tn_version_parse(texts[i], &v));
		CHECK_EQ(v.part[0], 0);
	}
}

/* --- ranges */

static enum tn_fit fit(const struct tn_range *r, const char *text)
{
	const struct tn_version v = version(text);

	return tn_range_check(r, &v);
}

/* As "too old" from @low on downwards and "too new" from @high upwards. */
struct edge {
	const char *text;
	const char *below, *low, *high, *above; /* NULL: there is none */
};

static void has_edges(const struct tn_range *r, const struct edge *e)
{
	if (e->below != NULL)
		CHECK_EQ(fit(r, e->below), TN_TOO_OLD);
	if (e->low != NULL)
		CHECK_EQ(fit(r, e->low), TN_FITS);
	if (e->high != NULL)
		CHECK_EQ(fit(r, e->high), TN_FITS);
	if (e->above != NULL)
		CHECK_EQ(fit(r, e->above), TN_TOO_NEW);
}

TEST(version, ranges_of_each_kind_have_their_edges)
{
	const struct tn_version v = version("1.2.3"), w = version("2");
	struct tn_range r;

	PROVES("H22");
	r = tn_range_any();
	has_edges(&r, &(struct edge){ .low = "0", .high = "4294967295.1" });
	r = tn_range_exact(v);
	has_edges(
	    &r, &(struct edge){ "", "1.2.2.9", "1.2.3", "1.2.3.0", "1.2.3.1" });
	r = tn_range_at_least(v);
	has_edges(&r, &(struct edge){ "", "1.2.2", "1.2.3", "99", NULL });
	r = tn_range_at_most(v);
	has_edges(&r, &(struct edge){ "", NULL, "0", "1.2.3", "1.2.4" });
	r = tn_range_between(v, w);
	has_edges(&r, &(struct edge){ "", "1.2.2", "1.2.3", "2.0", "2.0.0.1" });
	/* the same major, and no smaller minor number */
	r = tn_range_compatible(v);
	has_edges(&r, &(struct edge){ "", "1.1.99", "1.2.0", "1.99", "2.0" });
	r = tn_range_compatible(version("4294967295.1"));
	has_edges(&r, &(struct edge){ "", "4294967295.0", "4294967295.1",
			  "4294967295.4294967295", NULL });
}

TEST(version, conditions_are_read_and_all_hold)
{
	static const struct edge rows[] = {
		{ "", NULL, "0", "99", NULL },
		{ "  ", NULL, "0", "99", NULL },
		{ "= 1.2", "1.1.9", "1.2", "1.2", "1.2.1" },
		{ ">=1.2", "1.1", "1.2", "9", NULL },
		{ "> 1.2", "1.2", "1.2.0.1", "9", NULL },
		{ "<= 2", NULL, "0", "2", "2.0.1" },
		{ "<2", NULL, "0", "1.9", "2" },
		{ ">= 1.2 < 2", "1.1", "1.2", "1.99", "2" },
		{ ">=1.2<2", "1.1", "1.2", "1.99", "2" },
		{ "< 2 >= 1.2 >= 1.1 < 3", "1.1", "1.2", "1.99", "2" },
		{ ">= 1 > 1", "1", "1.0.0.1", "9", NULL },
		{ "<= 1 < 1", NULL, "0", "0.9", "1" },
		{ "^ 1.2", "1.1", "1.2", "1.9", "2" },
		{ "^1.2.3 >= 1.3", "1.2.9", "1.3", "1.9", "2" },
		{ ">= 1.2-rc1", "1.1", "1.2", "9", NULL },
		/* nothing is left: old below, new above */
		{ "> 2 < 1", "1.5", NULL, NULL, "3" },
	};
	struct tn_range r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_EQ(tn_range_parse(rows[i].text, &r), 0);
		has_edges(&r, &rows[i]);
	}
}

TEST(version, what_is_no_condition_is_refused)
{
	static const char *const texts[] = { "=1.0,2.0", "1.2",
		">=", ">= ", "=> 1", "== 1", ">= a", "> = 1", "~ 1", "^= 1",
		"< > 1", ">= 1 2", "= =1" };
	struct tn_range r = tn_range_exact(version("7"));

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		CHECK_EQ(tn_range_parse(texts[i], &r), -TN_EINVAL);
	CHECK_EQ(r.low.part[0], 7);
}

/* --- ABI */

TEST(version, abi_is_checked_against_two_bounds)
{
	static const struct {
		struct tn_abi v;
		enum tn_abi_fit fit;
	} rows[] = {
		{ { 1, 9 }, TN_ABI_TOO_OLD },
		{ { 2, 0 }, TN_ABI_MINOR_MISMATCH },
		{ { 2, 1 }, TN_ABI_COMPATIBLE },
		{ { 2, 99 }, TN_ABI_COMPATIBLE },
		{ { 3, 99 }, TN_ABI_COMPATIBLE },
		{ { 4, 3 }, TN_ABI_COMPATIBLE },
		{ { 4, 4 }, TN_ABI_MINOR_MISMATCH },
		{ { 5, 0 }, TN_ABI_TOO_NEW },
	};
	const struct tn_abi min = { 2, 1 }, max = { 4, 3 };

	PROVES("H23");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_EQ(tn_abi_check(rows[i].v, min, max), rows[i].fit);
}

/* --- lists of dependencies */

static const char *read_list(const char *list, char *out, size_t cap)
{
	struct tn_depend d;
	size_t n = 0;
	int more;

	out[0] = '\0';
	while ((more = tn_depend_next(&list, &d)) > 0)
		n += (size_t)snprintf(out + n, cap - n, "%s%s[%.*s]",
		    d.optional ? "?" : "", d.name, (int)d.length, d.text);
	return more == 0 ? out : "malformed";
}

TEST(depend, list_is_read)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ " , ,", "" },
		{ "a", "a[]" },
		{ "a,b", "a[]b[]" },
		{ " a , b\t,", "a[]b[]" },
		{ "provider >= 1.2 < 2, ?log, sched",
		    "provider[>= 1.2 < 2]?log[]sched[]" },
		{ "a>=1,? b ^2.1 ", "a[>=1]?b[^2.1]" },
		{ "my-driver, fs/fat32 = 1", "my_driver[]fs/fat32[= 1]" },
	};
	char text[256];

	PROVES("H22");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_STR(
		    read_list(rows[i][0], text, sizeof(text)), rows[i][1]);
}

TEST(depend, malformed_list_is_refused)
{
	static const char *const rows[] = { "a b", "a 1.2", "a >=", "?", "? ,a",
		">= 1", "a, b!", "??a", "a ?b", "\"a\"" };
	char text[256], name[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_STR(read_list(rows[i], text, sizeof(text)), "malformed");
	memset(name, 'n', 56);
	name[56] = '\0';
	CHECK_STR(read_list(name, text, sizeof(text)), "malformed");
	name[55] = '\0';
	CHECK(strcmp(read_list(name, text, sizeof(text)), "malformed") != 0);
}
