/* SPDX-License-Identifier: MIT */
/*
 * riscv64: RISC-V ELF psABI 1.0, chapter 8 (with the ULEB128 types); the
 * instruction formats are those of the unprivileged ISA, 2.3 and 16.2.
 *
 * A 32-bit offset is split into HI20, rounded so that the sign-extended LO12
 * completes it: hence the bias of 0x800 in the rows of the upper half, and no
 * range check in those of the lower. Invariant: bits outside of a field stay.
 */
#include "encode.h"

enum {
	RV_GOT_HI20 = 20,
	RV_PCREL_HI20 = 23,
	RV_PCREL_LO12_I = 24,
};

enum {
	MASK_ITYPE = 0x707f, /* opcode and funct3 */
	INSN_LD = 0x3003,
	INSN_ADDI = 0x0013,
	OPCODE_AUIPC = 0x17,
	OPCODE_LUI = 0x37,
	RS1 = 0xf8000,
};

// clang-format off
#define HI20(how, where, bytes) \
	AS(how, where, bytes), FITS(SIGNED, 32), .bias = 0x800

#define ROW_PREFIX "R_RISCV_"
#define ROW_FIRST 0
#define RV_ROWS(ROW) \
	ROW(0, "NONE", NOTHING) \
	ROW(1, "32", AS(ABS, 32, 4), FITS(EITHER, 32))           /* S + A */ \
	ROW(2, "64", AS(ABS, 64, 8), ANY)                        /* S + A */ \
	ROW(3, "RELATIVE", AS(BASE, 64, 8), ANY)                 /* B + A */ \
	ROW(4, "COPY", REFUSE(COPY)) \
	ROW(5, "JUMP_SLOT", AS(DYN_SYMBOL, 64, 8), ANY,          /* S */ \
	    .flags = RELOC_NO_ADDEND) \
	ROW(6, "TLS_DTPMOD32", REFUSE(TLS)) \
	ROW(7, "TLS_DTPMOD64", REFUSE(TLS)) \
	ROW(8, "TLS_DTPREL32", REFUSE(TLS)) \
	ROW(9, "TLS_DTPREL64", REFUSE(TLS)) \
	ROW(10, "TLS_TPREL32", REFUSE(TLS)) \
	ROW(11, "TLS_TPREL64", REFUSE(TLS)) \
	ROW(12, "TLSDESC", REFUSE(TLS)) \
	ROW(13, "", GAP) \
	ROW(14, "", GAP) \
	ROW(15, "", GAP) \
	/* S + A - P: [12:1], [20:1] */ \
	ROW(16, "BRANCH", AS(PC, RV_B, 4), FITS_BY(SIGNED, 13, 2)) \
	ROW(17, "JAL", AS(PC, RV_J, 4), FITS_BY(SIGNED, 21, 2), \
	    .flags = RELOC_BRANCH) \
	/* S + A - P: [31:12] and [11:0] of AUIPC and JALR */ \
	ROW(18, "CALL", HI20(PC, RV_CALL, 8), .flags = RELOC_BRANCH) \
	ROW(19, "CALL_PLT", HI20(PC, RV_CALL, 8), .flags = RELOC_BRANCH) \
	ROW(20, "GOT_HI20", HI20(GOT_PC, RV_U, 4),                /* G + GOT + A - P */ \
	    .flags = RELOC_HI20 | RELOC_RELAXABLE) \
	ROW(21, "TLS_GOT_HI20", REFUSE(TLS)) \
	ROW(22, "TLS_GD_HI20", REFUSE(TLS)) \
	ROW(23, "PCREL_HI20", HI20(PC, RV_U, 4),                  /* S + A - P */ \
	    .flags = RELOC_HI20) \
	ROW(24, "PCREL_LO12_I", AS(PAIR_LOW, RV_I, 4), ANY)      /* S - P of the HI20 */ \
	ROW(25, "PCREL_LO12_S", AS(PAIR_LOW, RV_S, 4), ANY) \
	ROW(26, "HI20", HI20(ABS, RV_U, 4))                      /* S + A */ \
	ROW(27, "LO12_I", AS(ABS, RV_I, 4), ANY) \
	ROW(28, "LO12_S", AS(ABS, RV_S, 4), ANY) \
	ROW(29, "TPREL_HI20", REFUSE(TLS)) \
	ROW(30, "TPREL_LO12_I", REFUSE(TLS)) \
	ROW(31, "TPREL_LO12_S", REFUSE(TLS)) \
	ROW(32, "TPREL_ADD", REFUSE(TLS)) \
	ROW(33, "ADD8", AS(ADD, RV_ADD8, 1), ANY)                /* V + S + A */ \
	ROW(34, "ADD16", AS(ADD, RV_ADD16, 2), ANY) \
	ROW(35, "ADD32", AS(ADD, RV_ADD32, 4), ANY) \
	ROW(36, "ADD64", AS(ADD, RV_ADD64, 8), ANY) \
	ROW(37, "SUB8", AS(SUB, RV_SUB8, 1), ANY)                /* V - S - A */ \
	ROW(38, "SUB16", AS(SUB, RV_SUB16, 2), ANY) \
	ROW(39, "SUB32", AS(SUB, RV_SUB32, 4), ANY) \
	ROW(40, "SUB64", AS(SUB, RV_SUB64, 8), ANY) \
	ROW(41, "GOT32_PCREL", REFUSE(OTHER))                    /* G + GOT + A - P */ \
	ROW(42, "", GAP) \
	ROW(43, "ALIGN", .expr = RELOC_ALIGN, ANY) \
	/* S + A - P: [8:1], [11:1] */ \
	ROW(44, "RVC_BRANCH", AS(PC, RV_CB, 2), FITS_BY(SIGNED, 9, 2)) \
	ROW(45, "RVC_JUMP", AS(PC, RV_CJ, 2), FITS_BY(SIGNED, 12, 2)) \
	ROW(46, "RVC_LUI", AS(ABS, RV_CLUI, 2),                   /* S + A: [17:12] */ \
	    FITS(SIGNED, 18), .bias = 0x800) \
	ROW(47, "GPREL_I", REFUSE(OTHER))                        /* ld's own */ \
	ROW(48, "GPREL_S", REFUSE(OTHER)) \
	ROW(49, "TPREL_I", REFUSE(TLS)) \
	ROW(50, "TPREL_S", REFUSE(TLS)) \
	ROW(51, "RELAX", NOTHING) \
	ROW(52, "SUB6", AS(SUB, RV_SUB6, 1), ANY)                /* V - S - A */ \
	ROW(53, "SET6", AS(ABS, RV_SET6, 1), ANY)                /* S + A */ \
	ROW(54, "SET8", AS(ABS, 8, 1), ANY) \
	ROW(55, "SET16", AS(ABS, 16, 2), ANY) \
	ROW(56, "SET32", AS(ABS, 32, 4), ANY) \
	ROW(57, "32_PCREL", AS(PC, 32, 4), FITS(SIGNED, 32))     /* S + A - P */ \
	ROW(58, "IRELATIVE", REFUSE(IFUNC)) \
	ROW(59, "PLT32", AS(PC, 32, 4), FITS(SIGNED, 32),         /* S + A - P */ \
	    .flags = RELOC_BRANCH) \
	ROW(60, "SET_ULEB128", AS(SET_ULEB, NONE, 1), ANY)       /* S + A */ \
	ROW(61, "SUB_ULEB128", AS(SUB_ULEB, NONE, 1), ANY)       /* V - S - A */ \
	ROW(62, "TLSDESC_HI20", REFUSE(TLS)) \
	ROW(63, "TLSDESC_LOAD_LO12", REFUSE(TLS)) \
	ROW(64, "TLSDESC_ADD_LO12", REFUSE(TLS)) \
	ROW(65, "TLSDESC_CALL", REFUSE(TLS))

