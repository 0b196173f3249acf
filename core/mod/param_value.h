/* SPDX-License-Identifier: MIT */
/*
 * What one parameter may be set to, and what it says (param_value.c). The
 * record has been checked against its image (param.c).
 */
#pragma once

#include <stdbool.h>

#include <base/compiler.h>
#include <base/format.h>
#include <base/span.h>
#include <tenon/diag.h>
#include <tenon/module_param.h>

#include "param.h"

struct param_setting {
	const struct param_scope *scope;
	const struct tenon_param *param;
	struct span value; /* without a pointer: a name without '=' */
};

int param_set(const struct param_setting *set) MUST_CHECK;

/* Appends the value; -TN_EOPNOTSUPP as tn_param_get. */
int param_get(const struct generation *gen, const struct tenon_param *p,
    struct text *t) MUST_CHECK;

/* Bytes of one element; 0: there is no such type. */
unsigned param_type_size(unsigned type);
bool param_is_number(unsigned type);

static inline bool param_is_array(const struct tenon_param *p)
{
	return (p->flags & TENON_PARAM_ARRAY) != 0;
}

/* @s as a string, cut to fit. */
void span_copy(char *dst, size_t cap, struct span s);

/* Fills the scope's diagnosis: @reason about the parameter @name. */
int param_fail(
    const struct param_scope *s, enum tn_reason reason, const char *name);
