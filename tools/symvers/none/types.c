/* SPDX-License-Identifier: MIT */
/*
 * For builds without libdw: symvers/types.h.
 */
#include <symvers/types.h>

#include <tenon/err.h>

int types_open(const char *path, struct types_file file, struct types **out,
    char why[TYPES_WHY_MAX])
{
	(void)path;
	(void)file;
	(void)out;
	(void)snprintf(why, TYPES_WHY_MAX,
	    "this build has no library for debug information");
	return -TN_EOPNOTSUPP;
}

void types_close(struct types *types)
{
	(void)types;
}

int types_describe(struct types *types, const char *name, FILE *out)
{
	(void)types;
	(void)name;
	(void)out;
	return -TN_EOPNOTSUPP;
}
