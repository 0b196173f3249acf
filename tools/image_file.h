/* SPDX-License-Identifier: MIT */
/*
 * Writing a linked image as an ELF file that readelf and objdump read.
 */
#pragma once

#include <stdbool.h>

#include <tenon/link.h>

/* Writes @path; complains on standard error and returns false if it cannot. */
bool image_file_write(const char *path, const struct tn_linked *linked);

/* Writes the map that `tenon link --map` promises (man tenon-link). */
bool map_file_write(const char *path, const struct tn_linked *linked);
