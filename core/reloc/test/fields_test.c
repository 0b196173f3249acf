/* SPDX-License-Identifier: MIT */
/*
 * Each encoder writes its field and nothing else. The masks are copied from
 * the drawings of the instruction formats in the two architecture manuals, not
 * derived from the code; the least significant bit is bit 0 of the place.
 */
#include <base/span.h>
#include <reloc/reloc.h>
#include <test/test.h>

#include "encode.h"

struct field {
	uint16_t machine;
	uint16_t type;
	uint64_t mask;
	uint64_t zero; /* further bits, which are written and always 0 */
};

#define A64_IMM16 0x001fffe0
#define A64_MOVZN (A64_IMM16 | 1u << 30)
#define A64_ADR   0x60ffffe0
#define A64_IMM12 0x003ffc00
#define A64_IMM14 0x0007ffe0
#define A64_IMM19 0x00ffffe0
#define A64_IMM26 0x03ffffff
#define RV_U      0xfffff000
#define RV_I      0xfff00000
#define RV_S      0xfe000f80

static const struct field fields[] = {
	{ EM_X86_64, 1, UINT64_MAX, 0 }, /* 64 */
	{ EM_X86_64, 2, UINT32_MAX, 0 }, /* PC32 */
	{ EM_X86_64, 12, 0xffff, 0 },    /* 16 */
	{ EM_X86_64, 14, 0xff, 0 },      /* 8 */
	{ EM_AARCH64, 257, UINT64_MAX, 0 },
	{ EM_AARCH64, 258, UINT32_MAX, 0 },
	{ EM_AARCH64, 259, 0xffff, 0 },
	{ EM_AARCH64, 263, A64_IMM16, 0 }, /* MOVW_UABS_G0..G3 */
	{ EM_AARCH64, 264, A64_IMM16, 0 },
	{ EM_AARCH64, 265, A64_IMM16, 0 },
	{ EM_AARCH64, 266, A64_IMM16, 0 },
	{ EM_AARCH64, 267, A64_IMM16, 0 },
	{ EM_AARCH64, 268, A64_IMM16, 0 },
	{ EM_AARCH64, 269, A64_IMM16, 0 },
	{ EM_AARCH64, 270, A64_MOVZN, 0 }, /* MOVW_SABS_G0..G2 */
	{ EM_AARCH64, 271, A64_MOVZN, 0 },
	{ EM_AARCH64, 272, A64_MOVZN, 0 },
	{ EM_AARCH64, 273, A64_IMM19, 0 }, /* LD_PREL_LO19 */
	{ EM_AARCH64, 274, A64_ADR, 0 },
	{ EM_AARCH64, 275, A64_ADR, 0 },
	{ EM_AARCH64, 276, A64_ADR, 0 },
	{ EM_AARCH64, 277, A64_IMM12, 0 }, /* ADD, then loads and stores */
	{ EM_AARCH64, 278, A64_IMM12, 0 },
	{ EM_AARCH64, 279, A64_IMM14, 0 }, /* TSTBR14 */
	{ EM_AARCH64, 280, A64_IMM19, 0 }, /* CONDBR19 */
	{ EM_AARCH64, 282, A64_IMM26, 0 },
	{ EM_AARCH64, 283, A64_IMM26, 0 },
	{ EM_AARCH64, 284, 0x001ffc00, 0x00200000 }, /* in units of 2, 4, 8 */
	{ EM_AARCH64, 285, 0x000ffc00, 0x00300000 },
	{ EM_AARCH64, 286, 0x0007fc00, 0x00380000 },
	{ EM_AARCH64, 287, A64_MOVZN, 0 }, /* MOVW_PREL_G0.. */
	{ EM_AARCH64, 288, A64_IMM16, 0 },
	{ EM_AARCH64, 289, A64_MOVZN, 0 },
	{ EM_AARCH64, 290, A64_IMM16, 0 },
	{ EM_AARCH64, 291, A64_MOVZN, 0 },
	{ EM_AARCH64, 292, A64_IMM16, 0 },
	{ EM_AARCH64, 293, 0x400fffe0, 0x00100000 }, /* bit 63 is the sign */
	{ EM_AARCH64, 299, 0x0003fc00, 0x003c0000 },
	{ EM_AARCH64, 311, A64_ADR, 0 },
	{ EM_AARCH64, 312, 0x0007fc00, 0x00380000 },
	{ EM_AARCH64, 313, A64_IMM12, 0 },
	{ EM_RISCV, 2, UINT64_MAX, 0 },
	{ EM_RISCV, 16, RV_S, 0 }, /* BRANCH: the B format's bits are S's */
	{ EM_RISCV, 17, RV_U, 0 }, /* JAL: the J format's are U's */
	{ EM_RISCV, 18, (uint64_t)RV_I << 32 | RV_U, 0 },
	{ EM_RISCV, 19, (uint64_t)RV_I << 32 | RV_U, 0 },
	{ EM_RISCV, 20, RV_U, 0 },
	{ EM_RISCV, 23, RV_U, 0 },
	{ EM_RISCV, 24, RV_I, 0 },
	{ EM_RISCV, 25, RV_S, 0 },
	{ EM_RISCV, 26, RV_U, 0 },
	{ EM_RISCV, 27, RV_I, 0 },
	{ EM_RISCV, 28, RV_S, 0 },
	{ EM_RISCV, 33, 0xff, 0 }, /* ADD8..ADD64, SUB8..SUB64 */
	{ EM_RISCV, 34, 0xffff, 0 },
	{ EM_RISCV, 35, UINT32_MAX, 0 },
	{ EM_RISCV, 36, UINT64_MAX, 0 },
	{ EM_RISCV, 37, 0xff, 0 },
	{ EM_RISCV, 38, 0xffff, 0 },
	{ EM_RISCV, 39, UINT32_MAX, 0 },
	{ EM_RISCV, 40, UINT64_MAX, 0 },
	{ EM_RISCV, 44, 0x1c7c, 0 }, /* RVC_BRANCH */
	{ EM_RISCV, 45, 0x1ffc, 0 }, /* RVC_JUMP */
	{ EM_RISCV, 46, 0x307c, 0 }, /* RVC_LUI; bit 13 makes it C.LI */
	{ EM_RISCV, 52, 0x3f, 0 },
	{ EM_RISCV, 53, 0x3f, 0 },
	{ EM_RISCV, 54, 0xff, 0 },
	{ EM_RISCV, 55, 0xffff, 0 },
	{ EM_RISCV, 56, UINT32_MAX, 0 },
};

