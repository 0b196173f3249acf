/* SPDX-License-Identifier: MIT */
/*
 * Seeded 64-bit hashing. Seeds are secret per system, so a file cannot choose
 * names that collide.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finaliser of splitmix64: every input bit reaches every output bit. */
static inline uint64_t hash_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/*
 * Hash of the NUL-terminated @name. Reads a word at a time and may read, but
 * never use, bytes behind the NUL within the same 4 KiB page.
 */
uint64_t hash_name(const char *name, uint64_t seed);

/* The same, and the length of @name for nothing. */
uint64_t hash_name_length(const char *name, uint64_t seed, size_t *length);

/*
 * Is @stored the same string as @name, which has @length characters? Compares
 * words, without a branch until the end; reads as hash_name does.
 */
bool hash_name_equals(const char *stored, const char *name, size_t length);

/*
 * Are the NUL-terminated strings the same? For short ones that are expected to
 * be; reads as hash_name does.
 */
bool hash_name_same(const char *a, const char *b);
