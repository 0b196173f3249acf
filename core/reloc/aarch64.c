/* SPDX-License-Identifier: MIT */
/*
 * aarch64: ELF for the Arm 64-bit Architecture (AAELF64) 2023Q3, section 5.7;
 * the instruction fields are those of the Arm ARM, chapter C6.
 *
 * GDAT(x) is the cell of x and Delta(x) the cell's place in AAELF64. A field
 * named after a class of instructions takes the bits [n:m] of the value that
 * its row's comment gives; the invariant is that nothing outside of it changes
 * (MOVZ and MOVN apart, which the signed types choose between).
 */
#include "encode.h"

enum {
	A64_ADR_PREL_PG_HI21 = 275,
	A64_ADD_ABS_LO12_NC = 277,
	A64_ADR_GOT_PAGE = 311,
	A64_LD64_GOT_LO12_NC = 312,
};

#define INSN_NOP 0xd503201fu
#define PAGE(x)  ((x) & ~(uint64_t)0xfff)

// clang-format off
#define ROW_PREFIX "R_AARCH64_"
#define ROW_FIRST 0
#define NONE_ROWS(ROW) \
	ROW(0, "NONE", NOTHING)

ROW_TABLE(none, NONE_ROWS);
#undef ROW_FIRST

#define ROW_FIRST 256
#define A64_ROWS(ROW) \
	ROW(256, "NONE", NOTHING) /* withdrawn number */ \
	ROW(257, "ABS64", AS(ABS, 64, 8), ANY)               /* S + A */ \
	ROW(258, "ABS32", AS(ABS, 32, 4), FITS(EITHER, 32)) \
	ROW(259, "ABS16", AS(ABS, 16, 2), FITS(EITHER, 16)) \
	ROW(260, "PREL64", AS(PC, 64, 8), ANY)               /* S + A - P */ \
	ROW(261, "PREL32", AS(PC, 32, 4), FITS(EITHER, 32)) \
	ROW(262, "PREL16", AS(PC, 16, 2), FITS(EITHER, 16)) \
	/* S + A: [15:0], [31:16], [47:32], [63:48] */ \
	ROW(263, "MOVW_UABS_G0", AS(ABS, A64_MOVW0, 4), FITS(UNSIGNED, 16)) \
	ROW(264, "MOVW_UABS_G0_NC", AS(ABS, A64_MOVW0, 4), ANY) \
	ROW(265, "MOVW_UABS_G1", AS(ABS, A64_MOVW1, 4), FITS(UNSIGNED, 32)) \
	ROW(266, "MOVW_UABS_G1_NC", AS(ABS, A64_MOVW1, 4), ANY) \
	ROW(267, "MOVW_UABS_G2", AS(ABS, A64_MOVW2, 4), FITS(UNSIGNED, 48)) \
	ROW(268, "MOVW_UABS_G2_NC", AS(ABS, A64_MOVW2, 4), ANY) \
	ROW(269, "MOVW_UABS_G3", AS(ABS, A64_MOVW3, 4), ANY) \
	/* S + A, inverted by MOVN when negative */ \
	ROW(270, "MOVW_SABS_G0", AS(ABS, A64_MOVS0, 4), FITS(SIGNED, 17)) \
	ROW(271, "MOVW_SABS_G1", AS(ABS, A64_MOVS1, 4), FITS(SIGNED, 33)) \
	ROW(272, "MOVW_SABS_G2", AS(ABS, A64_MOVS2, 4), FITS(SIGNED, 49)) \
	/* S + A - P: [20:2], [20:0] */ \
	ROW(273, "LD_PREL_LO19", AS(PC, A64_BRANCH19, 4), FITS_BY(SIGNED, 21, 4)) \
	ROW(274, "ADR_PREL_LO21", AS(PC, A64_ADR, 4), FITS(SIGNED, 21)) \
	/* Page(S + A) - Page(P): [32:12] */ \
	ROW(275, "ADR_PREL_PG_HI21", AS(PAGE, A64_ADRP, 4), FITS(SIGNED, 33)) \
	ROW(276, "ADR_PREL_PG_HI21_NC", AS(PAGE, A64_ADRP, 4), ANY) \
	/* S + A: [11:n] */ \
	ROW(277, "ADD_ABS_LO12_NC", AS(ABS, A64_LO12, 4), ANY) \
	ROW(278, "LDST8_ABS_LO12_NC", AS(ABS, A64_LO12, 4), ANY) \
	/* S + A - P: [15:2], [20:2], [27:2] */ \
	ROW(279, "TSTBR14", AS(PC, A64_BRANCH14, 4), FITS_BY(SIGNED, 16, 4)) \
	ROW(280, "CONDBR19", AS(PC, A64_BRANCH19, 4), FITS_BY(SIGNED, 21, 4)) \
	ROW(281, "", GAP) \
	ROW(282, "JUMP26", AS(PC, A64_BRANCH26, 4), FITS_BY(SIGNED, 28, 4), \
	    .flags = RELOC_BRANCH) \
	ROW(283, "CALL26", AS(PC, A64_BRANCH26, 4), FITS_BY(SIGNED, 28, 4), \
	    .flags = RELOC_BRANCH) \
	ROW(284, "LDST16_ABS_LO12_NC", AS(ABS, A64_LDST16, 4), ANY_BY(2)) \
	ROW(285, "LDST32_ABS_LO12_NC", AS(ABS, A64_LDST32, 4), ANY_BY(4)) \
	ROW(286, "LDST64_ABS_LO12_NC", AS(ABS, A64_LDST64, 4), ANY_BY(8)) \
	/* S + A - P: [15:0], [31:16], [47:32], [63:48] */ \
	ROW(287, "MOVW_PREL_G0", AS(PC, A64_MOVS0, 4), FITS(SIGNED, 17)) \
	ROW(288, "MOVW_PREL_G0_NC", AS(PC, A64_MOVW0, 4), ANY) \
	ROW(289, "MOVW_PREL_G1", AS(PC, A64_MOVS1, 4), FITS(SIGNED, 33)) \
	ROW(290, "MOVW_PREL_G1_NC", AS(PC, A64_MOVW1, 4), ANY) \
	ROW(291, "MOVW_PREL_G2", AS(PC, A64_MOVS2, 4), FITS(SIGNED, 49)) \
	ROW(292, "MOVW_PREL_G2_NC", AS(PC, A64_MOVW2, 4), ANY) \
	ROW(293, "MOVW_PREL_G3", AS(PC, A64_MOVS3, 4), ANY) \
	ROW(294, "", GAP) \
	ROW(295, "", GAP) \
	ROW(296, "", GAP) \
	ROW(297, "", GAP) \
	ROW(298, "", GAP) \
	ROW(299, "LDST128_ABS_LO12_NC", AS(ABS, A64_LDST128, 4), ANY_BY(16)) \
	/* G(GDAT(S + A)) - GOT */ \
	ROW(300, "MOVW_GOTOFF_G0", REFUSE(LARGE_MODEL)) \
	ROW(301, "MOVW_GOTOFF_G0_NC", REFUSE(LARGE_MODEL)) \
	ROW(302, "MOVW_GOTOFF_G1", REFUSE(LARGE_MODEL)) \
	ROW(303, "MOVW_GOTOFF_G1_NC", REFUSE(LARGE_MODEL)) \
	ROW(304, "MOVW_GOTOFF_G2", REFUSE(LARGE_MODEL)) \
	ROW(305, "MOVW_GOTOFF_G2_NC", REFUSE(LARGE_MODEL)) \
	ROW(306, "MOVW_GOTOFF_G3", REFUSE(LARGE_MODEL)) \
	ROW(307, "GOTREL64", REFUSE(OTHER))                  /* S + A - GOT */ \
	ROW(308, "GOTREL32", REFUSE(OTHER)) \
	ROW(309, "GOT_LD_PREL19", REFUSE(TINY_MODEL))        /* G(GDAT(S)) - P */ \
	ROW(310, "LD64_GOTOFF_LO15", REFUSE(OTHER)) \
	/* Page(G(GDAT(S + A))) - Page(P): [32:12] */ \
	ROW(311, "ADR_GOT_PAGE", AS(GOT_PAGE, A64_ADRP, 4), FITS(SIGNED, 33), \
	    .flags = RELOC_RELAXABLE) \
	/* G(GDAT(S + A)): [11:3] */ \
	ROW(312, "LD64_GOT_LO12_NC", AS(GOT_LOW, A64_LDST64, 4), ANY_BY(8), \
	    .flags = RELOC_RELAXABLE) \
	/* G(GDAT(S + A)) - Page(GOT): [14:3] */ \
	ROW(313, "LD64_GOTPAGE_LO15", AS(GOT_PAGEOFF, A64_PAGEOFF15, 4), \
	    FITS_BY(UNSIGNED, 15, 8)) \
	ROW(314, "PLT32", AS(PC, 32, 4), FITS(SIGNED, 32),    /* S + A - P */ \
	    .flags = RELOC_BRANCH) \
	ROW(315, "GOTPCREL32", REFUSE(OTHER))                /* G(GDAT(S)) + A - P */

