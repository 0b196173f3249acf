/* SPDX-License-Identifier: MIT */
/*
 * The limit of a file's size, RLIMIT_FSIZE, which holds for files in memory
 * too: growing one beyond it is a signal (SIGXFSZ), not an error.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

/* False, and EFBIG in errno: it would be the signal. */
static inline bool file_may_grow_to(size_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur)
		return true;
	errno = EFBIG;
	return false;
}
