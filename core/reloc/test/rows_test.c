/* SPDX-License-Identifier: MIT */
/*
 * The tables as such: lookup, ranges against limits, the groups of what is
 * refused; and the functions that need no linker to be judged: ULEB128
 * numbers, what may relax, stubs out of reach.
 */
#include <base/overflow.h>
#include <base/span.h>
#include <reloc/reloc.h>
#include <test/test.h>

#include "encode.h"

static const unsigned machines[] = { EM_X86_64, EM_AARCH64, EM_RISCV };

static const struct reloc_howto *row(unsigned machine, uint32_t type)
{
	return reloc_find(reloc_machine(machine), type);
}

TEST(reloc, only_three_machines_are_known)
{
	unsigned here = 0;

	for (unsigned em = 0; em < 300; em++) {
		const struct reloc_machine *m = reloc_machine(em);
		const bool known =
		    em == EM_X86_64 || em == EM_AARCH64 || em == EM_RISCV;

		CHECK_EQ(m != NULL, known);
		CHECK_EQ(reloc_machine_name(em) != NULL, known);
		here += m != NULL && reloc_machine_here(em) == m;
		if (m)
			CHECK_EQ(m->elf_machine, em);
	}
	CHECK_EQ(here, 1);
}

/* Loads on the others do without what these ask for. */
TEST(reloc, only_riscv_has_pairs_and_padding)
{
	static const unsigned others[] = { EM_X86_64, EM_AARCH64 };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		for (uint32_t type = 0; type < 2048; type++) {
			const struct reloc_howto *how = row(others[i], type);

			CHECK(how->expr != RELOC_ALIGN);
			CHECK(how->expr != RELOC_PAIR_LOW);
			CHECK((how->flags & RELOC_HI20) == 0);
		}
	}
	CHECK_EQ(row(EM_RISCV, 43)->expr, RELOC_ALIGN);
	CHECK_EQ(row(EM_RISCV, 24)->expr, RELOC_PAIR_LOW);
}

static void check_unknown(unsigned machine, uint32_t type)
{
	CHECK_EQ(row(machine, type)->expr, RELOC_UNKNOWN);
	CHECK(reloc_name(reloc_machine(machine), type) == NULL);
}

TEST(reloc, types_outside_of_the_psabi_are_unknown)
{
	static const uint32_t far[] = { 192, 255, 2048, 0x10000, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(far); j++)
			check_unknown(machines[i], far[j]);
	}
	check_unknown(EM_X86_64, 52);
	check_unknown(EM_AARCH64, 1);
	check_unknown(EM_AARCH64, 255);
	check_unknown(EM_AARCH64, 281);
	check_unknown(EM_AARCH64, 294);
	check_unknown(EM_AARCH64, 298);
	check_unknown(EM_AARCH64, 316);
	check_unknown(EM_AARCH64, 511);
	check_unknown(EM_AARCH64, 574);
	check_unknown(EM_AARCH64, 1023);
	check_unknown(EM_AARCH64, 1033);
	check_unknown(EM_RISCV, 13);
	check_unknown(EM_RISCV, 42);
	check_unknown(EM_RISCV, 66);
	check_unknown(EM_RISCV, 190);
}

static bool contains(const char *s, const char *part)
{
	for (; *s; s++) {
		size_t i = 0;

		while (part[i] && s[i] == part[i])
			i++;
		if (!part[i])
			return true;
	}
	return false;
}

/* What a name says about the group of a type, as far as names tell. */
static unsigned group_of(const char *name)
{
	static const char *const tls[] = { "TLS", "TPOFF", "DTPMOD", "DTPOFF",
		"TPREL" };

	for (size_t i = 0; i < ARRAY_SIZE(tls); i++) {
		if (contains(name, tls[i]))
			return RELOC_REFUSED_TLS;
	}
	if (contains(name, "IRELATIVE"))
		return RELOC_REFUSED_IFUNC;
	if (contains(name, "COPY"))
		return RELOC_REFUSED_COPY;
	return RELOC_NOT_REFUSED;
}

