/* SPDX-License-Identifier: MIT */
/*
 * What a module says of itself (metadata.c), kept as long as it is loaded.
 */
#pragma once

#include <base/compiler.h>

struct generation;
struct tn_load;
struct tn_port;

/* Copies .modinfo, from which everything else is read. */
int load_metadata(struct tn_load *l) MUST_CHECK;
void metadata_free(const struct tn_port *port, struct generation *gen);

/* The value of the first @key, or "". */
const char *metadata_text(const struct generation *gen, const char *key);
/* What stands in "@key@name:..." behind the colon, or ""; @key: "parm=". */
const char *metadata_of(
    const struct generation *gen, const char *key, const char *name);
