/* SPDX-License-Identifier: MIT */
/*
 * Instructions and relocation types of the machines: see isa.h. Numbers are
 * those of the psABIs, written out here again on purpose: a test that took
 * them from the encoders could not find them wrong.
 */
#include "isa.h"

#include <stddef.h>

#include <host/machine.h>

const struct isa isas[3] = {
	{
	    .machine = EM_X86_64,
	    .name = "x86_64",
	    .abs64 = 1,
	    .prel32 = 2,
	    .branch = 4, /* PLT32 */
	    .branch_addend = -4,
	    .branch_at = 1,
	    .branch_name = "R_X86_64_PLT32",
	    .stub_size = 8,
	    .reach = UINT64_C(1) << 31,
	    .relative = 8,
	    .glob_dat = 6,
	    .jump_slot = 7,
	    .tls = 23, /* TPOFF32 */
	    .ifunc = 37,
	},
	{
	    .machine = EM_AARCH64,
	    .name = "aarch64",
	    .abs64 = 257,
	    .prel32 = 261,
	    .branch = 282, /* JUMP26 */
	    .branch_name = "R_AARCH64_JUMP26",
	    .stub_size = 12,
	    .reach = UINT64_C(1) << 27,
	    .relative = 1027,
	    .glob_dat = 1025,
	    .jump_slot = 1026,
	    .tls = 549, /* TLSLE_ADD_TPREL_HI12 */
	    .ifunc = 1032,
	},
	{
	    .machine = EM_RISCV,
	    .name = "riscv64",
	    .abs64 = 2,
	    .prel32 = 57, /* 32_PCREL */
	    .branch = 19, /* CALL_PLT */
	    .branch_name = "R_RISCV_CALL_PLT",
	    .stub_size = 12,
	    .reach = UINT64_C(1) << 31,
	    .relative = 3,
	    .glob_dat = 2, /* has none of its own */
	    .jump_slot = 5,
	    .tls = 29, /* TPREL_HI20 */
	    .ifunc = 58,
	},
};

const struct isa *isa_of(unsigned machine)
{
	for (unsigned i = 0; i < 3; i++)
		if (isas[i].machine == machine)
			return &isas[i];
	return NULL;
}

const struct isa *isa_here(void)
{
	return isa_of(host_machine.elf_machine);
}

uint64_t isa_jump(struct object *o, uint32_t text, uint32_t symbol)
{
	const struct isa *isa = isa_of(object_machine(o));
	static const uint8_t x86[8] = { 0xe9, 0, 0, 0, 0, 0xcc, 0xcc, 0xcc };
	uint64_t at;

	switch (isa->machine) {
	case EM_X86_64: at = object_add(o, text, x86, sizeof(x86)); break;
	case EM_AARCH64:
		at = object_add32(o, text, 0x14000000); /* b */
		object_add32(o, text, 0xd4200000);      /* brk */
		break;
	default:
		at = object_add32(o, text, 0x00000317); /* auipc t1, 0 */
		object_add32(o, text, 0x00030067);      /* jr t1 */
		break;
	}
	object_rela(o, text,
	    (struct object_fix){
		at + isa->branch_at, isa->branch, symbol, isa->branch_addend });
	return at;
}

static uint64_t got_x86(struct object *o, uint32_t text, uint32_t symbol)
{
	/* mov symbol@GOTPCREL(%rip), %rax; ret; int3 ... */
	static const uint8_t code[16] = { 0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3,
		0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc };
	const uint64_t at = object_add(o, text, code, sizeof(code));

	object_rela(o, text, (struct object_fix){ at + 3, 42, symbol, -4 });
	return at;
}

static uint64_t got_aarch64(struct object *o, uint32_t text, uint32_t symbol)
{
	const uint64_t at = object_add32(o, text, 0x90000000); /* adrp x0 */

	object_add32(o, text, 0xf9400000); /* ldr x0, [x0] */
	object_add32(o, text, 0xd65f03c0); /* ret */
	object_add32(o, text, 0xd4200000); /* brk */
	object_rela(o, text, (struct object_fix){ at, 311, symbol, 0 });
	object_rela(o, text, (struct object_fix){ at + 4, 312, symbol, 0 });
	return at;
}

