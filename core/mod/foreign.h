/* SPDX-License-Identifier: MIT */
/*
 * The part of a load and of a generation that <tenon/foreign.h> takes over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/foreign.h>

struct elf_shdr;
struct generation;
struct tn_load;

/* The stage of a shared object that somebody else maps. */
int foreign_map(struct tn_load *l) MUST_CHECK;

/* After collect: the hooks of the generation are those of the caller. */
int foreign_take(struct tn_load *l) MUST_CHECK;

/* The generation is going: its image is nobody's. */
void foreign_gone(struct generation *gen);
