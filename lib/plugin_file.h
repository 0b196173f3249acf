/* SPDX-License-Identifier: MIT */
/*
 * Files of plugins: which file a path means, and what the dynamic linker has
 * made of it.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/compiler.h>
#include <tenon/diag.h>

/* One file, however it is called: as the dynamic linker tells files apart. */
struct file_id {
	dev_t dev;
	ino_t ino;
};

struct plugin_file {
	struct file_id id;
	char real[PATH_MAX];           /* without links and dots */
	char name[TN_MODULE_NAME_MAX]; /* of a module of this file */
};

/*
 * Finds the file that dlopen would open for @path: without a slash it is
 * looked for in the dynamic linker's folders. 0 or a negative errno number.
 */
int plugin_file_find(const char *path, struct plugin_file *out) MUST_CHECK;

static inline bool file_id_equal(struct file_id a, struct file_id b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

/* --- a library that is mapped */

struct mapped {
	void *handle;
	uint64_t base;
	const char *name; /* the dynamic linker's, as long as it is mapped */
};

/* What dlopen has returned. False: the C library does not say. */
bool mapped_open(void *handle, struct mapped *out) MUST_CHECK;

/*
 * Is @data, the bytes of a sound ELF file, what is mapped there? All of the two
 * is compared that nobody writes to.
 */
bool mapped_is(const struct mapped *m, const void *data, size_t size);

/* Does dlclose unmap libraries at all, in this C library? */
bool libc_unmaps(void);

/* Is it mapped still? Asked after dlclose. */
bool mapped_is_there(uint64_t base, const char *name);

/*
 * Writes why a library of these bytes may stay in the process after dlclose,
 * as far as the file says it.
 */
void why_it_stays(const void *data, size_t size, char *out, size_t cap);

/*
 * Can @name be an object of @least bytes, by the library's own file? True also
 * where that does not say.
 */
bool is_table(const void *data, size_t size, const char *name, size_t least);

/*
 * Calls @fn for the name of each library that the file needs (DT_NEEDED) until
 * it returns non-zero; returns that.
 */
int each_needed(const void *data, size_t size,
    int (*fn)(void *arg, const char *name), void *arg);

/* The address of @symbol, defined by @handle's library itself; or NULL. */
void *own_symbol(void *handle, const char *symbol);