static void check_refusal(const struct reloc_machine *m, uint32_t type)
{
	const struct reloc_howto *how = reloc_find(m, type);
	const unsigned group =
	    how->expr == RELOC_UNKNOWN ? 0 : group_of(reloc_name(m, type));

	CHECK_EQ(how->expr == RELOC_REFUSED, how->refusal != 0);
	if (group != RELOC_NOT_REFUSED)
		CHECK_EQ(how->refusal, group);
	if (how->expr == RELOC_REFUSED || how->expr == RELOC_UNKNOWN)
		CHECK_EQ(how->field, FIELD_NONE);
}

TEST(reloc, refused_types_name_their_group)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		for (uint32_t type = 0; type < 1100; type++)
			check_refusal(reloc_machine(machines[i]), type);
	}
	CHECK_EQ(row(EM_X86_64, 25)->refusal, RELOC_REFUSED_FAR_DATA);
	CHECK_EQ(row(EM_X86_64, 26)->refusal, RELOC_REFUSED_MEDIUM_MODEL);
	CHECK_EQ(row(EM_X86_64, 29)->refusal, RELOC_REFUSED_LARGE_MODEL);
	CHECK_EQ(row(EM_AARCH64, 300)->refusal, RELOC_REFUSED_LARGE_MODEL);
	CHECK_EQ(row(EM_AARCH64, 309)->refusal, RELOC_REFUSED_TINY_MODEL);
}

/* One row: what reloc_limits says fits fits, and one step more does not. */
static void check_limits(const struct reloc_howto *how)
{
	const uint64_t unit = how->align;
	int64_t low, high;
	uint64_t last;

	reloc_limits(how, &low, &high);
	last = (uint64_t)high & -unit;
	CHECK(is_pow2(unit));
	CHECK_EQ(reloc_check(how, (uint64_t)low & -unit), 0);
	CHECK_EQ(reloc_check(how, last), 0);
	if (unit > 1) {
		CHECK_EQ(reloc_check(how, last + 1), -TN_EINVAL);
		CHECK_EQ(reloc_check(how, last + unit / 2), -TN_EINVAL);
	}
	if (how->range == RELOC_ANY) {
		CHECK_EQ(low, INT64_MIN);
		CHECK_EQ(high, INT64_MAX);
		return;
	}
	CHECK_EQ(reloc_check(how, (uint64_t)low - unit), -TN_ERANGE);
	CHECK_EQ(reloc_check(how, last + unit), -TN_ERANGE);
	CHECK_EQ(reloc_check(how, 0), 0);
	CHECK_EQ(reloc_check(how, (uint64_t)INT64_MAX & -unit), -TN_ERANGE);
	CHECK_EQ(reloc_check(how, 1ull << 63), -TN_ERANGE);
}

TEST(reloc, limits_are_where_the_check_says_no)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		for (uint32_t type = 0; type < 1100; type++)
			check_limits(row(machines[i], type));
	}
}

static void check_range(
    unsigned machine, uint32_t type, int64_t low, int64_t high)
{
	int64_t l, h;

	reloc_limits(row(machine, type), &l, &h);
	CHECK_EQ(l, low);
	CHECK_EQ(h, high);
}

TEST(reloc, branch_ranges_are_those_of_the_instruction_sets)
{
	const int64_t k = 1024, m = k * k, g = k * m;

	check_range(EM_X86_64, 4, -2 * g, 2 * g - 1);
	check_range(EM_AARCH64, 283, -128 * m, 128 * m - 1);
	check_range(EM_AARCH64, 280, -m, m - 1);
	check_range(EM_AARCH64, 279, -32 * k, 32 * k - 1);
	check_range(EM_AARCH64, 275, -4 * g, 4 * g - 1);
	check_range(EM_AARCH64, 313, 0, 32 * k - 1);
	check_range(EM_RISCV, 17, -m, m - 1);
	check_range(EM_RISCV, 16, -4 * k, 4 * k - 1);
	check_range(EM_RISCV, 44, -256, 255);
	check_range(EM_RISCV, 45, -2 * k, 2 * k - 1);
	check_range(EM_RISCV, 19, -2 * g - 2 * k, 2 * g - 2 * k - 1);
	check_range(EM_RISCV, 59, -2 * g, 2 * g - 1);
}

