/* SPDX-License-Identifier: MIT */
/*
 * x86_64: System V psABI AMD64 1.0, section 4.4 (relocation types) and B.2
 * (optimised GOTPCRELX). All fields are plain words, so the table is nearly
 * everything. Overflow rules are ld's: 8 and 16 bits may be read as signed or
 * unsigned, 32 is unsigned, 32S and all that is relative to P are signed.
 */
#include "encode.h"

enum {
	X86_PC32 = 2,
	X86_GOTPCREL = 9,
};

#define ROW_PREFIX "R_X86_64_"
#define ROW_FIRST  0

// clang-format off
#define X86_ROWS(ROW) \
	ROW(0, "NONE", NOTHING) \
	ROW(1, "64", AS(ABS, 64, 8), ANY)                       /* S + A */ \
	ROW(2, "PC32", AS(PC, 32, 4), FITS(SIGNED, 32))         /* S + A - P */ \
	ROW(3, "GOT32", REFUSE(OTHER))                          /* G + A */ \
	ROW(4, "PLT32", AS(PC, 32, 4), FITS(SIGNED, 32),         /* L + A - P */ \
	    .flags = RELOC_BRANCH) \
	ROW(5, "COPY", REFUSE(COPY)) \
	ROW(6, "GLOB_DAT", AS(DYN_SYMBOL, 64, 8), ANY,          /* S */ \
	    .flags = RELOC_NO_ADDEND) \
	ROW(7, "JUMP_SLOT", AS(DYN_SYMBOL, 64, 8), ANY,         /* S */ \
	    .flags = RELOC_NO_ADDEND) \
	ROW(8, "RELATIVE", AS(BASE, 64, 8), ANY)                /* B + A */ \
	ROW(9, "GOTPCREL", AS(GOT_PC, 32, 4), FITS(SIGNED, 32),  /* G + GOT + A - P */ \
	    .flags = RELOC_RELAXABLE) \
	ROW(10, "32", AS(ABS, 32, 4), FITS(UNSIGNED, 32))       /* S + A */ \
	ROW(11, "32S", AS(ABS, 32, 4), FITS(SIGNED, 32))        /* S + A */ \
	ROW(12, "16", AS(ABS, 16, 2), FITS(EITHER, 16))         /* S + A */ \
	ROW(13, "PC16", AS(PC, 16, 2), FITS(EITHER, 16))        /* S + A - P */ \
	ROW(14, "8", AS(ABS, 8, 1), FITS(EITHER, 8))            /* S + A */ \
	ROW(15, "PC8", AS(PC, 8, 1), FITS(SIGNED, 8))           /* S + A - P */ \
	ROW(16, "DTPMOD64", REFUSE(TLS)) \
	ROW(17, "DTPOFF64", REFUSE(TLS)) \
	ROW(18, "TPOFF64", REFUSE(TLS)) \
	ROW(19, "TLSGD", REFUSE(TLS)) \
	ROW(20, "TLSLD", REFUSE(TLS)) \
	ROW(21, "DTPOFF32", REFUSE(TLS)) \
	ROW(22, "GOTTPOFF", REFUSE(TLS)) \
	ROW(23, "TPOFF32", REFUSE(TLS)) \
	ROW(24, "PC64", AS(PC, 64, 8), ANY)                     /* S + A - P */ \
	ROW(25, "GOTOFF64", REFUSE(FAR_DATA))                   /* S + A - GOT */ \
	ROW(26, "GOTPC32", REFUSE(MEDIUM_MODEL))                /* GOT + A - P */ \
	ROW(27, "GOT64", REFUSE(LARGE_MODEL))                   /* G + A */ \
	ROW(28, "GOTPCREL64", REFUSE(LARGE_MODEL))              /* G + GOT - P + A */ \
	ROW(29, "GOTPC64", REFUSE(LARGE_MODEL))                 /* GOT - P + A */ \
	ROW(30, "GOTPLT64", REFUSE(LARGE_MODEL))                /* G + A */ \
	ROW(31, "PLTOFF64", REFUSE(LARGE_MODEL))                /* L - GOT + A */ \
	ROW(32, "SIZE32", REFUSE(OTHER))                        /* Z + A */ \
	ROW(33, "SIZE64", REFUSE(OTHER))                        /* Z + A */ \
	ROW(34, "GOTPC32_TLSDESC", REFUSE(TLS)) \
	ROW(35, "TLSDESC_CALL", REFUSE(TLS)) \
	ROW(36, "TLSDESC", REFUSE(TLS)) \
	ROW(37, "IRELATIVE", REFUSE(IFUNC)) \
	ROW(38, "RELATIVE64", REFUSE(OTHER))                    /* x32 only */ \
	ROW(39, "PC32_BND", REFUSE(OTHER))                      /* withdrawn */ \
	ROW(40, "PLT32_BND", REFUSE(OTHER))                     /* withdrawn */ \
	ROW(41, "GOTPCRELX", AS(GOT_PC, 32, 4), FITS(SIGNED, 32), /* as GOTPCREL */ \
	    .flags = RELOC_RELAXABLE) \
	ROW(42, "REX_GOTPCRELX", AS(GOT_PC, 32, 4), FITS(SIGNED, 32), \
	    .flags = RELOC_RELAXABLE) \
	ROW(43, "CODE_4_GOTPCRELX", REFUSE(OTHER))              /* APX, as the rest */ \
	ROW(44, "CODE_4_GOTTPOFF", REFUSE(TLS)) \
	ROW(45, "CODE_4_GOTPC32_TLSDESC", REFUSE(TLS)) \
	ROW(46, "CODE_5_GOTPCRELX", REFUSE(OTHER)) \
	ROW(47, "CODE_5_GOTTPOFF", REFUSE(TLS)) \
	ROW(48, "CODE_5_GOTPC32_TLSDESC", REFUSE(TLS)) \
	ROW(49, "CODE_6_GOTPCRELX", REFUSE(OTHER)) \
	ROW(50, "CODE_6_GOTTPOFF", REFUSE(TLS)) \
	ROW(51, "CODE_6_GOTPC32_TLSDESC", REFUSE(TLS))

