/* SPDX-License-Identifier: MIT */
/*
 * What gdb reads about modules: ELF files in memory whose sections have the
 * addresses that they were loaded at. For the inside of host/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/list.h>

struct tn_linked;

struct symfile {
	struct list link; /* of whoever has several */
	void *data;       /* NULL: gdb cannot be told of this module */
	size_t size;
	bool joins;                   /* may become part of a larger one */
	uint64_t init_low, init_high; /* where code of init was, or 0 */
};

/*
 * Of one module: a copy of its file. Without memory, of an ET_DYN file, and of
 * one whose section headers or their names are not inside of it, data is NULL.
 * It does not join if its debug information leads out of it.
 */
void symfile_init(struct symfile *f, const struct tn_linked *file);
void symfile_fini(struct symfile *f);

/* Does code of @later lie where init of @f was, which is over then? */
bool symfile_is_over(const struct symfile *f, const struct symfile *later);
/* Init is over: the file says no more about it. */
void symfile_drop_init(struct symfile *f);

/*
 * One file that says the same as those from @first to @last on a list, all of
 * which join; to be freed. NULL: no memory.
 */
void *symfile_join(
    const struct list *first, const struct list *last, size_t *size) MUST_CHECK;