/* The relocation of the machine's ordinary call. */
static void check_reach(unsigned machine, uint32_t call)
{
	const struct reloc_machine *m = reloc_machine(machine);
	const struct reloc_howto *how = reloc_find(m, call);
	const uint64_t unit = how->align;
	const uint64_t reach = m->branch_reach & -unit;

	CHECK(how->flags & RELOC_BRANCH);
	CHECK_EQ(reloc_check(how, reach), 0);
	CHECK_EQ(reloc_check(how, 0 - reach), 0);
	CHECK_EQ(reloc_check(how, reach + 0x10000), -TN_ERANGE);
}

TEST(reloc, branch_reach_is_that_of_calls)
{
	check_reach(EM_X86_64, 4);
	check_reach(EM_AARCH64, 283);
	check_reach(EM_RISCV, 19);
	CHECK_EQ(reloc_machine(EM_X86_64)->branch_end, 4);
	CHECK_EQ(reloc_machine(EM_AARCH64)->branch_end, 0);
	CHECK_EQ(reloc_machine(EM_RISCV)->branch_end, 0);
}

TEST(reloc, dynamic_types_write_a_doubleword)
{
	static const struct {
		uint16_t machine, type, expr, flags;
	} types[] = {
		{ EM_X86_64, 6, RELOC_DYN_SYMBOL, RELOC_NO_ADDEND },
		{ EM_X86_64, 7, RELOC_DYN_SYMBOL, RELOC_NO_ADDEND },
		{ EM_X86_64, 8, RELOC_BASE, 0 },
		{ EM_AARCH64, 1025, RELOC_DYN_SYMBOL, 0 },
		{ EM_AARCH64, 1026, RELOC_DYN_SYMBOL, 0 },
		{ EM_AARCH64, 1027, RELOC_BASE, 0 },
		{ EM_RISCV, 3, RELOC_BASE, 0 },
		{ EM_RISCV, 5, RELOC_DYN_SYMBOL, RELOC_NO_ADDEND },
	};
	const uint64_t value = 0x123456789abcdef0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct reloc_machine *m = reloc_machine(types[i].machine);
		const struct reloc_howto *how = reloc_find(m, types[i].type);
		uint8_t place[8] = { 0 };

		CHECK_EQ(how->expr, types[i].expr);
		CHECK_EQ(how->flags, types[i].flags);
		CHECK_EQ(how->size, 8);
		CHECK_EQ(reloc_check(how, value), 0);
		reloc_put(m, how, place, value);
		CHECK_EQ(get_le64(place), value);
	}
}

TEST(reloc, riscv_plt32_writes_a_word)
{
	uint8_t place[8] = { 0 };

	CHECK_EQ(row(EM_RISCV, 59)->size, 4);
	reloc_put(
	    reloc_machine(EM_RISCV), row(EM_RISCV, 59), place, UINT64_MAX);
	CHECK_EQ(get_le64(place), UINT32_MAX);
}

/*
 * From the psABI, chapter "Data": an SET_ULEB128 and SUB_ULEB128 pair stores
 * the difference over a number whose length the assembler has fixed.
 * 624485 = 0x98765 = 0b0100110_0001110_1100101: e5 8e 26 (Wikipedia's and
 * DWARF's example); padded to five bytes: e5 8e a6 80 00.
 */
