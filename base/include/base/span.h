/* SPDX-License-Identifier: MIT */
/*
 * A bounds-checked view of bytes, and numbers, little-endian mostly, at unaligned
 * places. Every byte that comes from outside is reached through a span.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

struct span {
	const uint8_t *p;
	size_t n;
};

/* True, and @out set, when bytes [off, off + len) lie inside @s. */
static inline MUST_CHECK bool span_sub(
    struct span s, uint64_t off, uint64_t len, struct span *out)
{
	if (off > s.n || len > s.n - off)
		return false;
	out->p = s.p + off;
	out->n = (size_t)len;
	return true;
}

static inline uint16_t get_le16(const void *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t get_le32(const void *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* Not by a builtin, which is a call into libgcc on riscv64. */
static inline uint32_t get_be32(const void *p)
{
	const uint8_t *b = (const uint8_t *)p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

static inline uint64_t get_le64(const void *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline void put_le16(void *p, uint16_t v)
{
	__builtin_memcpy(p, &v, sizeof(v));
}

static inline void put_le32(void *p, uint32_t v)
{
	__builtin_memcpy(p, &v, sizeof(v));
}

static inline void put_le64(void *p, uint64_t v)
{
	__builtin_memcpy(p, &v, sizeof(v));
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "Tenon is for little-endian machines (decision 29)");