/* What reloc_put makes of eight bytes that all start as @start. */
static uint64_t put(const struct field *f, uint64_t start, uint64_t value)
{
	const struct reloc_machine *m = reloc_machine(f->machine);
	uint8_t place[8];

	put_le64(place, start);
	reloc_put(m, reloc_find(m, f->type), place, value);
	return get_le64(place);
}

/* Every bit that any value changes, from the bytes @start. */
static uint64_t reached(const struct field *f, uint64_t start)
{
	const uint64_t zero = put(f, start, 0);
	uint64_t bits = zero ^ put(f, start, UINT64_MAX);

	for (unsigned b = 0; b < 64; b++)
		bits |= zero ^ put(f, start, 1ull << b);
	return bits;
}

TEST(reloc, encoders_reach_each_bit_of_their_field)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const uint64_t bits =
		    reached(&fields[i], 0) | reached(&fields[i], UINT64_MAX);

		CHECK_EQ(bits, fields[i].mask);
	}
}

TEST(reloc, encoders_keep_what_is_not_their_field)
{
	const uint64_t start = 0x96c35aa5f00f3cc3;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const uint64_t keep = ~(fields[i].mask | fields[i].zero);

		for (unsigned b = 0; b < 64; b++) {
			const uint64_t v = 0x5555aaaa3333cccc ^ 1ull << b;

			CHECK_EQ(
			    put(&fields[i], start, v) & keep, start & keep);
		}
	}
}

/* The encoder asked for no more bytes than the row says. */
TEST(reloc, fields_lie_within_the_size_of_their_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *f = &fields[i];
		const struct reloc_howto *how =
		    reloc_find(reloc_machine(f->machine), f->type);

		CHECK(how->size >= 1 && how->size <= 8);
		if (how->size < 8)
			CHECK_EQ(f->mask >> (8 * how->size), 0);
		CHECK(f->mask >> (8 * (how->size - 1)) != 0 ||
		      how->field >= FIELD_A64);
	}
}

/*
 * Where no carry is involved each bit of the value, from the unit to the top,
 * is one bit of the instruction; those above and below are none.
 */
TEST(reloc, each_bit_of_an_offset_is_one_bit_of_the_field)
{
	static const struct {
		struct field field;
		unsigned low, high;
	} offsets[] = {
		{ { EM_X86_64, 4, 0, 0 }, 0, 31 },
		{ { EM_AARCH64, 283, 0, 0 }, 2, 27 },
		{ { EM_AARCH64, 280, 0, 0 }, 2, 20 },
		{ { EM_AARCH64, 279, 0, 0 }, 2, 15 },
		{ { EM_AARCH64, 274, 0, 0 }, 0, 20 },
		{ { EM_AARCH64, 275, 0, 0 }, 12, 32 },
		{ { EM_AARCH64, 277, 0, 0 }, 0, 11 },
		{ { EM_AARCH64, 286, 0, 0 }, 3, 11 },
		{ { EM_AARCH64, 313, 0, 0 }, 3, 14 },
		{ { EM_RISCV, 16, 0, 0 }, 1, 12 },
		{ { EM_RISCV, 17, 0, 0 }, 1, 20 },
		{ { EM_RISCV, 24, 0, 0 }, 0, 11 },
		{ { EM_RISCV, 25, 0, 0 }, 0, 11 },
		{ { EM_RISCV, 44, 0, 0 }, 1, 8 },
		{ { EM_RISCV, 45, 0, 0 }, 1, 11 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		const struct field *f = &offsets[i].field;

		for (unsigned b = 0; b < 64; b++) {
			const uint64_t change =
			    put(f, 0, 1ull << b) ^ put(f, 0, 0);
			const bool counts =
			    b >= offsets[i].low && b <= offsets[i].high;

			CHECK_EQ(change != 0, counts);
			CHECK_EQ(change & (change - 1), 0);
		}
	}
}
