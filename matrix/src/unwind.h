/* SPDX-License-Identifier: MIT */
/*
 * A reader of .eh_frame for the sources that check it: finds the description
 * of a function. Only what gas and LLVM write for C: version 1 or 3,
 * augmentation "zR", addresses relative to their place, 4 or 8 bytes wide.
 * Spec: Linux Standard Base 5.0, 10.6; DWARF 4, 6.4.
 */
#pragma once

#include "matrix.h"

/* A label at the start of this file's own .eh_frame. */
#ifdef __x86_64__
#define UNWIND_TYPE "@unwind"
#else
#define UNWIND_TYPE "%progbits"
#endif
#define UNWIND_START(label) \
	__asm__(".pushsection .eh_frame, \"a\", " UNWIND_TYPE "\n" \
		".balign 8\n" \
		".globl " #label "\n" \
		".hidden " #label "\n" \
		#label ":\n" \
		".popsection\n"); \
	extern const HIDDEN unsigned char label[]

struct unwind {
	uintptr_t start, size;	       /* of the function */
	const unsigned char *at, *end; /* its instructions */
	uint64_t code_unit;
};

static inline uint32_t unwind_u32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline uint64_t unwind_uleb(const unsigned char **p)
{
	uint64_t value = 0;
	unsigned shift = 0;

	for (;;) {
		const unsigned char byte = *(*p)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if ((byte & 0x80) == 0)
			return value;
	}
}

/* Reads a CIE; returns the encoding of addresses, 0 when it is unknown. */
static inline unsigned unwind_cie(const unsigned char *p, uint64_t *unit)
{
	p += 8;
	if ((p[0] != 1 && p[0] != 3) || p[1] != 'z' || p[2] != 'R' || p[3] != 0)
		return 0;
	p += 4;
	*unit = unwind_uleb(&p);
	(void)unwind_uleb(&p); /* data unit, signed: the same length */
	(void)unwind_uleb(&p); /* return address register */
	(void)unwind_uleb(&p); /* bytes of augmentation */
	return *p;
}

/* One address of an FDE, and how far it moves on. */
static inline uintptr_t unwind_address(
    const unsigned char **p, unsigned encoding, int relative)
{
	const uintptr_t here = (uintptr_t)*p;
	uint64_t value = unwind_u32(*p);

	if ((encoding & 0x0f) == 0x0c) {
		value |= (uint64_t)unwind_u32(*p + 4) << 32;
		*p += 8;
	} else {
		value = relative ? (uint64_t)(int32_t)value : value;
		*p += 4;
	}
	return value + (relative ? here : 0);
}

/* Fills @u with the description of the function at @start, or returns 0. */
static inline int unwind_find(
    const unsigned char *frame, uintptr_t start, struct unwind *u)
{
	for (int n = 0; n < 200; n++) {
		const uint32_t length = unwind_u32(frame);
		const unsigned char *next = frame + 4 + length;
		const uint32_t back = length != 0 ? unwind_u32(frame + 4) : 0;
		const unsigned char *p = frame + 8;
		unsigned encoding;

		if (length == 0)
			return 0;
		frame = next;
		if (back == 0)
			continue; /* a CIE */
		encoding = unwind_cie(p - 4 - back, &u->code_unit);
		if ((encoding & 0xf0) != 0x10)
			return 0;
		u->start = unwind_address(&p, encoding, 1);
		u->size = unwind_address(&p, encoding, 0);
		p += unwind_uleb(&p);
		u->at = p;
		u->end = next;
		if (u->start == start)
			return 1;
	}
	return 0;
}

/*
 * The next distance by which the instructions advance the location, in bytes
 * of code; 0 at the end. The others are stepped over.
 */
static inline uint64_t unwind_advance(struct unwind *u)
{
	while (u->at < u->end) {
		const unsigned char op = *u->at++;

		if (op >> 6 == 1)
			return (op & 0x3f) * u->code_unit;
		if (op == 0x02) /* advance_loc1 */
			return *u->at++ * u->code_unit;
		if (op == 0x03) { /* advance_loc2 */
			u->at += 2;
			return (u->at[-2] | u->at[-1] << 8) * u->code_unit;
		}
		if (op == 0x04) { /* advance_loc4 */
			u->at += 4;
			return unwind_u32(u->at - 4) * u->code_unit;
		}
		if (op >> 6 == 2 || op == 0x0e || op == 0x0d || op == 0x07 ||
		    op == 0x08)
			(void)unwind_uleb(&u->at);
		else if (op == 0x0c || op == 0x05 || op == 0x09) {
			(void)unwind_uleb(&u->at);
			(void)unwind_uleb(&u->at);
		}
	}
	return 0;
}
