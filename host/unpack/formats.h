/* SPDX-License-Identifier: MIT */
/*
 * One function per format, each over the library of that format.
 */
#pragma once

#include "unpack.h"

unpack_fn unpack_gzip;
unpack_fn unpack_xz;
unpack_fn unpack_zstd;
