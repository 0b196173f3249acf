/* SPDX-License-Identifier: MIT */
/*
 * Our encoders against golden_*.h: the bytes that another assembler and linker
 * made of each relocation, in range, at the edges, one step beyond and
 * misaligned. A row holds the operands; the value is computed here from the
 * expression that our table names, so a wrong expression shows as well.
 */
#include <base/span.h>
#include <reloc/reloc.h>
#include <test/test.h>

#include "encode.h"

enum golden_table {
	FIELD, /* an ordinary relocation */
	RELAX, /* a GOT access; REFUSED: ld leaves it one */
	WEAK,  /* of an undefined weak symbol */
	STUB,  /* our stub: at P, through the cell S */
};

enum golden_verdict {
	ACCEPTED,
	REFUSED,  /* by ld and by us */
	STRICTER, /* by us; golden_cases.py says why */
};

struct golden {
	uint16_t machine;
	uint16_t type;
	uint8_t table;
	uint8_t verdict;
	uint8_t size; /* of before and after */
	uint8_t off;  /* of the place in them */
	uint64_t s, p, g, got;
	int64_t a;
	uint8_t before[12];
	uint8_t after[12];
};

struct golden_name {
	uint16_t machine;
	uint16_t type;
	const char *name;
};

#include "golden_aarch64.h"
#include "golden_names.h"
#include "golden_riscv64.h"
#include "golden_x86_64.h"

static const struct goldens {
	const struct golden *rows;
	size_t n;
} all[] = {
	{ golden_x86_64, ARRAY_SIZE(golden_x86_64) },
	{ golden_aarch64, ARRAY_SIZE(golden_aarch64) },
	{ golden_riscv64, ARRAY_SIZE(golden_riscv64) },
};

#define PAGE(x) ((x) & ~(uint64_t)0xfff)

/* The value of the expression with the operands of @g, but @s and @p. */
static uint64_t value_of(const struct reloc_howto *how, const struct golden *g,
    uint64_t s, uint64_t p)
{
	const uint64_t a = (uint64_t)g->a;

	switch (how->expr) {
	case RELOC_ABS:
	case RELOC_ADD:
	case RELOC_SUB: return s + a;
	case RELOC_PC: return s + a - p;
	case RELOC_PAGE: return PAGE(s + a) - PAGE(p);
	case RELOC_GOT_PC: return g->g + a - p;
	case RELOC_GOT_PAGE: return PAGE(g->g) - PAGE(p);
	case RELOC_GOT_LOW: return g->g;
	case RELOC_GOT_PAGEOFF: return g->g - PAGE(g->got);
	case RELOC_PAIR_LOW: return s + a - p; /* P is the HI20's */
	default: return ~(uint64_t)0; /* nothing that a linker computes */
	}
}

static void copy(uint8_t *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

/* Each of the following returns whether we and the row agree. */
static bool field_agrees(const struct golden *g)
{
	const struct reloc_machine *m = reloc_machine(g->machine);
	const struct reloc_howto *how = reloc_find(m, g->type);
	const uint64_t value = value_of(how, g, g->s, g->p);
	uint8_t place[12];

	if (g->verdict != ACCEPTED)
		return reloc_check(how, value) < 0;
	copy(place, g->before, sizeof(place));
	if (how->size != g->size || reloc_check(how, value) < 0)
		return false;
	reloc_put(m, how, place, value);
	return same(place, g->after, g->size);
}

static bool relax_agrees(const struct golden *g)
{
	const struct reloc_machine *m = reloc_machine(g->machine);
	const struct reloc_howto *how = reloc_find(m, g->type);
	uint8_t buf[12];
	int shift;
	uint64_t p, value;

	copy(buf, g->before, sizeof(buf));
	if (!reloc_can_relax(m, how, buf + g->off, g->off, g->a))
		return g->verdict == REFUSED;
	if (g->verdict == REFUSED)
		return false;
	how = reloc_relax(m, how, buf + g->off, &shift);
	p = how->expr == RELOC_PAIR_LOW ? g->p : g->p + (uint64_t)shift;
	value = value_of(how, g, g->s, p);
	if (reloc_check(how, value) < 0)
		return false;
	reloc_put(m, how, buf + g->off + shift, value);
	return same(buf, g->after, g->size);
}

static bool weak_agrees(const struct golden *g)
{
	const struct reloc_machine *m = reloc_machine(g->machine);
	const struct reloc_howto *how = reloc_find(m, g->type);
	uint64_t value;
	uint8_t place[12];

	copy(place, g->before, sizeof(place));
	if (reloc_put_weak_branch(m, how, place, g->a))
		return same(place, g->after, g->size);
	value = value_of(how, g, reloc_weak_value(m, how, g->p), g->p);
	if (reloc_check(how, value) == -TN_ERANGE &&
	    reloc_make_absolute(m, how, place))
		value = (uint64_t)g->a;
	if (reloc_check(how, value) < 0)
		return false;
	reloc_put(m, how, place, value);
	return same(place, g->after, g->size);
}

/* x86_64: the relocation is inside of the jmp, which starts at @p - 2. */
static bool stub_agrees(const struct golden *g)
{
	const struct reloc_machine *m = reloc_machine(g->machine);
	const bool x86 = g->machine == EM_X86_64;
	const uint64_t at = x86 ? g->p - 2 : g->p;
	uint8_t stub[12];

	if (reloc_put_stub(m, stub, at, g->s) < 0)
		return g->verdict == REFUSED;
	if (x86)
		return stub[0] == 0xff && stub[1] == 0x25 &&
		       same(stub + 2, g->after, 4);
	return m->stub_size == g->size && same(stub, g->after, g->size);
}

static bool agrees(const struct golden *g)
{
	switch (g->table) {
	case FIELD: return field_agrees(g);
	case RELAX: return relax_agrees(g);
	case WEAK: return weak_agrees(g);
	default: return stub_agrees(g);
	}
}

static void check_all(const struct goldens *of, unsigned table)
{
	unsigned rows = 0;

	for (size_t i = 0; i < of->n; i++) {
		if (of->rows[i].table != table)
			continue;
		rows++;
		if (!agrees(&of->rows[i]))
			CHECK_EQ(i, -1); /* prints which */
	}
	CHECK(rows > 0);
}

TEST(reloc, x86_64_fields_are_those_of_ld)
{
	check_all(&all[0], FIELD);
}

TEST(reloc, aarch64_fields_are_those_of_ld)
{
	check_all(&all[1], FIELD);
}

TEST(reloc, riscv64_fields_are_those_of_ld)
{
	check_all(&all[2], FIELD);
}

TEST(reloc, got_loads_relax_as_in_linkers)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_all(&all[i], RELAX);
}

