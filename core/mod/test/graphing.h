/* SPDX-License-Identifier: MIT */
/*
 * A graph of a few files, and a finder that has the rest: what tests of graphs
 * do again and again.
 */
#pragma once

#include <stdbool.h>

#include <tenon/graph.h>

#include "world.h"

#define MAX_FILES 8

/* Files by name, and a world that knows none of them. */
struct graphing {
	struct world w;
	struct author a[MAX_FILES];
	unsigned n;
	struct tn_graph *g;
	char text[512];
	/* the finder's: how often it was asked, and for what last */
	unsigned asked;
	char last[64];
	int find_error;
	unsigned hidden; /* files from this one on are the finder's */
};

bool graphing_begin(struct graphing *f);
void graphing_end(struct graphing *f);

/* A file that exports "NAME_sym"; @info: NULL or an entry of .modinfo. */
struct author *graphing_file(
    struct graphing *f, const char *name, const char *info);
void graphing_imports(struct author *a, const char *symbol);
void graphing_imports_weakly(struct author *a, const char *symbol);
struct tn_load_args graphing_args(struct author *a);

/* Adds what is not the finder's, and resolves. */
int graphing_resolve(struct graphing *f);
/* The names in load order, by blanks. */
const char *graphing_order(struct graphing *f);
/* Resolving fails so, in these words, and nothing is in order. */
void graphing_refused(struct graphing *f, enum tn_errno error,
    const char *reason, const char *text);
