/* SPDX-License-Identifier: MIT */
/*
 * Word-at-a-time hash of a C string: eight bytes a step, the step that holds
 * the NUL is masked down to the bytes before it. A word that would cross a
 * page is assembled byte by byte, so no page is touched that holds no byte of
 * the string.
 */
#include <base/compiler.h>
#include <base/hash.h>

#define ONES  0x0101010101010101u
#define HIGHS 0x8080808080808080u
#define PAGE  4096u

static uint64_t word_at_page_end(const char *s)
{
	uint64_t w = 0;

	for (unsigned i = 0; i < 8 && s[i] != '\0'; i++)
		w |= (uint64_t)(unsigned char)s[i] << (8 * i);
	return w;
}

static inline uint64_t fold(uint64_t h, uint64_t w)
{
	const unsigned __int128 m =
	    (unsigned __int128)(h ^ w) * 0x9fb21c651e98df25u;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* A word of any alignment and any type of bytes. */
typedef uint64_t __attribute__((may_alias, aligned(1))) unaligned_word;

/* The sanitizer cannot know that reading on within the page is harmless. */
__attribute__((no_sanitize("address"))) static inline uint64_t word_at(
    const char *s)
{
	if (LIKELY(((uintptr_t)s & (PAGE - 1)) <= PAGE - 8))
		return *(const unaligned_word *)(const void *)s;
	return word_at_page_end(s);
}

__attribute__((no_sanitize("address"))) uint64_t hash_name_length(
    const char *name, uint64_t seed, size_t *length)
{
	uint64_t h = seed ^ 0x2545f4914f6cdd1du;
	const char *start = name;

	for (;; name += 8) {
		const uint64_t w = word_at(name);
		const uint64_t nul = (w - ONES) & ~w & HIGHS;

		if (nul != 0) {
			const uint64_t first = nul & -nul; /* the lowest one */

			*length =
			    (size_t)(name - start) +
			    (size_t)(((((first >> 7) - 1) & ONES) * ONES) >>
				     56);
			return fold(fold(h, w & ((first >> 7) - 1)), h);
		}
		h = fold(h, w);
	}
}

uint64_t hash_name(const char *name, uint64_t seed)
{
	size_t length;

	return hash_name_length(name, seed, &length);
}

/* Byte by byte: for short names and those at the end of a page. */
__attribute__((noinline)) static bool equals_slowly(
    const char *a, const char *b)
{
	while (*a == *b && *b != '\0') {
		a++;
		b++;
	}
	return *a == *b;
}

__attribute__((no_sanitize("address"))) bool hash_name_equals(
    const char *stored, const char *name, size_t length)
{
	uint64_t differ = 0;

	if (UNLIKELY(length < 7 || length >= PAGE || length >= PAGE ||
		     ((uintptr_t)stored & (PAGE - 1)) > PAGE - 1 - length))
		return equals_slowly(stored, name);
	for (size_t i = 0; i + 8 <= length; i += 8)
		differ |= word_at(stored + i) ^ word_at(name + i);
	/* The last word ends with the NUL. */
	differ |= word_at(stored + length - 7) ^ word_at(name + length - 7);
	return differ == 0;
}
