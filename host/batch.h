/* SPDX-License-Identifier: MIT */
/*
 * Modules as gdb is told of them: in batches, so that what a load costs gdb
 * does not grow with the number of modules. For debug.c, whose lock protects
 * all of it.
 */
#pragma once

#include "symfile.h"

struct batch;

/* One module. */
struct batch_file {
	struct symfile file; /* first; with data, or gdb is told nothing */
	struct batch *batch; /* NULL: gdb does not know it */
};

/* Short of memory gdb is told less. */
void batch_add(struct batch_file *f);
void batch_drop(struct batch_file *f);
