/* SPDX-License-Identifier: MIT */
/*
 * Reading version conditions, as the engine's own files see it.
 */
#pragma once

#include <base/compiler.h>
#include <tenon/version.h>

/* tn_range_parse of the bytes from @s to @end. */
int range_parse(const char *s, const char *end, struct tn_range *out)
    MUST_CHECK;

/* Does a condition begin with it? */
bool is_condition(char c);
