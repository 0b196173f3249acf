/* SPDX-License-Identifier: MIT */
/*
 * Files that lie in the image (modules.S).
 */
#pragma once

#include <stddef.h>

struct k_file {
	const char *name; /* "common/hello" */
	const void *data; /* 8-byte aligned, read-only */
	size_t size;
};

extern const struct k_file k_files[], k_files_end[];