TEST(reloc, uleb_numbers_keep_their_length)
{
	uint8_t three[] = { 0x80, 0x80, 0x00, 0x55 };
	uint8_t five[] = { 0xff, 0xff, 0xff, 0xff, 0x7f, 0x55 };
	uint8_t one[] = { 0x33, 0x55 };
	uint8_t ten[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x00 };

	CHECK_EQ(reloc_put_uleb(one, 1, 127), 0);
	CHECK_MEM(one, "\x7f\x55", 2);
	CHECK_EQ(reloc_put_uleb(three, sizeof(three), 624485), 0);
	CHECK_MEM(three, "\xe5\x8e\x26\x55", 4);
	CHECK_EQ(reloc_put_uleb(five, sizeof(five), 624485), 0);
	CHECK_MEM(five, "\xe5\x8e\xa6\x80\x00\x55", 6);
	CHECK_EQ(reloc_put_uleb(five, sizeof(five), 0), 0);
	CHECK_MEM(five, "\x80\x80\x80\x80\x00\x55", 6);
	CHECK_EQ(reloc_put_uleb(ten, sizeof(ten), UINT64_MAX), 0);
	CHECK_MEM(ten, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
}

TEST(reloc, uleb_numbers_that_do_not_fit_change_nothing)
{
	uint8_t two[] = { 0x81, 0x02 };
	uint8_t open[] = { 0x80, 0x80, 0x80, 0x00 };
	uint8_t eleven[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 0x00 };

	CHECK_EQ(reloc_put_uleb(two, 2, 1u << 14), -TN_ERANGE);
	CHECK_EQ(reloc_put_uleb(two, 2, UINT64_MAX), -TN_ERANGE);
	CHECK_MEM(two, "\x81\x02", 2);
	CHECK_EQ(reloc_put_uleb(two, 2, (1u << 14) - 1), 0);
	CHECK_MEM(two, "\xff\x7f", 2);
	CHECK_EQ(reloc_put_uleb(open, 3, 1), -TN_EINVAL);
	CHECK_EQ(reloc_put_uleb(open, 0, 1), -TN_EINVAL);
	CHECK_EQ(reloc_put_uleb(eleven, 11, 1), -TN_EINVAL);
	CHECK_MEM(open, "\x80\x80\x80\x00", 4);
}

TEST(reloc, x86_relaxation_looks_at_the_whole_form)
{
	const struct reloc_machine *m = reloc_machine(EM_X86_64);
	const struct reloc_howto *x = reloc_find(m, 41);
	const struct reloc_howto *plain = reloc_find(m, 9);
	uint8_t mov[] = { 0x8b, 0x05, 0, 0, 0, 0 };
	uint8_t call[] = { 0xff, 0x15, 0, 0, 0, 0 };

	CHECK(reloc_can_relax(m, x, mov + 2, 2, -4));
	CHECK(reloc_can_relax(m, plain, mov + 2, 2, -4));
	CHECK(!reloc_can_relax(m, x, mov + 2, 1, -4));
	CHECK(!reloc_can_relax(m, x, mov + 2, 2, -5));
	CHECK(!reloc_can_relax(m, x, mov + 2, 2, 0));
	CHECK(!reloc_can_relax(m, reloc_find(m, 2), mov + 2, 2, -4));
	mov[1] = 0x45; /* disp8(%rbp): not relative to rip */
	CHECK(!reloc_can_relax(m, x, mov + 2, 2, -4));
	CHECK(reloc_can_relax(m, x, call + 2, 2, -4));
	CHECK(!reloc_can_relax(m, plain, call + 2, 2, -4));
	call[1] = 0x35; /* push */
	CHECK(!reloc_can_relax(m, x, call + 2, 2, -4));
}

TEST(reloc, aarch64_load_into_xzr_stays_a_load)
{
	const struct reloc_machine *m = reloc_machine(EM_AARCH64);
	const struct reloc_howto *low = reloc_find(m, 312);
	const struct reloc_howto *page = reloc_find(m, 311);
	uint8_t insn[4];

	put_le32(insn, 0xf9400021); /* ldr x1, [x1] */
	CHECK(reloc_can_relax(m, low, insn, 0, 0));
	CHECK(!reloc_can_relax(m, page, insn, 0, 0));
	put_le32(insn, 0xf940003f); /* ldr xzr, [x1] */
	CHECK(!reloc_can_relax(m, low, insn, 0, 0));
	put_le32(insn, 0xb9400021); /* ldr w1, [x1] */
	CHECK(!reloc_can_relax(m, low, insn, 0, 0));
	put_le32(insn, 0x10000001); /* adr x1 */
	CHECK(!reloc_can_relax(m, page, insn, 0, 0));
	put_le32(insn, 0x90000001);
	CHECK(reloc_can_relax(m, page, insn, 0, 0));
	CHECK(!reloc_can_relax(m, reloc_find(m, 275), insn, 0, 0));
}

TEST(reloc, riscv_relaxation_wants_a_doubleword_load)
{
	const struct reloc_machine *m = reloc_machine(EM_RISCV);
	const struct reloc_howto *low = reloc_find(m, 24);
	uint8_t insn[4];

	put_le32(insn, 0x00053583); /* ld a1, 0(a0) */
	CHECK(reloc_can_relax(m, low, insn, 0, 0));
	CHECK(!reloc_can_relax(m, low, insn, 0, 8));
	CHECK(!reloc_can_relax(m, reloc_find(m, 25), insn, 0, 0));
	put_le32(insn, 0x00052583); /* lw */
	CHECK(!reloc_can_relax(m, low, insn, 0, 0));
	put_le32(insn, 0x00000517); /* auipc */
	CHECK(reloc_can_relax(m, reloc_find(m, 20), insn, 0, 0));
	CHECK(!reloc_can_relax(m, reloc_find(m, 20), insn, 0, 8));
	CHECK(!reloc_can_relax(m, reloc_find(m, 23), insn, 0, 0));
}

TEST(reloc, only_got_accesses_have_a_direct_form)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		const struct reloc_machine *m = reloc_machine(machines[i]);

		for (uint32_t type = 0; type < 1100; type++) {
			const struct reloc_howto *how = reloc_find(m, type);
			const struct reloc_howto *to = reloc_direct(m, how);

			if (how->flags & RELOC_RELAXABLE)
				CHECK(to && to->size == how->size);
			else
				CHECK(!to || to == how);
		}
	}
}