ROW_TABLE(rows, RV_ROWS);
#undef ROW_FIRST

#define ROW_FIRST 191
#define VENDOR_ROWS(ROW) \
	ROW(191, "VENDOR", REFUSE(OTHER))

ROW_TABLE(vendor, VENDOR_ROWS);
// clang-format on

/* @count bits of @value from bit @from, moved to bit @to. */
static uint32_t bits(uint64_t value, unsigned from, unsigned count, unsigned to)
{
	return (uint32_t)(value >> from & ((1u << count) - 1)) << to;
}

static void fill32(uint8_t *place, uint32_t mask, uint32_t imm)
{
	put_le32(place, (get_le32(place) & ~mask) | imm);
}

static void fill16(uint8_t *place, uint32_t mask, uint32_t imm)
{
	put_le16(place, (uint16_t)((get_le16(place) & ~mask) | imm));
}

/* imm[31:12] in [31:12], so that the signed low 12 bits complete @v. */
static void put_u(uint8_t *place, uint64_t v)
{
	fill32(place, 0xfffff000, bits(v + 0x800, 12, 20, 12));
}

/* imm[11:0] in [31:20] */
static void put_i(uint8_t *place, uint64_t v)
{
	fill32(place, 0xfff00000, bits(v, 0, 12, 20));
}

