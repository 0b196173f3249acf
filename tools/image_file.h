/* SPDX-License-Identifier: MIT */
/*
 * Writing a linked image as an ELF file that readelf and objdump read.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <tenon/link.h>

/* Both leave errors of the stream to the caller. */

/* False: there is no memory. */
bool image_file_write(FILE *f, const struct tn_linked *linked);

/* Writes the map that `tenon link --map` promises (man tenon-link). */
void map_file_write(FILE *f, const struct tn_linked *linked);