static void check_stub_reach(unsigned machine, uint64_t up, uint64_t down)
{
	const struct reloc_machine *m = reloc_machine(machine);
	const uint64_t at = 1ull << 40;
	uint8_t stub[12] = { 0 };

	CHECK(m->stub_size <= sizeof(stub));
	CHECK_EQ(reloc_put_stub(m, stub, at, at + up), 0);
	CHECK_EQ(reloc_put_stub(m, stub, at, at - down), 0);
	stub[0] = 0x77;
	CHECK_EQ(reloc_put_stub(m, stub, at, at + up + 8), -TN_ERANGE);
	CHECK_EQ(reloc_put_stub(m, stub, at, at - down - 8), -TN_ERANGE);
	CHECK_EQ(reloc_put_stub(m, stub, at, at + 12), -TN_EINVAL);
	CHECK_EQ(reloc_put_stub(m, stub, at + 2, at + 8), -TN_EINVAL);
	CHECK_EQ(stub[0], 0x77);
}

TEST(reloc, stubs_reach_their_cell_or_say_so)
{
	check_stub_reach(EM_X86_64, 1ull << 31, (1ull << 31) - 8);
	check_stub_reach(EM_AARCH64, (1ull << 32) - 8, 1ull << 32);
	check_stub_reach(EM_RISCV, (1ull << 31) - 0x808, (1ull << 31) + 0x800);
}

TEST(reloc, x86_stub_ends_in_two_traps)
{
	const struct reloc_machine *m = reloc_machine(EM_X86_64);
	uint8_t stub[8] = { 0 };

	CHECK_EQ(m->stub_size, 8);
	CHECK_EQ(reloc_put_stub(m, stub, 0x1000, 0x2000), 0);
	CHECK_MEM(stub, "\xff\x25\xfa\x0f\x00\x00\xcc\xcc", 8);
}

TEST(reloc, weak_branch_is_a_matter_of_branches)
{
	uint8_t place[8] = { 0 };
	unsigned special = 0;

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		const struct reloc_machine *m = reloc_machine(machines[i]);

		for (uint32_t type = 0; type < 1100; type++) {
			const struct reloc_howto *how = reloc_find(m, type);

			if (!reloc_put_weak_branch(m, how, place, 0))
				continue;
			special++;
			CHECK(how->flags & RELOC_BRANCH);
		}
	}
	CHECK_EQ(special, 4); /* JUMP26 CALL26, CALL CALL_PLT */
	CHECK(!reloc_put_weak_branch(
	    reloc_machine(EM_RISCV), row(EM_RISCV, 19), place, INT64_MAX));
}
