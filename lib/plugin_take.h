/* SPDX-License-Identifier: MIT */
/*
 * How a file becomes a plugin, for the engine: <tenon/foreign.h>.
 */
#pragma once

struct tn_foreign;
struct plugin_entry;

/* Fills @foreign, whose context is @e. */
void plugin_foreign(struct tn_foreign *foreign, struct plugin_entry *e);