TEST(reloc, undefined_weak_symbols_are_treated_as_by_ld)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_all(&all[i], WEAK);
}

TEST(reloc, stubs_are_what_an_assembler_makes_of_their_text)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_all(&all[i], STUB);
}

static void check_flips(struct golden g)
{
	/* of an x86_64 stub only the displacement is compared */
	const bool jmp = g.table == STUB && g.machine == EM_X86_64;
	const unsigned bits = 8u * (jmp ? 4 : g.size);

	for (unsigned bit = 0; bit < bits; bit++) {
		const uint8_t one = (uint8_t)(1u << bit % 8);

		g.after[bit / 8] ^= one;
		CHECK(!agrees(&g));
		g.after[bit / 8] ^= one;
	}
}

/* The proof can fail: one bit off, anywhere, and the row disagrees. */
TEST(reloc, one_flipped_bit_of_the_golden_bytes_is_seen)
{
	for (size_t m = 0; m < ARRAY_SIZE(all); m++) {
		for (size_t i = 0; i < all[m].n; i++) {
			if (all[m].rows[i].verdict == ACCEPTED)
				check_flips(all[m].rows[i]);
		}
	}
}

TEST(reloc, every_type_of_the_c_library_has_its_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(golden_names); i++) {
		const struct golden_name *n = &golden_names[i];

		CHECK_STR(
		    reloc_name(reloc_machine(n->machine), n->type), n->name);
	}
}

/* A type is either proved by a row or cannot be: see uncovered(). */
static bool has_row(const struct goldens *of, uint32_t type)
{
	for (size_t i = 0; i < of->n; i++) {
		if (of->rows[i].type == type && of->rows[i].verdict == ACCEPTED)
			return true;
	}
	return false;
}

/*
 * Dynamic types are written by a dynamic linker, which writes words; ALIGN and
 * the ULEB128 pair have no field; riscv PLT32 (59) is newer than ld 2.40.
 */
static bool uncovered(const struct reloc_machine *m, uint32_t type)
{
	switch (reloc_find(m, type)->expr) {
	case RELOC_UNKNOWN:
	case RELOC_REFUSED:
	case RELOC_NOTHING:
	case RELOC_BASE:
	case RELOC_DYN_SYMBOL:
	case RELOC_ALIGN:
	case RELOC_SET_ULEB:
	case RELOC_SUB_ULEB: return true;
	default: return m->elf_machine == EM_RISCV && type == 59;
	}
}

static void check_coverage(const struct goldens *of)
{
	const struct reloc_machine *m = reloc_machine(of->rows[0].machine);

	for (uint32_t type = 0; type < 2048; type++) {
		if (!uncovered(m, type) && !has_row(of, type))
			CHECK_STR(reloc_name(m, type), "has a golden row");
	}
}

TEST(reloc, every_supported_type_has_a_golden_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_coverage(&all[i]);
}
