/* SPDX-License-Identifier: MIT */
/*
 * Lines of parameters, over a module that exists only as its data: one of
 * each type, an array, limits. Whatever the line says, nothing outside of the
 * variables is written, a value that is read back can be set again and is the
 * same then, and an error has a sentence.
 *
 * The first byte chooses: a line, or lists of dependencies and versions.
 */
#include "kit.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <tenon/depend.h>
#include <tenon/module_param.h>
#include <tenon/param.h>

#include "module.h"
#include "offline.h"
#include "param.h"
#include "param_value.h"

#define FENCE 0xfeu

static struct data {
	uint8_t before[16];
	union {
		uint64_t words[16];
		uint8_t bytes[128];
	} var[8];
	unsigned count;
	uint8_t after[16];
} data;

/* clang-format off */
#define ROW(ptype, n, f, cap, sz, lo, hi) \
	{ ptype, 0644, f, "p" #n, data.var[n].bytes, \
	  ((f) & TENON_PARAM_ARRAY) ? &data.count : NULL, cap, sz, lo, hi, 0 }
static const struct tenon_param params[] = {
	ROW(TENON_PARAM_byte, 0, 0, 1, 1, 0, 0),
	ROW(TENON_PARAM_int, 1, TENON_PARAM_RANGE, 1, 4, -7, 1000),
	ROW(TENON_PARAM_ullong, 2, 0, 1, 8, 0, 0),
	ROW(TENON_PARAM_bool, 3, 0, 1, 1, 0, 0),
	ROW(TENON_PARAM_charp, 4, 0, 1, 8, 0, 0),
	ROW(TENON_PARAM_string, 5, 0, 8, 1, 0, 0),
	ROW(TENON_PARAM_short, 6, TENON_PARAM_ARRAY, 5, 2, 0, 0),
	ROW(TENON_PARAM_llong, 7, 0, 1, 8, 0, 0),
};
/* clang-format on */

static size_t size_of(unsigned i)
{
	return (size_t)params[i].capacity * params[i].size;
}

static void reset(void)
{
	memset(&data, 0, sizeof(data));
	memset(data.before, FENCE, sizeof(data.before));
	memset(data.after, FENCE, sizeof(data.after));
	for (unsigned i = 0; i < ARRAY_SIZE(params); i++)
		memset(data.var[i].bytes + size_of(i), FENCE,
		    sizeof(data.var[i]) - size_of(i));
}

static void check_fences(void)
{
	for (unsigned i = 0; i < sizeof(data.before); i++)
		FUZZ_CHECK(data.before[i] == FENCE && data.after[i] == FENCE);
	for (unsigned i = 0; i < ARRAY_SIZE(params); i++)
		for (size_t k = size_of(i); k < sizeof(data.var[i]); k++)
			FUZZ_CHECK(data.var[i].bytes[k] == FENCE);
}

static void read(
    const struct generation *gen, unsigned i, char *buf, size_t cap)
{
	struct text t = { buf, cap, 0 };

	FUZZ_CHECK(param_get(gen, &params[i], &t) == 0);
	FUZZ_CHECK(t.len < cap && strlen(buf) == t.len);
}

/* What a parameter says it takes, and says it again. */
static void repeat(const struct param_scope *s, unsigned i)
{
	char first[1100] = "", again[1100] = "";

	read(s->gen, i, first, sizeof(first));
	/* an array without elements, and limits that 0 is outside of */
	if (first[0] == '\0' && params[i].type != TENON_PARAM_charp &&
	    params[i].type != TENON_PARAM_string)
		return;
	const struct param_setting set = { s, &params[i],
		{ (const uint8_t *)first, strlen(first) } };

	FUZZ_CHECK(param_set(&set) == 0);
	read(s->gen, i, again, sizeof(again));
	FUZZ_CHECK(strcmp(first, again) == 0);
}

static void set_line(const char *line)
{
	struct offline offline;
	struct generation gen = { .params = params,
		.nparams = ARRAY_SIZE(params) };
	struct tn_diag diag;
	struct kit kit;
	char text[512];

	offline_init(&offline, NULL, 0);
	kit_init(&kit, &offline.port);
	tn_diag_init(&diag);
	reset();
	const struct param_scope s = { &kit.port, &gen, &diag, "fuzzed" };
	const int err = params_set_line(&s, line);

	FUZZ_CHECK(err == diag.error);
	FUZZ_CHECK(tn_diag_text(&diag, text, sizeof(text)) > 0);
	check_fences();
	for (unsigned i = 0; i < ARRAY_SIZE(params); i++)
		repeat(&s, i);
	check_fences();
	tn_diag_fini(&diag);
	params_free(&kit.port, &gen);
	kit_check(&kit, 0);
}

static void read_lists(const char *text)
{
	const char *rest = text;
	struct tn_depend d;
	struct tn_version v;
	struct tn_range r;
	int more;

	while ((more = tn_depend_next(&rest, &d)) > 0) {
		touch_string(d.name);
		FUZZ_CHECK(d.name[0] != '\0');
		touch(d.text, d.length);
		FUZZ_CHECK(rest > text && rest <= text + strlen(text));
	}
	FUZZ_CHECK(more == 0 || more == -TN_EINVAL);
	if (tn_version_parse(text, &v)) {
		r = tn_range_exact(v);
		FUZZ_CHECK(tn_range_check(&r, &v) == TN_FITS);
		r = tn_range_compatible(v);
		FUZZ_CHECK(tn_range_check(&r, &v) == TN_FITS);
		if (tn_range_parse(text + 1, &r) == 0)
			(void)tn_range_check(&r, &v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL || size == 0) {
		free(text);
		return 0;
	}
	memcpy(text, bytes + 1, size - 1);
	text[size - 1] = '\0';
	if (bytes[0] == 'd')
		read_lists(text);
	else
		set_line(text);
	free(text);
	return 0;
}
