/* SPDX-License-Identifier: MIT */
/*
 * Word-at-a-time hash of a C string: eight bytes a step, the step that holds
 * the NUL is masked down to the bytes before it. A word that would cross a
 * page is assembled byte by byte, so no page is touched that holds no byte of
 * the string.
 */
#include <base/bits.h>
#include <base/compiler.h>
#include <base/hash.h>

#define PAGE 4096u

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
	return *(const unaligned_word *)(const void *)s;
}

/* The next eight bytes of a string; those behind its NUL are anything. */
__attribute__((no_sanitize("address"))) static inline uint64_t next_word(
    const char *s)
{
	return LIKELY(((uintptr_t)s & (PAGE - 1)) <= PAGE - 8)
		   ? word_at(s)
		   : word_at_page_end(s);
}

__attribute__((no_sanitize("address"))) uint64_t hash_name_length(
    const char *name, uint64_t seed, size_t *length)
{
	uint64_t h = seed ^ 0x2545f4914f6cdd1du;
	const char *start = name;

	for (;; name += 8) {
		const uint64_t w = next_word(name);
		const uint64_t nul = zero_bytes(w);

		if (nul != 0) {
			*length = (size_t)(name - start) + bytes_below(nul);
			return fold(fold(h, w & bits_below(nul)), h);
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

__attribute__((no_sanitize("address"))) static inline uint64_t differ_at(
    const char *a, const char *b, size_t at)
{
	return word_at(a + at) ^ word_at(b + at);
}

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

__attribute__((no_sanitize("address"))) bool hash_name_equals(
    const char *stored, const char *name, size_t length)
{
	const size_t last = length - 7; /* of the word that ends with the NUL */
	uint64_t differ;

	if (UNLIKELY(length < 7 || length >= PAGE ||
		     ((uintptr_t)stored & (PAGE - 1)) > PAGE - 1 - length))
		return equals_slowly(stored, name);
	differ = differ_at(stored, name, 0) | differ_at(stored, name, last) |
		 differ_at(stored, name, least(8, last)) |
		 differ_at(stored, name, least(16, last));
	for (size_t i = 24; UNLIKELY(i < last); i += 8)
		differ |= differ_at(stored, name, i);
	return differ == 0;
}

bool hash_name_same(const char *a, const char *b)
{
	for (;; a += 8, b += 8) {
		const uint64_t w = next_word(a), differ = w ^ next_word(b);
		const uint64_t nul = zero_bytes(w);

		/* The NUL counts, what lies behind it does not. */
		if (nul != 0)
			return (differ & (((nul & -nul) << 1) - 1)) == 0;
		if (differ != 0)
			return false;
	}
}
