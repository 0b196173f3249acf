/* SPDX-License-Identifier: MIT */
/*
 * Names of modules and aliases: '-' and '_' are the same character in them,
 * and '_' is what is kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MODNAME_MAX 4096 /* of a name or alias, with its NUL */

/*
 * Writes @alias with '_' for '-', except within [brackets], to @out of
 * MODNAME_MAX bytes. False: it is too long, or a bracket has no partner.
 */
bool alias_normalize(const char *alias, char *out);

/*
 * Writes the module's name of the file @path: the part between the last slash
 * and the first dot behind it, with '_' for '-'. False: it is empty or too
 * long. @out has MODNAME_MAX bytes.
 */
bool modname_of_path(const char *path, char *out);

/* Is @name that of a module file: "x.ko", "x.ko.gz", "x.ko.xz", "x.ko.zst"? */
bool modname_is_file(const char *name);
