/* SPDX-License-Identifier: MIT */
/*
 * `depmod --json`.
 */
#pragma once

struct depmod;

/* Prints what is known of each module to standard output. */
void depmod_json(const struct depmod *d);
