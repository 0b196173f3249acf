/* SPDX-License-Identifier: MIT */
/*
 * For tests with module files: those of modules/test, found from where this
 * program lies, build/CONFIG/bin beside build/modules.
 */
#pragma once

#include <tenon/tenon.h>

/* Loads a module of the common profile; NULL, and a line, when it fails. */
struct tn_module *kit_load(struct tn_system *sys, const char *name);

/* The same without a line; the error goes to @diag, which may be NULL. */
int kit_try(struct tn_system *sys, const char *name, struct tn_module **mod,
    struct tn_diag *diag);

/* Calls `long symbol(long)`; LONG_MIN when there is no such. */
long kit_call(struct tn_system *sys, const char *symbol, long x);

/* Loads a provider and its user, calls through both, and unloads. */
void kit_check_pair(struct tn_system *sys);
