/* SPDX-License-Identifier: MIT */
/*
 * R_RISCV_ALIGN: no-ops that an alignment does not need are deleted, and what
 * stands behind them moves: symbols, places, labels, sizes.
 */
#include <string.h>

#include <test/test.h>

#include "world.h"

#define AT UINT64_C(0x40000000)

enum {
	R64 = 2,
	JAL = 17,
	PCREL_HI20 = 23,
	LO12_I = 24,
	ADD32 = 35,
	SUB32 = 39,
	ALIGN = 43,
	RELAX = 51,
	SET_ULEB = 60,
	SUB_ULEB = 61,
};

#define NOP 0x00000013u
#define LW  0x00052583u

static bool open_riscv(struct world *w)
{
	static const struct tn_export e = { .name = "target",
		.addr = (const void *)(uintptr_t)(AT + 0x1234567) };

	return world_offline(w, AT, &e, 1);
}

static struct author new_object(uint64_t align)
{
	struct author a = author_new(EM_RISCV, "align");

	object_align(a.o, a.text, align);
	return a;
}

/* @n bytes of padding for an alignment of n + 2 or n + 4. */
static void pad(struct author *a, uint64_t n)
{
	const uint64_t at = object_size(a->o, a->text);

	object_rela(
	    a->o, a->text, (struct object_fix){ at, ALIGN, 0, (int64_t)n });
	for (; n >= 4; n -= 4)
		object_add32(a->o, a->text, NOP);
	if (n != 0)
		object_add(a->o, a->text, "\x01\x00", 2);
}

static void code(struct author *a, unsigned halfwords)
{
	for (unsigned i = 0; i < halfwords; i++)
		object_add(a->o, a->text, "\x85\x05", 2); /* c.addi a1, 1 */
}

static uint32_t label(struct author *a, const char *name)
{
	return object_symbol(a->o, name, OBJECT_SYM(STB_LOCAL, STT_NOTYPE),
	    a->text, object_size(a->o, a->text));
}

