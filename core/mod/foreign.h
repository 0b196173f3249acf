/* SPDX-License-Identifier: MIT */
/*
 * The part of a load and of a generation that <tenon/foreign.h> takes over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/foreign.h>

struct tn_load;

/*
 * What a load does differently. It comes with the call, so that who never makes
 * that call does not link it.
 */
struct load_shape {
	const struct tn_foreign *foreign;
	/* The stage of a shared object that somebody else maps. */
	int (*map)(struct tn_load *l);
	/* After collect: the hooks of the generation are the caller's. */
	int (*take)(struct tn_load *l);
};