ROW_TABLE(rows, A64_ROWS);
#undef ROW_FIRST

#define ROW_FIRST 512
#define TLS_ROWS(ROW) \
	ROW(512, "TLSGD_ADR_PREL21", REFUSE(TLS)) \
	ROW(513, "TLSGD_ADR_PAGE21", REFUSE(TLS)) \
	ROW(514, "TLSGD_ADD_LO12_NC", REFUSE(TLS)) \
	ROW(515, "TLSGD_MOVW_G1", REFUSE(TLS)) \
	ROW(516, "TLSGD_MOVW_G0_NC", REFUSE(TLS)) \
	ROW(517, "TLSLD_ADR_PREL21", REFUSE(TLS)) \
	ROW(518, "TLSLD_ADR_PAGE21", REFUSE(TLS)) \
	ROW(519, "TLSLD_ADD_LO12_NC", REFUSE(TLS)) \
	ROW(520, "TLSLD_MOVW_G1", REFUSE(TLS)) \
	ROW(521, "TLSLD_MOVW_G0_NC", REFUSE(TLS)) \
	ROW(522, "TLSLD_LD_PREL19", REFUSE(TLS)) \
	ROW(523, "TLSLD_MOVW_DTPREL_G2", REFUSE(TLS)) \
	ROW(524, "TLSLD_MOVW_DTPREL_G1", REFUSE(TLS)) \
	ROW(525, "TLSLD_MOVW_DTPREL_G1_NC", REFUSE(TLS)) \
	ROW(526, "TLSLD_MOVW_DTPREL_G0", REFUSE(TLS)) \
	ROW(527, "TLSLD_MOVW_DTPREL_G0_NC", REFUSE(TLS)) \
	ROW(528, "TLSLD_ADD_DTPREL_HI12", REFUSE(TLS)) \
	ROW(529, "TLSLD_ADD_DTPREL_LO12", REFUSE(TLS)) \
	ROW(530, "TLSLD_ADD_DTPREL_LO12_NC", REFUSE(TLS)) \
	ROW(531, "TLSLD_LDST8_DTPREL_LO12", REFUSE(TLS)) \
	ROW(532, "TLSLD_LDST8_DTPREL_LO12_NC", REFUSE(TLS)) \
	ROW(533, "TLSLD_LDST16_DTPREL_LO12", REFUSE(TLS)) \
	ROW(534, "TLSLD_LDST16_DTPREL_LO12_NC", REFUSE(TLS)) \
	ROW(535, "TLSLD_LDST32_DTPREL_LO12", REFUSE(TLS)) \
	ROW(536, "TLSLD_LDST32_DTPREL_LO12_NC", REFUSE(TLS)) \
	ROW(537, "TLSLD_LDST64_DTPREL_LO12", REFUSE(TLS)) \
	ROW(538, "TLSLD_LDST64_DTPREL_LO12_NC", REFUSE(TLS)) \
	ROW(539, "TLSIE_MOVW_GOTTPREL_G1", REFUSE(TLS)) \
	ROW(540, "TLSIE_MOVW_GOTTPREL_G0_NC", REFUSE(TLS)) \
	ROW(541, "TLSIE_ADR_GOTTPREL_PAGE21", REFUSE(TLS)) \
	ROW(542, "TLSIE_LD64_GOTTPREL_LO12_NC", REFUSE(TLS)) \
	ROW(543, "TLSIE_LD_GOTTPREL_PREL19", REFUSE(TLS)) \
	ROW(544, "TLSLE_MOVW_TPREL_G2", REFUSE(TLS)) \
	ROW(545, "TLSLE_MOVW_TPREL_G1", REFUSE(TLS)) \
	ROW(546, "TLSLE_MOVW_TPREL_G1_NC", REFUSE(TLS)) \
	ROW(547, "TLSLE_MOVW_TPREL_G0", REFUSE(TLS)) \
	ROW(548, "TLSLE_MOVW_TPREL_G0_NC", REFUSE(TLS)) \
	ROW(549, "TLSLE_ADD_TPREL_HI12", REFUSE(TLS)) \
	ROW(550, "TLSLE_ADD_TPREL_LO12", REFUSE(TLS)) \
	ROW(551, "TLSLE_ADD_TPREL_LO12_NC", REFUSE(TLS)) \
	ROW(552, "TLSLE_LDST8_TPREL_LO12", REFUSE(TLS)) \
	ROW(553, "TLSLE_LDST8_TPREL_LO12_NC", REFUSE(TLS)) \
	ROW(554, "TLSLE_LDST16_TPREL_LO12", REFUSE(TLS)) \
	ROW(555, "TLSLE_LDST16_TPREL_LO12_NC", REFUSE(TLS)) \
	ROW(556, "TLSLE_LDST32_TPREL_LO12", REFUSE(TLS)) \
	ROW(557, "TLSLE_LDST32_TPREL_LO12_NC", REFUSE(TLS)) \
	ROW(558, "TLSLE_LDST64_TPREL_LO12", REFUSE(TLS)) \
	ROW(559, "TLSLE_LDST64_TPREL_LO12_NC", REFUSE(TLS)) \
	ROW(560, "TLSDESC_LD_PREL19", REFUSE(TLS)) \
	ROW(561, "TLSDESC_ADR_PREL21", REFUSE(TLS)) \
	ROW(562, "TLSDESC_ADR_PAGE21", REFUSE(TLS)) \
	ROW(563, "TLSDESC_LD64_LO12", REFUSE(TLS)) \
	ROW(564, "TLSDESC_ADD_LO12", REFUSE(TLS)) \
	ROW(565, "TLSDESC_OFF_G1", REFUSE(TLS)) \
	ROW(566, "TLSDESC_OFF_G0_NC", REFUSE(TLS)) \
	ROW(567, "TLSDESC_LDR", REFUSE(TLS)) \
	ROW(568, "TLSDESC_ADD", REFUSE(TLS)) \
	ROW(569, "TLSDESC_CALL", REFUSE(TLS)) \
	ROW(570, "TLSLE_LDST128_TPREL_LO12", REFUSE(TLS)) \
	ROW(571, "TLSLE_LDST128_TPREL_LO12_NC", REFUSE(TLS)) \
	ROW(572, "TLSLD_LDST128_DTPREL_LO12", REFUSE(TLS)) \
	ROW(573, "TLSLD_LDST128_DTPREL_LO12_NC", REFUSE(TLS))

