/* SPDX-License-Identifier: MIT */
/*
 * A reader of .eh_frame for the sources that check it: finds the description
 * of a function. Only what gas and LLVM write for C and C++: version 1 or 3,
 * augmentations of the letters R, L and P, pointers of 4 or 8 bytes.
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
#define UNWIND_START(label)                                                    \
	__asm__(".pushsection .eh_frame, \"a\", " UNWIND_TYPE "\n"             \
		".balign 8\n"                                                  \
		".globl " #label "\n"                                          \
		".hidden " #label "\n" #label ":\n"                            \
		".popsection\n");                                              \
	extern const HIDDEN unsigned char label[]

#define UNWIND_LONGEST   4096 /* bytes of an entry of these sources */
#define UNWIND_PATCHABLE 16   /* what gcc leaves out at the start */

struct unwind {
	uintptr_t start, size;         /* of the function */
	const unsigned char *at, *end; /* its instructions */
	uintptr_t personality;         /* routine, 0 without exceptions */
	uintptr_t sites;               /* table of call sites, or 0 */
	uint64_t code_unit;
	unsigned char address, table; /* encodings of pointers */
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

/* A pointer in one of the encodings that compilers use; moves on. */
static inline uintptr_t unwind_pointer(
    const unsigned char **p, unsigned encoding)
{
	const uintptr_t here = (uintptr_t)*p;
	const unsigned format = encoding & 0x0f;
	uint64_t value = unwind_u32(*p);

	if (format == 0x0b) /* sdata4 */
		value = (uint64_t)(int64_t)(int32_t)value;
	else if (format != 0x03) /* eight bytes */
		value |= (uint64_t)unwind_u32(*p + 4) << 32;
	*p += format == 0x03 || format == 0x0b ? 4 : 8;
	if ((encoding & 0x70) == 0x10)
		value += here;
	if ((encoding & 0x80) != 0)
		value = *(const uintptr_t *)value;
	return value;
}

/* Reads a CIE; false when it is none that compilers write for C and C++. */
static inline int unwind_cie(const unsigned char *p, struct unwind *u)
{
	const unsigned char *letter = p + 10;

	p += 8;
	if ((p[0] != 1 && p[0] != 3) || p[1] != 'z')
		return 0;
	while (*p++ != 0)
		; /* the version, and the letters */
	u->code_unit = unwind_uleb(&p);
	(void)unwind_uleb(&p); /* data unit, signed: the same length */
	(void)unwind_uleb(&p); /* return address register */
	(void)unwind_uleb(&p); /* bytes of augmentation */
	u->address = u->table = 0;
	u->personality = 0;
	for (; *letter != 0; letter++) {
		const unsigned char encoding = *p++;

		if (*letter == 'R')
			u->address = encoding;
		else if (*letter == 'L')
			u->table = encoding;
		else if (*letter == 'P')
			u->personality = unwind_pointer(&p, encoding);
		else
			return 0;
	}
	return 1;
}

/* Fills @u with the description of the function at @start, or returns 0. */
static inline int unwind_find(
    const unsigned char *frame, uintptr_t start, struct unwind *u)
{
	for (int n = 0; n < 200; n++) {
		const uint32_t length = unwind_u32(frame);
		const uint32_t back = length != 0 ? unwind_u32(frame + 4) : 0;
		const unsigned char *p = frame + 8;

		if (length == 0 || length > UNWIND_LONGEST)
			return 0;
		frame += 4 + length;
		if (back == 0)
			continue; /* a CIE */
		if (!unwind_cie(p - 4 - back, u))
			return 0;
		u->start = unwind_pointer(&p, u->address);
		u->size = unwind_pointer(&p, u->address & 0x0f);
		const uint64_t more = unwind_uleb(&p);

		u->at = p + more;
		u->end = frame;
		u->sites = more != 0 ? unwind_pointer(&p, u->table) : 0;
		if (u->start - start <= UNWIND_PATCHABLE)
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
