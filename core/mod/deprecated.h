/* SPDX-License-Identifier: MIT */
/*
 * Exports that will go, and notes about a load that succeeds (deprecated.c).
 */
#pragma once

#include <base/compiler.h>

struct export_record;
struct tn_load;
struct tn_system;

/* Marks those exports of the sealed image that .modinfo calls deprecated. */
int load_deprecated(struct tn_load *l) MUST_CHECK;

/* Marks those of the world; before anybody can load. */
void deprecated_world(struct tn_system *sys);

/* The load imports @rec, which is marked. Registry lock. */
void deprecated_note(struct tn_load *l, const struct export_record *rec);

/* Tells something of a load that does not refuse it. Does not sleep. */
void load_note(struct tn_load *l, const char *text);
