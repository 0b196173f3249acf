/* SPDX-License-Identifier: MIT */
/*
 * The module files that the build has made, and files made of files.
 */
#pragma once

#include <base/span.h>

/*
 * The path of build/modules/@arch/common/@name.ko beside this program; false
 * when it has not been built.
 */
struct file_path {
	char text[512];
};
bool file_of_module(struct file_path *path, const char *arch, const char *name);

/* The bytes of a file, to be freed; empty when it cannot be read. */
struct span file_read(const char *path);
/* @plain as a gzip file that compresses nothing; to be freed. */
struct span file_gzip(struct span plain);
/* Writes a file of a name of its own below /tmp; the caller unlinks it. */
bool file_write(struct file_path *path, struct span bytes);

static inline void file_free(struct span bytes)
{
	__builtin_free((void *)(uintptr_t)bytes.p);
}