ROW_TABLE(tls, TLS_ROWS);
#undef ROW_FIRST

#define ROW_FIRST 1024
#define DYNAMIC_ROWS(ROW) \
	ROW(1024, "COPY", REFUSE(COPY)) \
	ROW(1025, "GLOB_DAT", AS(DYN_SYMBOL, 64, 8), ANY)    /* S + A */ \
	ROW(1026, "JUMP_SLOT", AS(DYN_SYMBOL, 64, 8), ANY)   /* S + A */ \
	ROW(1027, "RELATIVE", AS(BASE, 64, 8), ANY)          /* Delta(S) + A */ \
	ROW(1028, "TLS_DTPMOD", REFUSE(TLS)) \
	ROW(1029, "TLS_DTPREL", REFUSE(TLS)) \
	ROW(1030, "TLS_TPREL", REFUSE(TLS)) \
	ROW(1031, "TLSDESC", REFUSE(TLS)) \
	ROW(1032, "IRELATIVE", REFUSE(IFUNC))

ROW_TABLE(dynamic, DYNAMIC_ROWS);
// clang-format on

/* Bits of the instruction under @mask become those of @imm, moved to @lsb. */
static void fill(uint8_t *place, uint32_t mask, unsigned lsb, uint64_t imm)
{
	const uint32_t old = get_le32(place) & ~mask;

	put_le32(place, old | ((uint32_t)(imm << lsb) & mask));
}

