/* SPDX-License-Identifier: MIT */
/*
 * model [-v] [TEXT]: searches the models, or the lines whose model or mutant
 * contains TEXT, and prints a table; with -v also the trace of each mutant
 * that was caught. Exit status 1: something is not as it should be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"
#include "search.h"

static bool is_wanted(const struct trial *t, const char *text)
{
	return !text || strstr(t->model->name, text) ||
	       strstr(mutant_names[t->mutant], text);
}

/* True if it is as expected. */
static bool try_one(const struct trial *t, bool verbose)
{
	const struct finding f = search(t->model, t->machine, t->mutant);
	const bool good = (f.wrong != NULL) == t->shows;

	printf("%-20s %-26s %-8s %9lu  %s%s\n", t->model->name,
	    mutant_names[t->mutant], t->machine == TSO ? "TSO" : "relaxed",
	    f.states,
	    good ? "" : "NOT EXPECTED: ", f.wrong ? f.wrong : "holds");
	if (f.wrong && (verbose || !good))
		fputs(f.trace, stdout);
	free(f.trace);
	fflush(stdout);
	return good;
}

int main(int argc, char **argv)
{
	const bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	const char *text = argv[verbose ? 2 : 1];
	unsigned long bad = 0;

	printf("%-20s %-26s %-8s %9s  %s\n", "model", "mutant", "machine",
	    "states", "result");
	for (unsigned i = 0; i < ntrials; i++) {
		if (is_wanted(&trials[i], text))
			bad += !try_one(&trials[i], verbose);
	}
	return bad != 0;
}
