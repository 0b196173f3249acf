/* SPDX-License-Identifier: MIT */
/*
 * From an entry of the debug information to text: symvers/types.h.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <elfutils/libdw.h>

/* Is the flag @attribute set, also by way of its abstract entry? */
bool die_has_flag(Dwarf_Die *die, unsigned attribute);

/*
 * Writes the type of the function or variable @symbol. -TN_EBADMSG: the
 * information is damaged or has a type of too many levels; -TN_ENOMEM.
 */
int describe(Dwarf_Die *symbol, FILE *out);
