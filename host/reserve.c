/* SPDX-License-Identifier: MIT */
/*
 * Blocks of memory that only grow: see reserve.h. Whoever finds the current
 * block used up maps a new one; of two who do it at once one gives his back.
 * What is left in the old block is lost, less than one request.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "reserve.h"

#define ALIGN 64

struct block {
	_Alignas(ALIGN) atomic_size_t used; /* may grow beyond size */
	size_t size;                        /* of bytes */
	uint8_t *bytes;
};

static _Alignas(ALIGN) uint8_t first_bytes[RESERVE_FIRST];
static struct block first = { .size = RESERVE_FIRST, .bytes = first_bytes };
static struct block *_Atomic current = &first;

/* In place of @full, unless another thread was faster. */
static bool grow(struct block *full)
{
	struct block *b = mmap(NULL, RESERVE_BLOCK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return false;
	b->size = RESERVE_BLOCK - sizeof(*b);
	b->bytes = (uint8_t *)(b + 1);
	/* release: pairs with the acquire of reserve_alloc */
	if (!atomic_compare_exchange_strong_explicit(
		&current, &full, b, memory_order_release, memory_order_relaxed))
		(void)munmap(b, RESERVE_BLOCK);
	return true;
}

void *reserve_alloc(size_t size)
{
	const size_t whole = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	for (;;) {
		struct block *b =
		    atomic_load_explicit(&current, memory_order_acquire);
		/* relaxed: nobody has written to these bytes */
		const size_t at = atomic_fetch_add_explicit(
		    &b->used, whole, memory_order_relaxed);

		if (at < b->size && whole <= b->size - at)
			return b->bytes + at;
		if (!grow(b))
			return NULL;
	}
}