static void put_movw(uint8_t *place, uint64_t imm)
{
	fill(place, 0x1fffe0, 5, imm);
}

/* MOVZ loads @value >> @shift; MOVN, bit 30 clear, loads its complement. */
static void put_movs(uint8_t *place, unsigned shift, uint64_t value)
{
	const bool negative = value >> 63;

	fill(place, 1u << 30, 30, !negative);
	put_movw(place, (negative ? ~value : value) >> shift);
}

static void put_adr(uint8_t *place, uint64_t imm)
{
	fill(place, 0x60000000, 29, imm);
	fill(place, 0x00ffffe0, 5, imm >> 2);
}

/* Load, store and ADD take 12 bits, counted in units of 1 << @scale. */
static void put_lo12(uint8_t *place, unsigned scale, uint64_t value)
{
	fill(place, 0x3ffc00, 10, (value & 0xfff) >> scale);
}

static void put(unsigned field, uint8_t *place, uint64_t value)
{
	switch (field) {
	case FIELD_A64_MOVW0: put_movw(place, value); break;
	case FIELD_A64_MOVW1: put_movw(place, value >> 16); break;
	case FIELD_A64_MOVW2: put_movw(place, value >> 32); break;
	case FIELD_A64_MOVW3: put_movw(place, value >> 48); break;
	case FIELD_A64_MOVS0: put_movs(place, 0, value); break;
	case FIELD_A64_MOVS1: put_movs(place, 16, value); break;
	case FIELD_A64_MOVS2: put_movs(place, 32, value); break;
	case FIELD_A64_MOVS3: put_movs(place, 48, value); break;
	case FIELD_A64_ADR: put_adr(place, value); break;
	case FIELD_A64_ADRP: put_adr(place, value >> 12); break;
	case FIELD_A64_LO12: put_lo12(place, 0, value); break;
	case FIELD_A64_LDST16: put_lo12(place, 1, value); break;
	case FIELD_A64_LDST32: put_lo12(place, 2, value); break;
	case FIELD_A64_LDST64: put_lo12(place, 3, value); break;
	case FIELD_A64_LDST128: put_lo12(place, 4, value); break;
	case FIELD_A64_PAGEOFF15: fill(place, 0x3ffc00, 10, value >> 3); break;
	case FIELD_A64_BRANCH14: fill(place, 0x7ffe0, 5, value >> 2); break;
	case FIELD_A64_BRANCH19: fill(place, 0xffffe0, 5, value >> 2); break;
	case FIELD_A64_BRANCH26: fill(place, 0x3ffffff, 0, value >> 2); break;
	default: break;
	}
}