/* Every amount of code before an alignment to 16: 14 bytes at most go. */
TEST(align, deletes_what_the_alignment_does_not_need)
{
	struct world w;

	CHECK(open_riscv(&w));
	for (unsigned before = 0; before < 17; before++) {
		struct author a = new_object(16);
		const unsigned need = (16 - 2 * before % 16) % 16;
		struct tn_linked_section text;
		struct tn_linked *linked;
		uint64_t at, count = 0;

		code(&a, before);
		pad(&a, 14);
		label(&a, "aligned");
		code(&a, 1);
		CHECK_EQ(world_link(&w, a.o, &linked), 0);
		text = world_section(linked, ".text");
		CHECK_EQ(text.size, 2 * before + need + 2);
		CHECK_EQ(world_value(linked, "aligned") % 16, 0);
		CHECK_EQ(world_value(linked, "aligned"),
		    text.addr + 2 * before + need);
		CHECK_EQ(get_le16(text.bytes + text.size - 2), 0x0585);
		CHECK_EQ(tn_linked_shrink(linked, a.text, 0, &at, &count),
		    need != 14);
		CHECK_EQ(count, need != 14 ? 14 - need : 0);
		/* what stays are no-ops, as the linker writes them */
		if (need >= 4)
			CHECK_EQ(get_le32(text.bytes + 2 * before), NOP);
		if (need % 4 != 0)
			CHECK_EQ(
			    get_le16(text.bytes + 2 * before + need - 2), 1);
		tn_linked_free(linked);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* Two deletions: all that refers across them is moved. */
TEST(align, moves_symbols_places_and_distances)
{
	struct author a = new_object(16);
	struct tn_linked_section text, data;
	struct tn_linked_symbol sym;
	struct tn_linked *linked;
	uint32_t start, end, high;
	struct world w;
	uint64_t at;

	CHECK(open_riscv(&w));
	start = label(&a, "start");
	object_symbol_size(a.o, start, 54); /* the whole section */
	code(&a, 2);
	pad(&a, 14); /* 2 go */
	high = label(&a, "high");
	object_rela(a.o, a.text,
	    (struct object_fix){ object_add32(a.o, a.text, 0x517), PCREL_HI20,
		object_undefined(a.o, "target"), 0 });
	pad(&a, 14); /* 2 go */
	at = object_add32(a.o, a.text, LW);
	object_rela(a.o, a.text, (struct object_fix){ at, LO12_I, high, 0 });
	code(&a, 7);
	end = label(&a, "end");
	object_skip(a.o, a.data, 16);
	object_rela(a.o, a.data, (struct object_fix){ 0, ADD32, end, 0 });
	object_rela(a.o, a.data, (struct object_fix){ 0, SUB32, start, 0 });
	object_rela(a.o, a.data, (struct object_fix){ 8, R64, high, 0 });
	CHECK_EQ(object_size(a.o, a.text), 54);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	text = world_section(linked, ".text");
	data = world_section(linked, ".data");
	CHECK_EQ(text.size, 50);
	CHECK_EQ(get_le32(data.bytes), 50);
	CHECK_EQ(get_le64(data.bytes + 8), text.addr + 16);
	CHECK_EQ(world_value(linked, "high"), text.addr + 16);
	CHECK_EQ(world_value(linked, "end"), text.addr + 50);
	CHECK(tn_linked_symbol(linked, start, &sym));
	CHECK_EQ(sym.size, 50);
	/* auipc stands at 16 now, the load at 32: offset of the target */
	CHECK_EQ((text.addr + 16 + (get_le32(text.bytes + 16) & 0xfffff000) +
		     (get_le32(text.bytes + 32) >> 20)),
	    AT + 0x1234567);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

static void refuses(
    uint64_t place, int64_t addend, const char *reason, const char *text)
{
	struct author a = new_object(8);
	struct world w;

	CHECK(open_riscv(&w));
	code(&a, 16);
	object_rela(
	    a.o, a.text, (struct object_fix){ place, ALIGN, 0, addend });
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, reason, text);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(align, padding_outside_of_its_section_is_refused)
{
	refuses(32, 2, "reloc_place",
	    "align: .text+0x20: R_RISCV_ALIGN: the place lies outside the "
	    "section");
	refuses(28, 6, "reloc_place",
	    "align: .text+0x1c: R_RISCV_ALIGN: the place lies outside the "
	    "section");
	refuses(4, INT64_MAX - 1, "reloc_place",
	    "align: .text+0x4: R_RISCV_ALIGN: the place lies outside the "
	    "section");
	refuses(4, -2, "reloc_place",
	    "align: .text+0x4: R_RISCV_ALIGN: the place lies outside the "
	    "section");
	refuses(UINT64_MAX - 1, 6, "reloc_place",
	    "align: .text+0xfffffffffffffffe: R_RISCV_ALIGN: the place lies "
	    "outside the section");
}

TEST(align, odd_padding_is_refused)
{
	refuses(5, 6, "reloc_place",
	    "align: .text+0x5: R_RISCV_ALIGN: the place lies outside the "
	    "section");
	refuses(4, 5, "reloc_place",
	    "align: .text+0x4: R_RISCV_ALIGN: the place lies outside the "
	    "section");
}

TEST(align, more_than_the_section_has_is_refused)
{
	refuses(0, 14, "reloc_align",
	    "align: .text+0x0: R_RISCV_ALIGN: value 0x8 is not a multiple of "
	    "16");
}

TEST(align, overlapping_padding_is_refused)
{
	struct author a = new_object(8);
	struct world w;

	CHECK(open_riscv(&w));
	pad(&a, 6);
	object_rela(a.o, a.text, (struct object_fix){ 4, ALIGN, 0, 6 });
	code(&a, 8);
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "reloc_place",
	    "align: .text+0x4: R_RISCV_ALIGN: the place lies outside the "
	    "section");
	author_free(&a);
	CHECK(world_close(&w));
}

/* A place whose bytes are deleted would be written behind the section. */
TEST(align, place_inside_of_deleted_bytes_is_refused)
{
	struct world w;

	CHECK(open_riscv(&w));
	for (unsigned at = 0; at < 6; at++) {
		struct author a = new_object(8);

		pad(&a, 6); /* all six go, two bytes are left */
		code(&a, 1);
		object_rela(a.o, a.text,
		    (struct object_fix){ at, ADD32, label(&a, "x"), 0 });
		CHECK_EQ(world_link(&w, a.o, &(struct tn_linked *){ NULL }),
		    -TN_ENOEXEC);
		CHECK_EQ(w.diag.reason, TN_REASON_RELOC_PLACE);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* RELAX without bytes of its own may stand anywhere. */
TEST(align, relax_marks_may_stand_on_deleted_bytes)
{
	struct author a = new_object(8);
	struct tn_linked *linked;
	struct world w;

	CHECK(open_riscv(&w));
	pad(&a, 6);
	code(&a, 1);
	object_rela(a.o, a.text, (struct object_fix){ 2, RELAX, 0, 0 });
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(world_section(linked, ".text").size, 2);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* The room of a number ends where the shrunken section does. */
TEST(align, uleb128_ends_within_the_shrunken_section)
{
	struct author a = new_object(8);
	struct world w;
	uint32_t l, next;

	CHECK(open_riscv(&w));
	next = object_section(
	    a.o, ".text.next", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
	object_align(a.o, next, 1);
	object_skip(a.o, next, 8); /* zeros: here a number would end */
	l = label(&a, "x");
	object_add(a.o, a.text, "\x80\x80\x80\x80\x80\x80\x80\x80", 8);
	pad(&a, 6); /* all six go */
	object_rela(a.o, a.text, (struct object_fix){ 0, SET_ULEB, l, 0 });
	object_rela(a.o, a.text, (struct object_fix){ 0, SUB_ULEB, l, 0 });
	CHECK_EQ(
	    world_link(&w, a.o, &(struct tn_linked *){ NULL }), -TN_ERANGE);
	author_free(&a);
	CHECK(world_close(&w));
}