/* imm[11:5] in [31:25], imm[4:0] in [11:7] */
static void put_s(uint8_t *place, uint64_t v)
{
	fill32(place, 0xfe000f80, bits(v, 5, 7, 25) | bits(v, 0, 5, 7));
}

/* imm[12|10:5] in [31:25], imm[4:1|11] in [11:7] */
static void put_b(uint8_t *place, uint64_t v)
{
	fill32(place, 0xfe000f80,
	    bits(v, 12, 1, 31) | bits(v, 5, 6, 25) | bits(v, 1, 4, 8) |
		bits(v, 11, 1, 7));
}

/* imm[20|10:1|11|19:12] in [31:12] */
static void put_j(uint8_t *place, uint64_t v)
{
	fill32(place, 0xfffff000,
	    bits(v, 20, 1, 31) | bits(v, 1, 10, 21) | bits(v, 11, 1, 20) |
		bits(v, 12, 8, 12));
}

/* imm[8|4:3] in [12:10], imm[7:6|2:1|5] in [6:2] */
static void put_cb(uint8_t *place, uint64_t v)
{
	fill16(place, 0x1c7c,
	    bits(v, 8, 1, 12) | bits(v, 3, 2, 10) | bits(v, 6, 2, 5) |
		bits(v, 1, 2, 3) | bits(v, 5, 1, 2));
}

/* imm[11|4|9:8|10|6|7|3:1|5] in [12:2] */
static void put_cj(uint8_t *place, uint64_t v)
{
	fill16(place, 0x1ffc,
	    bits(v, 11, 1, 12) | bits(v, 4, 1, 11) | bits(v, 8, 2, 9) |
		bits(v, 10, 1, 8) | bits(v, 6, 1, 7) | bits(v, 7, 1, 6) |
		bits(v, 1, 3, 3) | bits(v, 5, 1, 2));
}

/*
 * imm[17] in [12], imm[16:12] in [6:2]. C.LUI of zero is reserved; C.LI, with
 * bit 13 clear, does the same.
 */
static void put_clui(uint8_t *place, uint64_t v)
{
	const uint32_t imm =
	    bits(v + 0x800, 17, 1, 12) | bits(v + 0x800, 12, 5, 2);

	fill16(place, imm ? 0x107c : 0x307c, imm);
}

static void put_low6(uint8_t *place, uint64_t v)
{
	*place = (uint8_t)((*place & 0xc0) | (v & 0x3f));
}

