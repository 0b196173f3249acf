/* SPDX-License-Identifier: MIT */
/*
 * The module's memory: one area, cut into blocks that follow each other.
 *
 *	[ size | used | before ] bytes ... [ size | used | before ] ...
 *
 * A block knows the size of the one before it, so neighbours that are free
 * become one when either is freed. The first that is large enough is taken.
 */
#include "program.h"

#define ALIGN 16u

struct block {
	size_t size;   /* with this head; bit 0: used */
	size_t before; /* size of the block before, 0: the first */
};
_Static_assert(sizeof(struct block) == ALIGN, "blocks keep the alignment");

static struct block *first, *end;

static size_t size_of(const struct block *b)
{
	return b->size & ~(size_t)1;
}

static bool is_used(const struct block *b)
{
	return (b->size & 1) != 0;
}

static struct block *after(struct block *b)
{
	return (struct block *)(void *)((char *)b + size_of(b));
}

static struct block *before(struct block *b)
{
	return (struct block *)(void *)((char *)b - b->before);
}

void heap_open(uint64_t addr, uint64_t size)
{
	first = (struct block *)(uintptr_t)addr;
	end = (struct block *)(uintptr_t)(addr + size);
	first->size = (size_t)size;
	first->before = 0;
}

static void set_size(struct block *b, size_t size)
{
	b->size = size;
	if (after(b) != end)
		after(b)->before = size;
}

/* Leaves what is more than @size to a block of its own. */
static void cut(struct block *b, size_t size)
{
	const size_t rest = size_of(b) - size;
	struct block *other;

	if (rest < 2 * sizeof(*b))
		return;
	b->size = size;
	other = after(b);
	other->before = size;
	set_size(other, rest);
}

void *heap_alloc(size_t size)
{
	struct block *b = first;

	if (size > (size_t)((char *)end - (char *)first))
		return NULL;
	size = (size + sizeof(*b) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	while (b != end && (is_used(b) || b->size < size))
		b = after(b);
	if (b == end)
		return NULL;
	cut(b, size);
	b->size |= 1;
	__builtin_memset(b + 1, 0, size_of(b) - sizeof(*b));
	return b + 1;
}

void heap_free(void *p)
{
	struct block *b = (struct block *)p - 1;

	if (p == NULL)
		return;
	b->size = size_of(b);
	if (after(b) != end && !is_used(after(b)))
		set_size(b, b->size + size_of(after(b)));
	if (b->before != 0 && !is_used(before(b)))
		set_size(before(b), size_of(before(b)) + b->size);
}
