/* SPDX-License-Identifier: MIT */
/*
 * A module with a parameter of each kind: see tuned.h.
 */
#include "tuned.h"

#include <stdio.h>
#include <string.h>

#include <tenon/module_param.h>
#include <tenon/param.h>
#include <test/test.h>

const struct tuned_kind tuned_kinds[TUNED_KINDS] = {
	{ "byte", TENON_PARAM_byte, 1 },
	{ "short", TENON_PARAM_short, 2 },
	{ "ushort", TENON_PARAM_ushort, 2 },
	{ "int", TENON_PARAM_int, 4 },
	{ "uint", TENON_PARAM_uint, 4 },
	{ "long", TENON_PARAM_long, 8 },
	{ "ulong", TENON_PARAM_ulong, 8 },
	{ "llong", TENON_PARAM_llong, 8 },
	{ "ullong", TENON_PARAM_ullong, 8 },
	{ "bool", TENON_PARAM_bool, 1 },
	{ "charp", TENON_PARAM_charp, 8 },
};
static uint32_t word(struct author *a, const char *name)
{
	const uint32_t symbol = author_word(a, name, 0);

	author_export(
	    a, (struct author_export){ .name = name, .symbol = symbol });
	return symbol;
}

static struct author_param scalar(struct author *a, const char *name,
    unsigned type, unsigned size, unsigned perm)
{
	return (struct author_param){ .name = name,
		.symbol = word(a, name),
		.type = type,
		.size = size,
		.perm = perm };
}

static uint32_t room(struct author *a, const char *name, size_t n)
{
	const uint32_t symbol =
	    object_symbol(a->o, name, OBJECT_SYM(STB_GLOBAL, STT_OBJECT),
		a->data, object_skip(a->o, a->data, (n + 7) / 8 * 8));

	author_export(
	    a, (struct author_export){ .name = name, .symbol = symbol });
	return symbol;
}

static struct author make(void)
{
	struct author a = author_new(isa_here()->machine, "tuned");
	struct author_param p;

	for (size_t i = 0; i < TUNED_KINDS; i++)
		author_param(
		    &a, scalar(&a, tuned_kinds[i].name, tuned_kinds[i].type,
			    tuned_kinds[i].size, 0644));
	author_param(&a, scalar(&a, "fixed", TENON_PARAM_int, 4, 0444));
	author_param(&a, scalar(&a, "hidden_one", TENON_PARAM_int, 4, 0));
	p = scalar(&a, "window", TENON_PARAM_ulong, 8, 0644);
	p.flags = TENON_PARAM_RANGE;
	p.min = 1;
	p.max = 64;
	author_param(&a, p);
	p = scalar(&a, "gain", TENON_PARAM_short, 2, 0644);
	p.flags = TENON_PARAM_RANGE;
	p.min = -5;
	p.max = 100000; /* the type allows less */
	author_param(&a, p);
	author_param(&a, (struct author_param){ .name = "ports",
			     .symbol = room(&a, "ports", 4 * 2),
			     .count = word(&a, "nports"),
			     .type = TENON_PARAM_ushort,
			     .size = 2,
			     .perm = 0644,
			     .flags = TENON_PARAM_ARRAY,
			     .capacity = 4 });
	author_param(&a, (struct author_param){ .name = "names",
			     .symbol = room(&a, "names", 3 * 8),
			     .type = TENON_PARAM_charp,
			     .size = 8,
			     .perm = 0644,
			     .flags = TENON_PARAM_ARRAY,
			     .capacity = 3 });
	author_param(&a, (struct author_param){ .name = "label",
			     .symbol = room(&a, "label", 8),
			     .type = TENON_PARAM_string,
			     .size = 1,
			     .perm = 0644,
			     .capacity = 8 });
	author_info(&a, "parm=window:entries");
	author_info(&a, "parm=windows:not this");
	return a;
}

int tuned_load(struct tuned *s, const char *line)
{
	const struct span file = object_file(s->a.o);
	const struct tn_load_args args = { .size = sizeof(args),
		.data = file.p,
		.data_size = file.n,
		.params = line };

	struct tn_module *mod;

	tn_diag_fini(&s->w.diag);
	const int err = tn_load(s->w.sys, &args, &mod, &s->w.diag);

	/* threads may be reading it */
	if (err == 0 && mod != s->mod)
		s->mod = mod;
	return err;
}

bool tuned_begin(struct tuned *s)
{
	s->a = make();
	s->mod = NULL;
	return world_open(&s->w, NULL, 0) && tuned_load(s, NULL) == 0;
}

void tuned_end(struct tuned *s)
{
	CHECK_EQ(world_unload(&s->w, s->mod), 0);
	CHECK(world_close(&s->w));
	author_free(&s->a);
}

const char *tuned_value(struct tuned *s, const char *name)
{
	static char text[2048];
	size_t n = 0;
	const int err = tn_param_get(s->mod, name, text, sizeof(text), &n);

	if (err != 0)
		snprintf(text, sizeof(text), "error %d", err);
	else if (n != strlen(text))
		return "another length";
	return text;
}

void tuned_sets(
    struct tuned *s, const char *name, const char *text, const char *want)
{
	CHECK_EQ(tn_param_set(s->mod, name, text, &s->w.diag), 0);
	CHECK_STR(tuned_value(s, name), want);
}

void tuned_refuses(struct tuned *s, const struct tuned_refusal *r)
{
	const uint64_t before = world_state(&s->w);
	char was[2048], text[512];

	snprintf(was, sizeof(was), "%s", tuned_value(s, r->name));
	CHECK_EQ(tn_param_set(s->mod, r->name, r->text, &s->w.diag), -r->error);
	CHECK_EQ(s->w.diag.error, -r->error);
	tn_diag_text(&s->w.diag, text, sizeof(text));
	CHECK_STR(tn_reason_name(s->w.diag.reason), r->reason);
	CHECK_STR(text, r->sentence);
	CHECK_STR(tuned_value(s, r->name), was);
	tn_diag_fini(&s->w.diag);
	CHECK_EQ(world_state(&s->w), before);
}
