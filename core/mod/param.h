/* SPDX-License-Identifier: MIT */
/*
 * Parameters, as the engine's own files see them.
 */
#pragma once

#include <stddef.h>

#include <base/compiler.h>
#include <tenon/param.h>

struct generation;
struct tn_load;
struct tn_port;

/*
 * Checks the records of the sealed image, hands them to the generation, and
 * sets what the load asks for.
 */
int load_params(struct tn_load *l) MUST_CHECK;

/* Frees the texts that parameters of @gen have been set to. */
void params_free(const struct tn_port *port, struct generation *gen);

/* Where a failure is reported, and of which module. */
struct param_scope {
	const struct tn_port *port;
	struct generation *gen;
	struct tn_diag *diag;
	const char *module;
};

/* Sets all that @line asks for, in its order. */
int params_set_line(const struct param_scope *s, const char *line) MUST_CHECK;
