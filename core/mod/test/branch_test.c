/* SPDX-License-Identifier: MIT */
/*
 * Branches: direct where they reach, through one stub per target where they do
 * not, backwards as far as forwards, and what becomes of calls to nobody. And
 * the rule for all relocations: checked first, written after.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include "world.h"

#define AT  UINT64_C(0x40000000000)
#define FAR UINT64_C(0x700000000000)

static bool open_with(struct world *w, uint64_t at, uint64_t target)
{
	static struct tn_export e = { .name = "target" };

	e.addr = (const void *)(uintptr_t)target;
	return world_offline(w, at, &e, 1);
}

/* Links one isa_jump at @at to @target; the jump, the stubs and the GOT. */
struct jump {
	struct tn_linked_section text, stubs, got;
	uint64_t goes_to;
};

static int link_jumps(struct world *w, const struct isa *isa, unsigned n,
    struct tn_linked **linked, struct jump *j)
{
	struct author a = author_new(isa->machine, "jump");
	int err;

	for (unsigned i = 0; i < n; i++)
		isa_jump(a.o, a.text, object_undefined(a.o, "target"));
	err = world_link(w, a.o, linked);
	if (err == 0) {
		j->text = world_section(*linked, ".text");
		j->stubs = world_section(*linked, ".tenon.stubs");
		j->got = world_section(*linked, ".tenon.got");
		j->goes_to =
		    isa_branch_target(isa, j->text.bytes, j->text.addr);
	}
	author_free(&a);
	return err;
}

static void reaches(const struct isa *isa, uint64_t target)
{
	struct tn_linked *linked;
	struct world w;
	struct jump j;

	CHECK(open_with(&w, AT, target));
	CHECK_EQ(link_jumps(&w, isa, 1, &linked, &j), 0);
	CHECK_EQ(j.stubs.size, 0);
	CHECK_EQ(j.got.size, 0);
	CHECK_EQ(j.goes_to, target);
	tn_linked_free(linked);
	CHECK(world_close(&w));
}

/* The traps: ranges checked in one direction, or with the wrong sign. */
TEST(branch, goes_straight_to_what_it_reaches_on_both_sides)
{
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t most = isas[i].reach - 0x1000;

		reaches(&isas[i], AT + 0x10000);
		reaches(&isas[i], AT - 0x10000);
		reaches(&isas[i], AT + most);
		reaches(&isas[i], AT - most);
	}
}

static void needs_stub(const struct isa *isa, uint64_t target)
{
	struct tn_linked *linked;
	struct world w;
	struct jump j;

	CHECK(open_with(&w, AT, target));
	CHECK_EQ(link_jumps(&w, isa, 3, &linked, &j), 0);
	CHECK_EQ(j.stubs.size, isa->stub_size);
	CHECK_EQ(j.got.size, 8);
	CHECK_EQ(j.goes_to, j.stubs.addr);
	for (unsigned i = 1; i < 3; i++)
		CHECK_EQ(isa_branch_target(
			     isa, j.text.bytes + i * 8, j.text.addr + i * 8),
		    j.stubs.addr);
	CHECK_EQ(isa_stub_cell(isa, j.stubs.bytes, j.stubs.addr), j.got.addr);
	CHECK_EQ(get_le64(j.got.bytes), target);
	tn_linked_free(linked);
	CHECK(world_close(&w));
}

/* The address stands in a cell of its own, in no stub's instructions. */
TEST(branch, beyond_its_reach_goes_through_one_stub_for_all)
{
	PROVES("K5.7");
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t past = isas[i].reach + 0x1000;

		needs_stub(&isas[i], AT + past);
		needs_stub(&isas[i], AT - past);
		needs_stub(&isas[i], FAR);
	}
}

