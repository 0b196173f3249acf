/* SPDX-License-Identifier: MIT */
/*
 * Sorting in place, without recursion or allocation, in O(n log n) whatever
 * the input: what comes from a file may be ordered to be slow for quicksort.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True when @a must stand before @b; @arg is heap_sort's. */
typedef bool sort_before_fn(const void *a, const void *b, const void *arg);

/* Sorts @n elements of @size bytes. Not stable. */
void heap_sort(
    void *base, size_t n, size_t size, sort_before_fn *before, const void *arg);
