/* SPDX-License-Identifier: MIT */
/*
 * The engine as the benchmarks use it: a failure ends the program with the
 * engine's own sentence.
 */
#pragma once

#include "measure.h"

#include <tenon/tenon.h>

struct tn_system *engine_open(void);
void engine_close(struct tn_system *sys);
struct tn_module *engine_load(struct tn_system *sys, const struct file *file);
void engine_unload(struct tn_system *sys, struct tn_module *mod);