/* A jump with 1 MiB of reach gets a stub too (riscv JAL). */
TEST(branch, of_short_reach_is_looked_at_by_place)
{
	for (int far = 0; far < 2; far++) {
		const uint64_t target = AT + (far ? 0x100000 : 0xffffe);
		struct author a = author_new(EM_RISCV, "jal");
		struct tn_linked_section text, stubs;
		struct tn_linked *linked;
		struct world w;

		CHECK(open_with(&w, AT, target));
		object_add32(a.o, a.text, 0x0000006f); /* jal x0, 0 */
		object_rela(a.o, a.text,
		    (struct object_fix){
			0, 17, object_undefined(a.o, "target"), 0 });
		CHECK_EQ(world_link(&w, a.o, &linked), 0);
		text = world_section(linked, ".text");
		stubs = world_section(linked, ".tenon.stubs");
		CHECK_EQ(stubs.size, far ? 12 : 0);
		CHECK_EQ(get_le32(text.bytes), far ? 0x0040006fu : 0x7ffff06fu);
		tn_linked_free(linked);
		author_free(&a);
		CHECK(world_close(&w));
	}
}

/*
 * An absolute symbol beyond reach that a GOT access refers to as well: its
 * cell is no reason for a stub, for which no room has been made.
 */
TEST(branch, to_an_absolute_symbol_has_no_stub)
{
	struct world w;

	CHECK(open_with(&w, AT, FAR));
	for (unsigned i = 0; i < 3; i++) {
		struct author a = author_new(isas[i].machine, "absolute");
		const uint32_t symbol = object_symbol(a.o, "absolute",
		    OBJECT_SYM(STB_LOCAL, STT_NOTYPE), SHN_ABS, FAR);

		isa_got(a.o, a.text, symbol);
		isa_jump(a.o, a.text, symbol);
		CHECK_EQ(world_link(&w, a.o, &(struct tn_linked *){ NULL }),
		    -TN_ERANGE);
		CHECK_EQ(w.diag.reason, TN_REASON_RELOC_RANGE);
		CHECK_STR(w.diag.reloc, isas[i].branch_name);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* Different addends are different places. */
TEST(branch, stubs_are_shared_by_symbol_and_addend)
{
	struct author a = author_new(EM_X86_64, "addends");
	const uint32_t target = object_undefined(a.o, "target");
	struct tn_linked *linked;
	struct world w;

	CHECK(open_with(&w, AT, FAR));
	for (unsigned i = 0; i < 4; i++) {
		static const uint8_t call[5] = { 0xe8 };
		const uint64_t at = object_add(a.o, a.text, call, sizeof(call));

		object_rela(a.o, a.text,
		    (struct object_fix){ at + 1, 4, target, i % 2 ? 12 : -4 });
	}
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(world_section(linked, ".tenon.stubs").size, 16);
	CHECK_EQ(world_section(linked, ".tenon.got").size, 16);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* As a conventional linker links a call to nobody (static). */
TEST(branch, to_a_weak_nobody_does_what_the_linker_does)
{
	for (unsigned i = 0; i < 3; i++) {
		const struct isa *isa = &isas[i];
		struct author a = author_new(isa->machine, "weak");
		struct tn_linked_section text, got;
		struct tn_linked *linked;
		struct world w;

		CHECK(open_with(&w, AT, FAR));
		isa_jump(a.o, a.text,
		    object_symbol(a.o, "nobody", OBJECT_SYM(STB_WEAK, STT_FUNC),
			SHN_UNDEF, 0));
		CHECK_EQ(world_link(&w, a.o, &linked), 0);
		text = world_section(linked, ".text");
		got = world_section(linked, ".tenon.got");
		if (isa->machine == EM_X86_64) {
			/* to 0, which is out of reach: a cell says it */
			CHECK_EQ(got.size, 8);
			CHECK_EQ(get_le64(got.bytes), 0);
		} else {
			CHECK_EQ(got.size, 0);
		}
		if (isa->machine == EM_AARCH64)
			CHECK_EQ(get_le32(text.bytes), 0xd503201f); /* nop */
		if (isa->machine == EM_RISCV)
			CHECK_EQ(get_le32(text.bytes + 4), 0x00000067);
		tn_linked_free(linked);
		author_free(&a);
		CHECK(world_close(&w));
	}
}

static uint64_t answer(uint64_t a, uint64_t b)
{
	return a * 1000 + b;
}

/* The same through a loaded module: arguments and result arrive. */
TEST(branch, out_of_a_module_passes_arguments)
{
	static const struct tn_export exports[] = { WORLD_EXPORT(answer) };
	struct author a = author_new(isa_here()->machine, "caller");
	struct tn_module_info info;
	struct tn_module *mod;
	struct world w;

	PROVES("L02 L09 K5.1 K5.7");
	CHECK(world_open(&w, exports, 1));
	author_export(&a, (struct author_export){ .name = "call",
			      .symbol = author_jump(&a, "call", "answer") });
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.nstubs, info.ncells);
	CHECK_EQ(world_function(mod, "call")(7, 5), 7005);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- checked before written */

/* A type, its field at offset 8 of .data, and values that just fit or not. */
struct limit {
	unsigned machine, type;
	const char *name;
	int64_t low, high; /* allowed, of S + A - P or S + A */
	int64_t step;
	bool absolute;
};

// clang-format off
static const struct limit limits[] = {
	{ EM_X86_64, 2, "R_X86_64_PC32", INT32_MIN, INT32_MAX, 1, false },
	{ EM_X86_64, 4, "R_X86_64_PLT32", INT32_MIN, INT32_MAX, 1, false },
	{ EM_X86_64, 15, "R_X86_64_PC8", -128, 127, 1, false },
	{ EM_X86_64, 10, "R_X86_64_32", 0, UINT32_MAX, 1, true },
	{ EM_X86_64, 11, "R_X86_64_32S", INT32_MIN, INT32_MAX, 1, true },
	{ EM_AARCH64, 283, "R_AARCH64_CALL26", -(1 << 27), (1 << 27) - 4, 4, false },
	{ EM_AARCH64, 280, "R_AARCH64_CONDBR19", -(1 << 20), (1 << 20) - 4, 4, false },
	{ EM_AARCH64, 279, "R_AARCH64_TSTBR14", -(1 << 15), (1 << 15) - 4, 4, false },
	{ EM_AARCH64, 274, "R_AARCH64_ADR_PREL_LO21", -(1 << 20), (1 << 20) - 1, 1, false },
	{ EM_AARCH64, 261, "R_AARCH64_PREL32", INT32_MIN, UINT32_MAX, 1, false },
	{ EM_AARCH64, 258, "R_AARCH64_ABS32", INT32_MIN, UINT32_MAX, 1, true },
	{ EM_RISCV, 16, "R_RISCV_BRANCH", -(1 << 12), (1 << 12) - 2, 2, false },
	{ EM_RISCV, 17, "R_RISCV_JAL", -(1 << 20), (1 << 20) - 2, 2, false },
	{ EM_RISCV, 44, "R_RISCV_RVC_BRANCH", -(1 << 8), (1 << 8) - 2, 2, false },
	{ EM_RISCV, 45, "R_RISCV_RVC_JUMP", -(1 << 11), (1 << 11) - 2, 2, false },
	{ EM_RISCV, 19, "R_RISCV_CALL_PLT", -0x80000800ll, 0x7ffff7ff, 1, false },
	{ EM_RISCV, 57, "R_RISCV_32_PCREL", INT32_MIN, INT32_MAX, 1, false },
	{ EM_RISCV, 26, "R_RISCV_HI20", -0x80000800ll, 0x7ffff7ff, 1, true },
};
// clang-format on

/* The bytes of .data when the image is given back. */
static void keep_data(void *arg, const struct tn_image *img)
{
	for (unsigned i = 0; i < img->nparts; i++)
		if (img->part[i].kind == TN_DATA && img->part[i].size >= 24)
			memcpy(arg, img->part[i].write, 24);
}

/* Fixes the middle eight of 24 bytes 0xa5 so that the value is @v. */
static int link_value(struct world *w, const struct limit *l, int64_t v)
{
	struct author a = author_new(l->machine, "limit");
	const uint64_t from = l->absolute ? 0 : AT + 8;
	struct tn_linked *linked;
	uint8_t filler[24];
	uint32_t symbol;
	int err;

	memset(filler, 0xa5, sizeof(filler));
	object_add(a.o, a.data, filler, sizeof(filler));
	symbol = object_symbol(a.o, "place", OBJECT_SYM(STB_LOCAL, STT_NOTYPE),
	    SHN_ABS, from + (uint64_t)v);
	object_rela(a.o, a.data, (struct object_fix){ 8, l->type, symbol, 0 });
	err = world_link(w, a.o, &linked);
	if (err == 0)
		tn_linked_free(linked);
	author_free(&a);
	return err;
}

static void checks_limit(const struct limit *l, int64_t past, int64_t fits)
{
	uint8_t before[24], data[24];
	struct world w;

	memset(before, 0xa5, sizeof(before));
	CHECK(open_with(&w, AT, FAR));
	w.rig.on_free = keep_data;
	w.rig.on_free_arg = data;
	CHECK_EQ(link_value(&w, l, fits), 0);
	CHECK(memcmp(data, before, sizeof(data)) != 0);
	CHECK_MEM(data, before, 8);
	CHECK_MEM(data + 16, before, 8);
	CHECK_EQ(link_value(&w, l, past), -TN_ERANGE);
	CHECK_MEM(data, before, sizeof(data));
	CHECK_EQ(w.diag.reason, TN_REASON_RELOC_RANGE);
	CHECK_STR(w.diag.module, "limit");
	CHECK_STR(w.diag.section, ".data");
	CHECK_STR(w.diag.symbol, "place");
	CHECK_STR(w.diag.reloc, l->name);
	CHECK_EQ(w.diag.offset, 8);
	CHECK_EQ(w.diag.value, past);
	CHECK_EQ(w.diag.low, l->low);
	/* limits are stated to the byte, not to the step */
	CHECK(w.diag.high >= l->high && w.diag.high < l->high + l->step);
	CHECK(world_close(&w));
}

TEST(branch, value_past_either_end_leaves_the_place_as_it_was)
{
	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct limit *l = &limits[i];

		checks_limit(l, l->low - l->step, l->low);
		checks_limit(l, l->high + l->step, l->high);
	}
}

TEST(branch, misaligned_value_leaves_the_place_as_it_was)
{
	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct limit *l = &limits[i];
		uint8_t before[24], data[24];
		struct world w;

		if (l->step == 1)
			continue;
		memset(before, 0xa5, sizeof(before));
		CHECK(open_with(&w, AT, FAR));
		w.rig.on_free = keep_data;
		w.rig.on_free_arg = data;
		CHECK_EQ(link_value(&w, l, 17), -TN_ERANGE);
		CHECK_EQ(w.diag.reason, TN_REASON_RELOC_ALIGN);
		CHECK_EQ(w.diag.high, l->step);
		CHECK_MEM(data, before, sizeof(data));
		CHECK(world_close(&w));
	}
}

TEST(branch, out_of_range_is_told_in_one_sentence)
{
	struct author a = author_new(EM_X86_64, "wide");
	struct world w;

	CHECK(open_with(&w, AT, FAR));
	object_skip(a.o, a.data, 16);
	object_rela(a.o, a.data,
	    (struct object_fix){ 4, 2, object_undefined(a.o, "target"), -4 });
	CHECK_REFUSED(&w, a.o, TN_ERANGE, "reloc_range",
	    "wide: .data+0x4: R_X86_64_PC32 against 'target': value "
	    "0x6bfffffffff8 does not fit into [-2147483648, 2147483647]");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(branch, misaligned_is_told_in_one_sentence)
{
	struct author a = author_new(EM_AARCH64, "odd");
	struct world w;

	CHECK(open_with(&w, AT, AT + 0x1002));
	object_add32(a.o, a.text, 0x94000000);
	object_rela(a.o, a.text,
	    (struct object_fix){ 0, 283, object_undefined(a.o, "target"), 0 });
	CHECK_REFUSED(&w, a.o, TN_ERANGE, "reloc_align",
	    "odd: .text+0x0: R_AARCH64_CALL26 against 'target': value 0x1002 "
	    "is not a multiple of 4");
	author_free(&a);
	CHECK(world_close(&w));
}
