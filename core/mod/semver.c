/* SPDX-License-Identifier: MIT */
/*
 * Versions and ranges. Whatever conditions are given, what they leave is one
 * interval, so a range is two versions, and "too old" and "too new" are the
 * two sides of it.
 */
#include "semver.h"

#include <base/compiler.h>
#include <tenon/err.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint32_t take_number(const char **s)
{
	uint64_t n = 0;

	for (; is_digit(**s); (*s)++) {
		n = n * 10 + (uint64_t)(**s - '0');
		n = n < UINT32_MAX ? n : UINT32_MAX;
	}
	return (uint32_t)n;
}

/* Takes the numbers; false when there is none. */
static bool take_version(const char **s, struct tn_version *out)
{
	*out = (struct tn_version){ { 0 } };
	if (!is_digit(**s))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(out->part); i++) {
		out->part[i] = take_number(s);
		if (**s != '.' || !is_digit((*s)[1]))
			break;
		(*s)++;
	}
	return true;
}

bool tn_version_parse(const char *text, struct tn_version *out)
{
	return take_version(&text, out);
}

int tn_version_compare(const struct tn_version *a, const struct tn_version *b)
{
	for (unsigned i = 0; i < ARRAY_SIZE(a->part); i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	return 0;
}

/* --- ranges */

struct tn_range tn_range_any(void)
{
	return (struct tn_range){ .has_high = false };
}

struct tn_range tn_range_between(struct tn_version low, struct tn_version high)
{
	return (struct tn_range){ .low = low, .high = high, .has_high = true };
}

struct tn_range tn_range_exact(struct tn_version v)
{
	return tn_range_between(v, v);
}

struct tn_range tn_range_at_least(struct tn_version v)
{
	return (struct tn_range){ .low = v };
}

struct tn_range tn_range_at_most(struct tn_version v)
{
	return (struct tn_range){ .high = v, .has_high = true };
}

/* --- what two conditions leave */

static void raise_low(struct tn_range *r, struct tn_version to, bool open)
{
	const int d = tn_version_compare(&to, &r->low);

	if (d > 0 || (d == 0 && open)) {
		r->low = to;
		r->low_open = open;
	}
}

static void lower_high(struct tn_range *r, struct tn_version to, bool open)
{
	const int d = r->has_high ? tn_version_compare(&to, &r->high) : -1;

	if (d < 0 || (d == 0 && open)) {
		r->high = to;
		r->high_open = open;
		r->has_high = true;
	}
}

enum tn_fit tn_range_check(
    const struct tn_range *range, const struct tn_version *v)
{
	int d = tn_version_compare(v, &range->low);

	if (d < 0 || (d == 0 && range->low_open))
		return TN_TOO_OLD;
	d = range->has_high ? tn_version_compare(v, &range->high) : -1;
	return d > 0 || (d == 0 && range->high_open) ? TN_TOO_NEW : TN_FITS;
}

/* --- conditions */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_condition(char c)
{
	return c == '<' || c == '>' || c == '=' || c == '^';
}

const char *blanks_skip(const char *s)
{
	while (is_blank(*s))
		s++;
	return s;
}

bool word_ends(char c)
{
	return c == '\0' || c == ',' || is_blank(c) || is_condition(c);
}

/* @equal: a '=' has followed the operator. */
static void narrow(struct tn_range *r, char op, bool equal, struct tn_version v)
{
	struct tn_version next = { { v.part[0] + 1 } };

	switch (op) {
	case '<': lower_high(r, v, !equal); return;
	case '>': raise_low(r, v, !equal); return;
	case '=': lower_high(r, v, false); break;
	default:
		v.part[2] = v.part[3] = 0;
		/* of the largest major number there is no next one */
		if (next.part[0] != 0)
			lower_high(r, next, true);
	}
	raise_low(r, v, false);
}

struct tn_range tn_range_compatible(struct tn_version v)
{
	struct tn_range r = { .has_high = false };

	narrow(&r, '^', false, v);
	return r;
}

int range_parse(const char **text, struct tn_range *out)
{
	const char *s = blanks_skip(*text);

	*out = tn_range_any();
	for (; *s != '\0' && *s != ','; s = blanks_skip(s)) {
		const char op = *s++;
		const bool equal = *s == '=' && (op == '<' || op == '>');
		struct tn_version v;

		s = blanks_skip(s + equal);
		if (!is_condition(op) || !take_version(&s, &v))
			return -TN_EINVAL;
		/* "-rc1" and its like */
		while (!word_ends(*s))
			s++;
		narrow(out, op, equal, v);
	}
	*text = s;
	return 0;
}

int tn_range_parse(const char *text, struct tn_range *out)
{
	struct tn_range r;

	if (range_parse(&text, &r) != 0 || *text != '\0')
		return -TN_EINVAL;
	*out = r;
	return 0;
}

/* --- ABI versions */

enum tn_abi_fit tn_abi_check(
    struct tn_abi v, struct tn_abi min, struct tn_abi max)
{
	if (v.major < min.major)
		return TN_ABI_TOO_OLD;
	if (v.major > max.major)
		return TN_ABI_TOO_NEW;
	if ((v.major == min.major && v.minor < min.minor) ||
	    (v.major == max.major && v.minor > max.minor))
		return TN_ABI_MINOR_MISMATCH;
	return TN_ABI_COMPATIBLE;
}
