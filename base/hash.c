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

__attribute__((no_sanitize("address"))) uint64_t hash_name(
    const char *name, uint64_t seed)
{
	uint64_t h = seed ^ 0x2545f4914f6cdd1du;

	for (;; name += 8) {
		const uint64_t w = word_at(name);
		const uint64_t nul = (w - ONES) & ~w & HIGHS;

		if (nul != 0) {
			const uint64_t keep = ((nul & -nul) >> 7) - 1;

			return fold(fold(h, w & keep), h);
		}
		h = fold(h, w);
	}
}
