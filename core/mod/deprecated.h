/* SPDX-License-Identifier: MIT */
/*
 * Exports that will go, and notes about a load that succeeds (deprecated.c).
 */
#pragma once

#include <base/compiler.h>

struct tn_load;
struct tn_system;

/* Marks those exports of the sealed image that .modinfo calls deprecated. */
int load_deprecated(struct tn_load *l) MUST_CHECK;

/* Marks those of the world; before anybody can load. */
void deprecated_world(struct tn_system *sys);

/* Tells that the load imports @l->deprecated, whose owner it holds. */
void deprecated_note(struct tn_load *l);

/* Tells something of a load that does not refuse it; not in a read section. */
void load_note(struct tn_load *l, const char *text);
