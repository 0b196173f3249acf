/* SPDX-License-Identifier: MIT */
/*
 * What `tenon run` prints: for people, or one JSON object a line for programs
 * (man tenon-run). Sentences about failures go to standard error in both.
 */
#pragma once

#include <base/compiler.h>

#include "run.h"

/* A call of the engine has failed; @name: the module, if @diag has none. */
void tell_diag(struct run *r, const struct tn_diag *diag, const char *name);
/* The same about a file, whose name goes into @diag if it has none. */
void tell_unloadable(
    struct run *r, struct tn_diag *diag, const struct modfile *f);
/* This program itself refuses. @reason and @module are for programs. */
void tell_failure(struct run *r, const char *reason, const char *module,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The command line is wrong: no event, as nothing has happened. */
void tell_usage(const char *fmt, ...) PRINTF_LIKE(1, 2);

void tell_loaded(struct run *r, const struct modfile *f, struct tn_module *mod,
    const struct tn_diag *diag);
/* It is loaded although the policy doubts it. */
void tell_doubt(struct run *r, const char *module);
/* "unloaded", "started", "stopped": what has become of a module. */
void tell_event(struct run *r, const char *event, const char *module);
/* It stays, and why. */
void tell_kept(struct run *r, const char *module, const struct tn_diag *diag);
void tell_called(struct run *r, const struct run_action *a, int result);
/* "set" or "get". */
void tell_param(struct run *r, const char *event, const struct run_action *a,
    const char *value);
void tell_end(struct run *r, int status);

/* On a terminal, and when nothing else is printed for each step. */
void tell_progress(struct run *r, const char *verb, size_t done, size_t all);
