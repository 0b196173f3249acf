/* SPDX-License-Identifier: MIT */
/*
 * riscv relocations that belong together: HI20 with its LO12 in any order and
 * number, SET_ULEB128 with SUB_ULEB128. Linked offline, read back here.
 */
#include <string.h>

#include <test/test.h>

#include "world.h"

#define AT     UINT64_C(0x40000000)
#define TARGET UINT64_C(0x41234ffc) /* low part negative: it carries */

enum {
	JAL = 17,
	CALL = 18,
	PCREL_HI20 = 23,
	LO12_I = 24,
	LO12_S = 25,
	SET_ULEB = 60,
	SUB_ULEB = 61,
};

#define AUIPC 0x00000517u /* auipc a0, 0 */
#define LW    0x00052583u /* lw a1, 0(a0) */
#define SW    0x00b52023u /* sw a1, 0(a0) */

static const struct tn_export exports[] = {
	{ .name = "target", .addr = (const void *)(uintptr_t)TARGET },
};

static bool open_riscv(struct world *w)
{
	return world_offline(w, AT, exports, ARRAY_SIZE(exports));
}

static uint64_t add_high(struct author *a)
{
	const uint64_t at = object_add32(a->o, a->text, AUIPC);

	object_rela(a->o, a->text,
	    (struct object_fix){
		at, PCREL_HI20, object_undefined(a->o, "target"), 0 });
	return at;
}

static uint32_t label(struct author *a, uint64_t at)
{
	return object_symbol(
	    a->o, ".L", OBJECT_SYM(STB_LOCAL, STT_NOTYPE), a->text, at);
}

static uint64_t add_low(struct author *a, uint32_t high, bool store)
{
	const uint64_t at = object_add32(a->o, a->text, store ? SW : LW);

	object_rela(a->o, a->text,
	    (struct object_fix){ at, store ? LO12_S : LO12_I, high, 0 });
	return at;
}

/* What auipc at @high and the load or store at @low address. */
static uint64_t addressed(
    const struct tn_linked *linked, uint64_t high, uint64_t low)
{
	const struct tn_linked_section s = world_section(linked, ".text");
	const uint32_t hi = get_le32(s.bytes + high) & 0xfffff000;
	const uint32_t insn = get_le32(s.bytes + low);
	const uint32_t imm = (insn & 0x7f) == 0x23
				 ? (insn >> 25 << 5 | (insn >> 7 & 31))
				 : insn >> 20;

	return s.addr + high + (uint64_t)(int64_t)(int32_t)hi +
	       (uint64_t)(((int64_t)imm ^ 0x800) - 0x800);
}

