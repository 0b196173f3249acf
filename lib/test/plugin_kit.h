/* SPDX-License-Identifier: MIT */
/*
 * For tests of plugins: where they are, what they are to do, and what is
 * printed meanwhile.
 */
#pragma once

#include <limits.h>

#include <tenon/plugin.h>

#include "plugin/actor.h"

/* The path of lib/test/plugin/@name.c as it was built for this program. */
const char *plugin_path(const char *name, char path[PATH_MAX]);

/* What plugins do from now on; NULL: nothing. Reset is for the end. */
void plugin_script(const struct script *s);

/* Loads lib/test/plugin/@name.c into @sys, silently; NULL: @diag says why. */
struct plugin *plugin_kit_load(
    struct tn_system *sys, const char *name, struct tn_diag *diag);
int plugin_kit_unload(struct plugin *p);

/* The sentence of a diagnosis, which is emptied; in static memory. */
const char *plugin_said(struct tn_diag *diag);

/*
 * What is written to standard output and standard error together while @fn
 * runs; in static memory.
 */
const char *plugin_printed(void (*fn)(void *arg), const void *arg);

/* What plugin_unload prints, which is to refuse @p. */
const char *plugin_refusal(struct plugin *p);

/* A folder of the test's own with a slash at its end, removed by the next. */
void plugin_folder_make(char folder[PATH_MAX]);
void plugin_folder_remove(const char *folder);
/* Copies a file. */
int plugin_copy(const char *from, const char *to);
