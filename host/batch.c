/* SPDX-License-Identifier: MIT */
/*
 * Batches of modules for gdb: batch.h.
 *
 * Every entry that gdb knows costs it time whenever another one comes or goes:
 * it looks for its breakpoints in all of them and sorts their sections. So
 * entries are joined. A module comes as an entry of its own, since breakpoints
 * in its init must work; when there are twice FAN entries of one level, the
 * oldest FAN of them become one of the next. So each module is read LEVELS
 * times in its life, and n modules are about n / FAN^2 entries.
 *
 * Invariant: a batch of level k has FAN^k files. When one of them goes the
 * batch falls apart into the largest that are left. That FAN entries stay when
 * others are joined keeps a module that comes and goes from making gdb join and
 * part the same batch each time.
 */
#include "batch.h"

#include <stdlib.h>

#include "jit.h"

#define FAN    16u
#define LEVELS 3u

struct batch {
	struct jit_code_entry entry;
	struct list link;  /* of its level, oldest first */
	struct list files; /* struct batch_file, oldest first */
	unsigned level;
	void *joined; /* the entry's file, or NULL: that of its module */
};

/* All of it is process-wide, as gdb's descriptor is (decision 13). */
static struct level {
	struct list batches;
	unsigned n;
} levels[LEVELS + 1]; /* the last: of files that do not join */

static void start(void)
{
	for (unsigned i = 0; i <= LEVELS && !levels[i].batches.next; i++)
		list_init(&levels[i].batches);
}

static struct batch_file *file_at(struct list *pos)
{
	return (struct batch_file *)pos; /* its first member's first */
}

static unsigned files_of(unsigned level)
{
	unsigned n = 1;

	while (level-- > 0)
		n *= FAN;
	return n;
}

static struct batch *batch_new(unsigned level)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->level = level;
	list_init(&b->files);
	return b;
}

/* The oldest @n files of @list go to @b. */
static void take_files(struct batch *b, struct list *list, unsigned n)
{
	while (n-- > 0) {
		struct batch_file *f = file_at(list->next);

		list_del(&f->file.link);
		list_add(&b->files, &f->file.link);
		f->batch = b;
	}
}

/* Makes the file of its entry, if it can be. */
static MUST_CHECK bool batch_describe(struct batch *b)
{
	const struct symfile *only = &file_at(b->files.next)->file;
	size_t size = only->size;

	if (b->files.next != b->files.prev) {
		b->joined = symfile_join(b->files.next, b->files.prev, &size);
		if (!b->joined)
			return false;
	}
	b->entry.symfile = b->joined ? b->joined : only->data;
	b->entry.size = size;
	return true;
}

static void batch_enter(struct batch *b)
{
	list_add(&levels[b->level].batches, &b->link);
	levels[b->level].n++;
	jit_register(&b->entry);
}

static void batch_leave(struct batch *b)
{
	jit_unregister(&b->entry);
	list_del(&b->link);
	levels[b->level].n--;
	free(b->joined);
	b->joined = NULL;
}

/* Without memory gdb forgets them. */
static void batch_forget(struct batch *b)
{
	while (!list_empty(&b->files)) {
		struct batch_file *f = file_at(b->files.next);

		list_del(&f->file.link);
		f->batch = NULL;
	}
	free(b);
}

/* --- joining */

/* Those that @b was made of are there; their files have gone to it. */
static void replace_parts(struct batch *b)
{
	for (unsigned i = 0; i < FAN; i++) {
		struct list *oldest = levels[b->level - 1].batches.next;
		struct batch *part = CONTAINER_OF(oldest, struct batch, link);

		batch_leave(part);
		free(part);
	}
	batch_enter(b);
}

static void give_back(struct batch *b)
{
	struct list *pos = levels[b->level - 1].batches.next;

	for (unsigned i = 0; i < FAN; i++, pos = pos->next)
		take_files(CONTAINER_OF(pos, struct batch, link), &b->files,
		    files_of(b->level - 1));
	free(b);
}

/* False: there is no memory. */
static bool join_oldest(unsigned level)
{
	struct batch *b = batch_new(level + 1);
	struct list *pos = levels[level].batches.next;

	if (!b)
		return false;
	for (unsigned i = 0; i < FAN; i++, pos = pos->next)
		take_files(b, &CONTAINER_OF(pos, struct batch, link)->files,
		    files_of(level));
	if (!batch_describe(b)) {
		give_back(b);
		return false;
	}
	replace_parts(b);
	return true;
}

static void join_all(void)
{
	for (unsigned i = 0; i + 1 < LEVELS; i++)
		while (levels[i].n >= 2 * FAN)
			if (!join_oldest(i))
				return; /* the next change tries again */
}

/*
 * A module lies where init of an earlier one was. Joined files say nothing
 * about init.
 */
static void drop_init(const struct symfile *later)
{
	struct list *pos, *next;

	for (unsigned i = 0; i <= LEVELS; i += LEVELS) {
		for (pos = levels[i].batches.next; pos != &levels[i].batches;
		     pos = next) {
			struct batch *b = CONTAINER_OF(pos, struct batch, link);
			struct symfile *f = &file_at(b->files.next)->file;

			next = pos->next;
			if (!symfile_is_over(f, later))
				continue;
			batch_leave(b);
			symfile_drop_init(f);
			batch_enter(b);
		}
	}
}

void batch_add(struct batch_file *f)
{
	struct batch *b = batch_new(f->file.joins ? 0 : LEVELS);

	f->batch = NULL;
	if (!b)
		return;
	start();
	list_add(&b->files, &f->file.link);
	f->batch = b;
	if (!batch_describe(b)) {
		batch_forget(b);
		return;
	}
	/* First, so that gdb has fewer entries when the new one comes. */
	join_all();
	drop_init(&f->file);
	batch_enter(b);
}

/* --- parting */

/* @b has left; all of it is entered again in smaller ones, but for @gone. */
static void part(struct batch *b, const struct batch_file *gone)
{
	const unsigned n = b->level != 0 ? files_of(b->level - 1) : 0;

	while (n != 0 && !list_empty(&b->files)) {
		struct batch *piece = batch_new(b->level - 1);
		bool has_it = false;

		if (!piece)
			break;
		for (unsigned i = 0; i < n; i++) {
			has_it |= file_at(b->files.next) == gone;
			symfile_drop_init(&file_at(b->files.next)->file);
			take_files(piece, &b->files, 1);
		}
		if (has_it)
			part(piece, gone); /* at most LEVELS deep */
		else if (batch_describe(piece))
			batch_enter(piece);
		else
			batch_forget(piece);
	}
	batch_forget(b);
}

void batch_drop(struct batch_file *f)
{
	struct batch *b = f->batch;

	if (!b)
		return;
	batch_leave(b);
	if (b->level == LEVELS)
		batch_forget(b);
	else
		part(b, f);
	join_all();
}
