/* SPDX-License-Identifier: MIT */
/*
 * Why a file could not be loaded: which modules have what it imports.
 */
#pragma once

#include "connect.h"

/*
 * Names each module that the tree around the file @path (depmod's
 * modules.symbols.bin, in a folder above it) knows to export what the file
 * imports, and that is not loaded. Says nothing when it cannot tell.
 */
void lacks_tell(
    const char *path, const struct connection *c, const struct report *r);