static const struct reloc_howto *direct(const struct reloc_howto *how)
{
	if (how == &rows[A64_ADR_GOT_PAGE - 256])
		return &rows[A64_ADR_PREL_PG_HI21 - 256];
	if (how == &rows[A64_LD64_GOT_LO12_NC - 256])
		return &rows[A64_ADD_ABS_LO12_NC - 256];
	return NULL;
}

/*
 * ADRP as it is; LDR Xt, [Xn, #lo12] becomes ADD Xt, Xn, #lo12. Not with
 * t = 31, which is XZR to the load and SP to the addition.
 */
static bool can_relax(const struct reloc_howto *how, const uint8_t *place,
    size_t before, int64_t addend)
{
	const uint32_t insn = get_le32(place);

	(void)before;
	(void)addend; /* the cell holds S + A, and so does the direct form */
	if (how->expr == RELOC_GOT_PAGE)
		return (insn & 0x9f000000) == 0x90000000;
	if (how->expr == RELOC_GOT_LOW)
		return (insn & 0xffc00000) == 0xf9400000 && (insn & 31) != 31;
	return false;
}

static int relax(const struct reloc_howto *how, uint8_t *place)
{
	if (how->expr == RELOC_GOT_LOW)
		put_le32(place, 0x91000000 | (get_le32(place) & 0x3ff));
	return 0;
}

/* adrp x16, cell; ldr x16, [x16, #:lo12:cell]; br x16 */
static int put_stub(uint8_t *to, uint64_t at, uint64_t cell)
{
	const struct reloc_howto *adrp = &rows[A64_ADR_PREL_PG_HI21 - 256];
	const uint64_t pages = PAGE(cell) - PAGE(at);

	if (reloc_check(adrp, pages) < 0)
		return -TN_ERANGE;
	put_le32(to, 0x90000010);
	put_le32(to + 4, 0xf9400210);
	put_le32(to + 8, 0xd61f0200);
	put(FIELD_A64_ADRP, to, pages);
	put(FIELD_A64_LDST64, to + 4, cell);
	return 0;
}

static uint64_t weak_value(const struct reloc_howto *how, uint64_t p)
{
	if (how->expr == RELOC_PC)
		return p;
	return how->expr == RELOC_PAGE ? PAGE(p) : 0;
}

static bool put_weak_branch(
    const struct reloc_howto *how, uint8_t *place, int64_t addend)
{
	(void)addend;
	if (how->field != FIELD_A64_BRANCH26)
		return false;
	put_le32(place, INSN_NOP);
	return true;
}

static const struct reloc_ops ops = {
	.put = put,
	.direct = direct,
	.can_relax = can_relax,
	.relax = relax,
	.put_stub = put_stub,
	.weak_value = weak_value,
	.put_weak_branch = put_weak_branch,
};

const struct reloc_machine reloc_aarch64 = {
	.elf_machine = EM_AARCH64,
	.stub_size = 12,
	.stub_align = 4,
	.prel_exports = true,
	.branch_reach = (1 << 27) - 4,
	.ops = &ops,
	.tables = {
		{ 256, ARRAY_SIZE(rows), rows, rows_names },
		{ 0, ARRAY_SIZE(none), none, none_names },
		{ 1024, ARRAY_SIZE(dynamic), dynamic, dynamic_names },
		{ 512, ARRAY_SIZE(tls), tls, tls_names },
	},
};