static uint64_t got_riscv(struct object *o, uint32_t text, uint32_t symbol)
{
	const uint64_t at = object_add32(o, text, 0x00000517); /* auipc a0 */
	const uint32_t label = object_symbol(
	    o, ".L0", OBJECT_SYM(STB_LOCAL, STT_NOTYPE), text, at);

	object_add32(o, text, 0x00053503); /* ld a0, 0(a0) */
	object_add32(o, text, 0x00008067); /* ret */
	object_add32(o, text, 0x00100073); /* ebreak */
	object_rela(o, text, (struct object_fix){ at, 20, symbol, 0 });
	object_rela(o, text, (struct object_fix){ at + 4, 24, label, 0 });
	return at;
}

uint64_t isa_got(struct object *o, uint32_t text, uint32_t symbol)
{
	switch (object_machine(o)) {
	case EM_X86_64: return got_x86(o, text, symbol);
	case EM_AARCH64: return got_aarch64(o, text, symbol);
	default: return got_riscv(o, text, symbol);
	}
}

uint64_t isa_return(struct object *o, uint32_t text)
{
	static const uint8_t x86[8] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
		0xcc, 0xcc };
	uint64_t at;

	switch (object_machine(o)) {
	case EM_X86_64: return object_add(o, text, x86, sizeof(x86));
	case EM_AARCH64: at = object_add32(o, text, 0xd65f03c0); break;
	default: at = object_add32(o, text, 0x00008067); break;
	}
	object_add32(o, text, 0);
	return at;
}

/* --- reading what the engine has made of them */

static int64_t sign(uint64_t v, unsigned bits)
{
	const uint64_t top = UINT64_C(1) << (bits - 1);

	return (int64_t)((v & (2 * top - 1)) ^ top) - (int64_t)top;
}

static uint64_t page_of(uint64_t x)
{
	return x & ~UINT64_C(0xfff);
}

/* auipc at @p, and the signed 12 bits of the instruction behind it */
static uint64_t riscv_pair(const uint8_t *p, uint64_t at)
{
	const uint64_t high = get_le32(p) & 0xfffff000;
	const uint64_t low = get_le32(p + 4) >> 20;

	return at + (uint64_t)sign(high, 32) + (uint64_t)sign(low, 12);
}

static uint64_t aarch64_page(const uint8_t *p, uint64_t at)
{
	const uint32_t i = get_le32(p);
	const uint64_t imm = (i >> 5 & 0x7ffff) << 2 | (i >> 29 & 3);

	return page_of(at) + ((uint64_t)sign(imm, 21) << 12);
}

uint64_t isa_branch_target(const struct isa *isa, const uint8_t *p, uint64_t at)
{
	switch (isa->machine) {
	case EM_X86_64:
		return *p == 0xe9 ? at + 5 + (uint64_t)sign(get_le32(p + 1), 32)
				  : 0;
	case EM_AARCH64:
		return get_le32(p) >> 26 == 5
			   ? at + ((uint64_t)sign(get_le32(p), 26) << 2)
			   : 0;
	default: return (get_le32(p) & 0x7f) == 0x17 ? riscv_pair(p, at) : 0;
	}
}

uint64_t isa_stub_cell(const struct isa *isa, const uint8_t *p, uint64_t at)
{
	switch (isa->machine) {
	case EM_X86_64:
		return p[0] == 0xff && p[1] == 0x25
			   ? at + 6 + (uint64_t)sign(get_le32(p + 2), 32)
			   : 0;
	case EM_AARCH64:
		return (get_le32(p) & 0x9f00001f) == 0x90000010 &&
			       get_le32(p + 8) == 0xd61f0200
			   ? aarch64_page(p, at) +
				 (get_le32(p + 4) >> 10 & 0xfff) * 8
			   : 0;
	default:
		return (get_le32(p) & 0xfff) == 0xe17 &&
			       get_le32(p + 8) == 0x000e0067
			   ? riscv_pair(p, at)
			   : 0;
	}
}

bool isa_is_got_load(const struct isa *isa, const uint8_t *p)
{
	switch (isa->machine) {
	case EM_X86_64: return p[1] == 0x8b;
	case EM_AARCH64: return (get_le32(p + 4) & 0xffc00000) == 0xf9400000;
	default: return (get_le32(p + 4) & 0x707f) == 0x3003;
	}
}

uint64_t isa_got_target(const struct isa *isa, const uint8_t *p, uint64_t at)
{
	switch (isa->machine) {
	case EM_X86_64: return at + 7 + (uint64_t)sign(get_le32(p + 3), 32);
	case EM_AARCH64:
		return aarch64_page(p, at) +
		       (get_le32(p + 4) >> 10 & 0xfff) *
			   (isa_is_got_load(isa, p) ? 8 : 1);
	default: return riscv_pair(p, at);
	}
}
