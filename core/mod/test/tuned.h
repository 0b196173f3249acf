/* SPDX-License-Identifier: MIT */
/*
 * A module with a parameter of each kind, set and read at load and at run time:
 * what its tests ask again and again.
 */
#pragma once

#include <stdbool.h>

#include "world.h"

struct tuned {
	struct world w;
	struct author a;
	struct tn_module *mod; /* the same record whenever it is loaded */
};

/* A parameter of each simple type has the type's name. */
struct tuned_kind {
	const char *name;
	unsigned type, size;
};

#define TUNED_KINDS 11u
extern const struct tuned_kind tuned_kinds[TUNED_KINDS];

bool tuned_begin(struct tuned *s);
void tuned_end(struct tuned *s);
/* Loads it with this line of parameters. */
int tuned_load(struct tuned *s, const char *line);

/* What @name says, or why it says nothing. */
const char *tuned_value(struct tuned *s, const char *name);
/* Setting it to @text makes it say @want. */
void tuned_sets(
    struct tuned *s, const char *name, const char *text, const char *want);

struct tuned_refusal {
	const char *name, *text;
	int error;
	const char *reason, *sentence;
};

/* Refused at run time: with these words, and the value is what it was. */
void tuned_refuses(struct tuned *s, const struct tuned_refusal *r);