/* One HI20, three LO12: before it, far from it, of both kinds. */
TEST(pair, many_low_parts_share_a_high_part_in_any_order)
{
	struct author a = author_new(EM_RISCV, "shared");
	struct tn_linked *linked;
	struct world w;
	uint64_t low[3], high;
	uint32_t sym;

	CHECK(open_riscv(&w));
	sym = label(&a, 100); /* where the HI20 will be */
	low[0] = add_low(&a, sym, false);
	object_skip(a.o, a.text, 96);
	high = add_high(&a);
	CHECK_EQ(high, 100);
	low[1] = add_low(&a, sym, true);
	object_skip(a.o, a.text, 4096);
	low[2] = add_low(&a, sym, false);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(addressed(linked, high, low[i]), TARGET);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Two pairs interleaved: each low part finds its own. */
TEST(pair, low_parts_of_two_high_parts_are_not_mixed_up)
{
	struct author a = author_new(EM_RISCV, "two");
	uint64_t high[2], low[4];
	uint32_t sym[2];
	struct tn_linked *linked;
	struct world w;

	CHECK(open_riscv(&w));
	for (unsigned i = 0; i < 2; i++) {
		high[i] = add_high(&a);
		sym[i] = label(&a, high[i]);
		object_skip(a.o, a.text, 2); /* as after a compressed one */
	}
	for (unsigned i = 0; i < 4; i++)
		low[i] = add_low(&a, sym[i & 1], i > 1);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(addressed(linked, high[i & 1], low[i]), TARGET);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* The label may stand in another section than the low part. */
TEST(pair, high_part_may_be_in_another_section)
{
	struct author a = author_new(EM_RISCV, "apart");
	struct tn_linked_section other;
	struct tn_linked *linked;
	struct world w;
	uint32_t s, sym;
	uint64_t high;

	CHECK(open_riscv(&w));
	high = add_high(&a);
	sym = label(&a, high);
	s = object_section(
	    a.o, ".text.other", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
	object_add32(a.o, s, LW);
	object_rela(a.o, s, (struct object_fix){ 0, LO12_I, sym, 0 });
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	other = world_section(linked, ".text.other");
	CHECK_EQ(get_le32(other.bytes) >> 20,
	    (TARGET - world_section(linked, ".text").addr) & 0xfff);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- low parts without a high part */

TEST(pair, low_part_without_any_high_part_is_refused)
{
	struct author a = author_new(EM_RISCV, "alone");
	struct world w;

	CHECK(open_riscv(&w));
	add_low(&a, label(&a, 0), false);
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "reloc_pair",
	    "alone: .text+0x0: R_RISCV_PCREL_LO12_I against '.L': its "
	    "partner relocation is missing or doubled");
	author_free(&a);
	CHECK(world_close(&w));
}

/* Labels: beside the anchor, odd, out of the section, of no section. */
TEST(pair, low_part_whose_label_is_at_no_high_part_is_refused)
{
	static const uint64_t values[] = { 4, 2, 1, 1u << 20, UINT64_MAX };
	static const uint32_t places[] = { SHN_ABS, SHN_UNDEF, 2 };
	struct world w;

	CHECK(open_riscv(&w));
	for (unsigned i = 0; i < 8; i++) {
		struct author a = author_new(EM_RISCV, "wrong");
		const uint32_t sym =
		    object_symbol(a.o, ".L", OBJECT_SYM(STB_LOCAL, STT_NOTYPE),
			i < 5 ? a.text : places[i - 5], i < 5 ? values[i] : 0);

		add_high(&a);
		add_low(&a, sym, false);
		CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "reloc_pair",
		    "wrong: .text+0x4: R_RISCV_PCREL_LO12_I against '.L': "
		    "its partner relocation is missing or doubled");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(pair, two_high_parts_at_one_place_are_refused)
{
	struct author a = author_new(EM_RISCV, "double");
	struct world w;

	CHECK(open_riscv(&w));
	for (int i = 0; i < 2; i++)
		object_rela(a.o, a.text,
		    (struct object_fix){
			0, PCREL_HI20, object_undefined(a.o, "target"), 0 });
	object_add32(a.o, a.text, AUIPC);
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "reloc_pair",
	    "double: .text+0x0: R_RISCV_PCREL_HI20 against 'target': its "
	    "partner relocation is missing or doubled");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(pair, high_part_at_an_odd_place_is_refused)
{
	struct author a = author_new(EM_RISCV, "odd");
	struct world w;

	CHECK(open_riscv(&w));
	object_rela(a.o, a.text,
	    (struct object_fix){
		1, PCREL_HI20, object_undefined(a.o, "target"), 0 });
	object_skip(a.o, a.text, 8);
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "reloc_place",
	    "odd: .text+0x1: R_RISCV_PCREL_HI20 against 'target': the place "
	    "lies outside the section");
	author_free(&a);
	CHECK(world_close(&w));
}

/* Any number of pairs in time that grows with it alone: no list is walked. */
TEST(pair, thousands_of_pairs_backwards)
{
	struct author a = author_new(EM_RISCV, "crowd");
	const unsigned n = 900; /* symbols that the builder has */
	struct tn_linked *linked;
	struct world w;
	uint64_t low[900];

	CHECK(open_riscv(&w));
	/* all low parts first, the last one's high part first of all */
	for (unsigned i = 0; i < n; i++)
		low[i] = add_low(&a, label(&a, 4ull * (2 * n - 1 - i)), i & 1);
	for (unsigned i = 0; i < n; i++)
		add_high(&a);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(
		    addressed(linked, 4ull * (2 * n - 1 - i), low[i]), TARGET);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- ULEB128 */

struct uleb {
	struct author a;
	uint32_t s, from, to;
};

/* A number of @n bytes in .rodata, and labels @distance apart in .text. */
static struct uleb uleb_new(unsigned n, uint64_t distance)
{
	struct uleb u = { .a = author_new(EM_RISCV, "uleb") };

	u.s = object_section(u.a.o, ".rodata", SHT_PROGBITS, SHF_ALLOC);
	for (unsigned i = 0; i < n; i++)
		object_add(u.a.o, u.s, i + 1 < n ? "\x80" : "", 1);
	object_skip(u.a.o, u.a.text, distance + 4);
	u.from = label(&u.a, 2);
	u.to = label(&u.a, 2 + distance);
	return u;
}

static void uleb_fix(struct uleb *u, uint64_t at, bool minus)
{
	object_rela(u->a.o, u->s,
	    (struct object_fix){
		at, minus ? SUB_ULEB : SET_ULEB, minus ? u->from : u->to, 0 });
}

/* psABI: the pair writes S1 + A1 - S2 - A2 and keeps the length. */
TEST(pair, uleb128_pair_writes_the_difference)
{
	/* 200 = 0x48 | 0x80, 0x01; padded to three and four bytes */
	static const uint8_t want[5][4] = { { 0 }, { 0 }, { 0xc8, 0x01 },
		{ 0xc8, 0x81, 0x00 }, { 0xc8, 0x81, 0x80, 0x00 } };
	struct tn_linked *linked;
	struct world w;

	CHECK(open_riscv(&w));
	for (unsigned n = 2; n <= 4; n++) {
		struct uleb u = uleb_new(n, 200);

		object_add(u.a.o, u.s, "\xff", 1); /* what follows */
		uleb_fix(&u, 0, false);
		uleb_fix(&u, 0, true);
		CHECK_EQ(world_link(&w, u.a.o, &linked), 0);
		CHECK_MEM(world_section(linked, ".rodata").bytes, want[n], n);
		CHECK_EQ(world_section(linked, ".rodata").bytes[n], 0xff);
		tn_linked_free(linked);
		author_free(&u.a);
	}
	CHECK(world_close(&w));
}

TEST(pair, uleb128_that_needs_more_bytes_is_refused)
{
	struct uleb u = uleb_new(1, 128);
	struct world w;

	CHECK(open_riscv(&w));
	uleb_fix(&u, 0, false);
	uleb_fix(&u, 0, true);
	CHECK_EQ(
	    world_link(&w, u.a.o, &(struct tn_linked *){ NULL }), -TN_ERANGE);
	CHECK_EQ(w.diag.reason, TN_REASON_RELOC_RANGE);
	CHECK_STR(w.diag.section, ".rodata");
	CHECK_EQ(w.diag.value, 128);
	author_free(&u.a);
	CHECK(world_close(&w));
}

/* Alone, in the wrong order, at different places. */
TEST(pair, uleb128_without_its_partner_is_refused)
{
	struct world w;

	CHECK(open_riscv(&w));
	for (unsigned i = 0; i < 4; i++) {
		struct uleb u = uleb_new(2, 20);

		object_add(u.a.o, u.s, "\x80", 2);
		uleb_fix(&u, 0, i == 1 || i == 2);
		if (i == 2)
			uleb_fix(&u, 0, false);
		if (i == 3)
			uleb_fix(&u, 2, true);
		CHECK_REFUSED(&w, u.a.o, TN_ENOEXEC, "reloc_pair",
		    i == 1 || i == 2
			? "uleb: .rodata+0x0: R_RISCV_SUB_ULEB128 against "
			  "'.L': its partner relocation is missing or doubled"
			: "uleb: .rodata+0x0: R_RISCV_SET_ULEB128 against "
			  "'.L': its partner relocation is missing or doubled");
		author_free(&u.a);
	}
	CHECK(world_close(&w));
}

/* A number that does not end within its section. */
TEST(pair, uleb128_without_an_end_is_refused)
{
	struct world w;

	CHECK(open_riscv(&w));
	for (unsigned n = 1; n <= 12; n += 11) {
		struct uleb u = uleb_new(0, 20);

		for (unsigned i = 0; i < n; i++)
			object_add(u.a.o, u.s, "\x80", 1);
		uleb_fix(&u, 0, false);
		uleb_fix(&u, 0, true);
		CHECK_EQ(world_link(&w, u.a.o, &(struct tn_linked *){ NULL }),
		    -TN_ERANGE);
		author_free(&u.a);
	}
	CHECK(world_close(&w));
}