ROW_TABLE(rows, X86_ROWS);
// clang-format on

static const struct reloc_howto *direct(const struct reloc_howto *how)
{
	return how->expr == RELOC_GOT_PC ? &rows[X86_PC32] : NULL;
}

/*
 * The forms that ld relaxes in position-independent output:
 *	8b /r     mov cell(%rip), reg    of all three types
 *	ff 15     call *cell(%rip)       of the two X types
 *	ff 25     jmp *cell(%rip)        of the two X types
 * The displacement must end the instruction: A = -4. (In a fixed-position
 * executable ld also knows forms with the address as an immediate, which would
 * tie the module to the low 2 GiB.)
 */
static bool can_relax(const struct reloc_howto *how, const uint8_t *place,
    size_t before, int64_t addend)
{
	uint8_t opcode, modrm;

	if (how->expr != RELOC_GOT_PC || before < 2 || addend != -4)
		return false;
	opcode = place[-2];
	modrm = place[-1];
	if (opcode == 0x8b)
		return (modrm & 0xc7) == 0x05; /* disp32(%rip) */
	if (how == &rows[X86_GOTPCREL])
		return false;
	return opcode == 0xff && (modrm == 0x15 || modrm == 0x25);
}

static int relax(const struct reloc_howto *how, uint8_t *place)
{
	(void)how;
	if (place[-2] == 0x8b) {
		place[-2] = 0x8d; /* lea */
		return 0;
	}
	if (place[-1] == 0x15) {
		place[-2] = 0x67; /* addr32, the longer call's filling */
		place[-1] = 0xe8;
		return 0;
	}
	place[-2] = 0xe9; /* jmp rel32; nop */
	place[3] = 0x90;
	return -1;
}

/*
 * jmp *cell(%rip), and two int3: at eight bytes a stub never crosses a line of
 * the instruction cache, and speculation past the jump stops at once.
 */
static int put_stub(uint8_t *to, uint64_t at, uint64_t cell)
{
	const uint64_t disp = cell - (at + 6);

	if (reloc_check(&rows[X86_PC32], disp) < 0)
		return -TN_ERANGE;
	to[0] = 0xff;
	to[1] = 0x25;
	put_le32(to + 2, (uint32_t)disp);
	to[6] = 0xcc;
	to[7] = 0xcc;
	return 0;
}

static const struct reloc_ops ops = {
	.direct = direct,
	.can_relax = can_relax,
	.relax = relax,
	.put_stub = put_stub,
};

const struct reloc_machine reloc_x86_64 = {
	.elf_machine = EM_X86_64,
	.stub_size = 8,
	.stub_align = 8,
	.branch_end = 4,
	.prel_exports = true,
	.branch_reach = 0x7ffff000,
	.ops = &ops,
	.tables = { { 0, ARRAY_SIZE(rows), rows, rows_names } },
};