static void put(unsigned field, uint8_t *place, uint64_t v)
{
	switch (field) {
	case FIELD_RV_B: put_b(place, v); break;
	case FIELD_RV_J: put_j(place, v); break;
	case FIELD_RV_CALL:
		put_u(place, v);
		put_i(place + 4, v);
		break;
	case FIELD_RV_U: put_u(place, v); break;
	case FIELD_RV_I: put_i(place, v); break;
	case FIELD_RV_S: put_s(place, v); break;
	case FIELD_RV_CB: put_cb(place, v); break;
	case FIELD_RV_CJ: put_cj(place, v); break;
	case FIELD_RV_CLUI: put_clui(place, v); break;
	case FIELD_RV_ADD8: *place = (uint8_t)(*place + v); break;
	case FIELD_RV_ADD16:
		put_le16(place, (uint16_t)(get_le16(place) + v));
		break;
	case FIELD_RV_ADD32:
		put_le32(place, (uint32_t)(get_le32(place) + v));
		break;
	case FIELD_RV_ADD64: put_le64(place, get_le64(place) + v); break;
	case FIELD_RV_SUB8: *place = (uint8_t)(*place - v); break;
	case FIELD_RV_SUB16:
		put_le16(place, (uint16_t)(get_le16(place) - v));
		break;
	case FIELD_RV_SUB32:
		put_le32(place, (uint32_t)(get_le32(place) - v));
		break;
	case FIELD_RV_SUB64: put_le64(place, get_le64(place) - v); break;
	case FIELD_RV_SUB6: put_low6(place, *place - v); break;
	case FIELD_RV_SET6: put_low6(place, v); break;
	default: break;
	}
}

static bool is_auipc(const uint8_t *place)
{
	return (get_le32(place) & 0x7f) == OPCODE_AUIPC;
}

static const struct reloc_howto *direct(const struct reloc_howto *how)
{
	if (how == &rows[RV_GOT_HI20])
		return &rows[RV_PCREL_HI20];
	return how == &rows[RV_PCREL_LO12_I] ? how : NULL;
}

/*
 * auipc as it is; ld rd, lo(rs) becomes addi rd, rs, lo. A is not part of what
 * the cell holds, so only A = 0 means the same in both forms.
 */
static bool can_relax(const struct reloc_howto *how, const uint8_t *place,
    size_t before, int64_t addend)
{
	(void)before;
	if (addend != 0)
		return false;
	if (how == &rows[RV_GOT_HI20])
		return is_auipc(place);
	return how == &rows[RV_PCREL_LO12_I] &&
	       (get_le32(place) & MASK_ITYPE) == INSN_LD;
}

static int relax(const struct reloc_howto *how, uint8_t *place)
{
	if (how == &rows[RV_PCREL_LO12_I])
		fill32(place, MASK_ITYPE, INSN_ADDI);
	return 0;
}

/* auipc t3, %hi; ld t3, %lo(t3); jr t3 */
static int put_stub(uint8_t *to, uint64_t at, uint64_t cell)
{
	const uint64_t offset = cell - at;

	if (reloc_check(&rows[RV_PCREL_HI20], offset) < 0)
		return -TN_ERANGE;
	put_le32(to, 0x00000e17);
	put_le32(to + 4, 0x000e3e03);
	put_le32(to + 8, 0x000e0067);
	put_u(to, offset);
	put_i(to + 4, offset);
	return 0;
}

/*
 * CALL: auipc loads a value that nobody uses, and jalr jumps to x0 + A, which
 * is 0 unless there is an addend.
 */
static bool put_weak_branch(
    const struct reloc_howto *how, uint8_t *place, int64_t addend)
{
	if (how->field != FIELD_RV_CALL ||
	    reloc_check(how, (uint64_t)addend) < 0)
		return false;
	put(FIELD_RV_CALL, place, (uint64_t)addend);
	fill32(place + 4, RS1, 0);
	return true;
}

static bool make_absolute(const struct reloc_howto *how, uint8_t *place)
{
	if (how != &rows[RV_PCREL_HI20] || !is_auipc(place))
		return false;
	fill32(place, 0x7f, OPCODE_LUI);
	return true;
}

static const struct reloc_ops ops = {
	.put = put,
	.direct = direct,
	.can_relax = can_relax,
	.relax = relax,
	.put_stub = put_stub,
	.put_weak_branch = put_weak_branch,
	.make_absolute = make_absolute,
};

const struct reloc_machine reloc_riscv64 = {
	.elf_machine = EM_RISCV,
	.stub_size = 12,
	.stub_align = 4,
	.branch_reach = 0x7ffff000,
	.ops = &ops,
	.tables = {
		{ 0, ARRAY_SIZE(rows), rows, rows_names },
		{ 191, ARRAY_SIZE(vendor), vendor, vendor_names },
	},
};
