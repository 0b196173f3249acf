/* SPDX-License-Identifier: MIT */
/*
 * Reading version conditions, as the engine's own files see it.
 */
#pragma once

#include <base/compiler.h>
#include <tenon/version.h>

/* tn_range_parse up to a comma or the end, where *@text is then. */
int range_parse(const char **text, struct tn_range *out) MUST_CHECK;

const char *blanks_skip(const char *s);
/* A blank, a comma, the end, or what a condition begins with. */
bool word_ends(char c);
