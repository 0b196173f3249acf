/* SPDX-License-Identifier: MIT */
/*
 * Memory that stays for the life of the process: what the world of gates keeps
 * of threads. It is not the heap's, so that whoever has given all memory for
 * his modules needs none.
 */
#pragma once

#include <stddef.h>

/* The first bytes come from the program itself, later ones in such blocks. */
#define RESERVE_FIRST ((size_t)16 << 10)
#define RESERVE_BLOCK ((size_t)64 << 10)

/*
 * @size bytes, at most a quarter of RESERVE_FIRST: zeroed, aligned to 64 bytes,
 * never freed; NULL: the system has none. Any thread; no lock is taken.
 */
void *reserve_alloc(size_t size);
