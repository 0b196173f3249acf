/* SPDX-License-Identifier: MIT */
/*
 * GOT cells: one per symbol and addend, none unused, and made away with where
 * a direct reference reaches and may stay for ever (decision 18). Linked
 * offline for each machine; what concerns two modules is loaded.
 */
#include <test/test.h>

#include "world.h"

#define AT       UINT64_C(0x40000000)
#define FAR      UINT64_C(0x700000000000)
#define NEAR     UINT64_C(0x40800000)
#define NEAR_TOO UINT64_C(0x41800000)

/* Exports of the offline worlds: addresses are all that counts. */
static const struct tn_export exports[] = {
	{ .name = "far", .addr = (const void *)(uintptr_t)FAR },
	{ .name = "far_too", .addr = (const void *)(uintptr_t)(FAR + 64) },
	{ .name = "near", .addr = (const void *)(uintptr_t)NEAR },
	{ .name = "near_too", .addr = (const void *)(uintptr_t)NEAR_TOO },
};

static bool open_at(struct world *w, uint64_t at)
{
	return world_offline(w, at, exports, ARRAY_SIZE(exports));
}

static unsigned count_cells(const struct tn_linked *linked)
{
	return (unsigned)(world_section(linked, ".tenon.got").size / 8);
}

/* The code of the function at offset @at of .text. */
static const uint8_t *code(const struct tn_linked *linked, uint64_t at)
{
	return world_section(linked, ".text").bytes + at;
}

static uint64_t got_target(
    const struct isa *isa, const struct tn_linked *linked, uint64_t at)
{
	return isa_got_target(
	    isa, code(linked, at), world_section(linked, ".text").addr + at);
}

static void shares_cells(const struct isa *isa)
{
	struct author a = author_new(isa->machine, "shared");
	const uint32_t far = object_undefined(a.o, "far");
	const uint32_t too = object_undefined(a.o, "far_too");
	struct tn_linked_section got;
	struct tn_linked *linked;
	struct world w;
	uint64_t at[4];

	CHECK(open_at(&w, AT));
	for (unsigned i = 0; i < 4; i++)
		at[i] = isa_got(a.o, a.text, i % 2 ? too : far);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(count_cells(linked), 2);
	CHECK_EQ(
	    got_target(isa, linked, at[0]), got_target(isa, linked, at[2]));
	CHECK_EQ(
	    got_target(isa, linked, at[1]), got_target(isa, linked, at[3]));
	got = world_section(linked, ".tenon.got");
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t cell = got_target(isa, linked, at[i]);

		CHECK(cell - got.addr < got.size);
		CHECK_EQ(get_le64(got.bytes + (cell - got.addr)), FAR + i * 64);
		CHECK(isa_is_got_load(isa, code(linked, at[i])));
	}
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(got, cells_are_shared_and_none_is_unused)
{
	for (unsigned i = 0; i < 3; i++)
		shares_cells(&isas[i]);
}

static void relaxes(const struct isa *isa)
{
	struct author a = author_new(isa->machine, "relaxed");
	const uint32_t own = author_word(&a, "own", 7);
	struct tn_linked *linked;
	struct world w;
	uint64_t at[3];

	CHECK(open_at(&w, AT));
	at[0] = isa_got(a.o, a.text, object_undefined(a.o, "near"));
	at[1] = isa_got(a.o, a.text, object_undefined(a.o, "near_too"));
	at[2] = isa_got(a.o, a.text, own);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(count_cells(linked), 0);
	for (unsigned i = 0; i < 3; i++)
		CHECK(!isa_is_got_load(isa, code(linked, at[i])));
	CHECK_EQ(got_target(isa, linked, at[0]), NEAR);
	CHECK_EQ(got_target(isa, linked, at[1]), NEAR_TOO);
	CHECK_EQ(got_target(isa, linked, at[2]), world_value(linked, "own"));
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(got, access_to_what_is_near_and_fixed_becomes_direct)
{
	for (unsigned i = 0; i < 3; i++)
		relaxes(&isas[i]);
}

/* Near and far in one module: a cell for the far one alone. */
static void is_exact(const struct isa *isa)
{
	struct author a = author_new(isa->machine, "exact");
	struct tn_linked *linked;
	struct tn_linked_ref ref;
	struct world w;
	unsigned cells = 0;

	CHECK(open_at(&w, AT));
	isa_got(a.o, a.text, object_undefined(a.o, "near"));
	isa_got(a.o, a.text, object_undefined(a.o, "far"));
	isa_got(a.o, a.text, object_undefined(a.o, "near_too"));
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(count_cells(linked), 1);
	for (uint32_t i = 0; tn_linked_ref(linked, i, &ref); i++) {
		cells += ref.cell_addr != 0;
		CHECK_EQ(ref.stub_addr, 0);
	}
	CHECK_EQ(cells, 1);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(got, has_cells_for_what_needs_them_alone)
{
	for (unsigned i = 0; i < 3; i++)
		is_exact(&isas[i]);
}

static void weak_is_zero(const struct isa *isa)
{
	struct author a = author_new(isa->machine, "weak");
	const uint32_t weak = object_symbol(
	    a.o, "nobody", OBJECT_SYM(STB_WEAK, STT_NOTYPE), SHN_UNDEF, 0);
	struct tn_linked_section got;
	struct tn_linked *linked;
	struct world w;
	uint64_t at;

	/* Where 0 is within reach of a direct reference. */
	CHECK(open_at(&w, 0x100000));
	at = isa_got(a.o, a.text, weak);
	author_pointer(&a, "pointer", weak, 0);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK(isa_is_got_load(isa, code(linked, at)));
	got = world_section(linked, ".tenon.got");
	CHECK_EQ(got.size, 8);
	CHECK_EQ(got_target(isa, linked, at), got.addr);
	CHECK_EQ(get_le64(got.bytes), 0);
	CHECK_EQ(get_le64(world_section(linked, ".data").bytes), 0);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(got, weak_undefined_is_a_cell_with_zero)
{
	for (unsigned i = 0; i < 3; i++)
		weak_is_zero(&isas[i]);
}

/* The same without a cell: what a static link makes of page and offset. */
TEST(got, weak_undefined_by_page_is_the_place_or_zero)
{
	struct author a = author_new(EM_AARCH64, "page");
	const uint32_t weak = object_symbol(
	    a.o, "nobody", OBJECT_SYM(STB_WEAK, STT_NOTYPE), SHN_UNDEF, 0);
	struct tn_linked *linked;
	struct world w;

	CHECK(open_at(&w, AT + 0x1000));
	object_add32(a.o, a.text, 0x90000000); /* adrp x0, nobody */
	object_add32(a.o, a.text, 0x91000000); /* add x0, x0, :lo12: */
	object_rela(a.o, a.text, (struct object_fix){ 0, 275, weak, 0 });
	object_rela(a.o, a.text, (struct object_fix){ 4, 277, weak, 0 });
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(get_le32(code(linked, 0)), 0x90000000);
	CHECK_EQ(get_le32(code(linked, 4)), 0x91000000);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* riscv: relative where 0 is in reach, absolute (lui) where it is not. */
TEST(got, weak_undefined_by_pair_is_zero)
{
	static const uint64_t places[] = { 0x100000, AT << 12 };

	for (unsigned i = 0; i < 2; i++) {
		struct author a = author_new(EM_RISCV, "pair");
		const uint32_t weak = object_symbol(a.o, "nobody",
		    OBJECT_SYM(STB_WEAK, STT_NOTYPE), SHN_UNDEF, 0);
		const uint32_t label = object_symbol(
		    a.o, ".L", OBJECT_SYM(STB_LOCAL, STT_NOTYPE), a.text, 0);
		struct tn_linked *linked;
		struct world w;

		CHECK(open_at(&w, places[i]));
		object_add32(a.o, a.text, 0x00000517); /* auipc a0 */
		object_add32(a.o, a.text, 0x00050513); /* addi a0, a0 */
		object_rela(a.o, a.text, (struct object_fix){ 0, 23, weak, 0 });
		object_rela(
		    a.o, a.text, (struct object_fix){ 4, 24, label, 0 });
		CHECK_EQ(world_link(&w, a.o, &linked), 0);
		if (i == 0)
			CHECK_EQ(got_target(&isas[2], linked, 0), 0);
		else
			CHECK_EQ(get_le32(code(linked, 0)), 0x00000537);
		tn_linked_free(linked);
		author_free(&a);
		CHECK(world_close(&w));
	}
}

/* --- the edge of reach, to the byte */

struct edge {
	unsigned machine;
	int64_t last; /* the largest displacement of a direct form ... */
	int64_t past; /* ... and one that has to be a load */
};

/* One byte of reach is kept for the jump below. */
static const struct edge edges[] = {
	{ EM_X86_64, INT32_MAX - 1, INT64_C(0x80000000) },
	{ EM_AARCH64, 0xfffff000, INT64_C(1) << 32 },
	{ EM_RISCV, 0x7ffff7fe, 0x7ffff800 },
};

/* Links a GOT access to @symbol; says whether it stayed a load. */
static int link_edge(
    const struct isa *isa, uint64_t symbol, bool *load, uint64_t *target)
{
	const struct tn_export e = { .name = "edge",
		.addr = (const void *)(uintptr_t)symbol };
	struct author a = author_new(isa->machine, "edge");
	struct tn_linked *linked;
	struct world w;
	uint64_t at;
	int err;

	if (!world_offline(&w, AT, &e, 1))
		return -TN_ENOMEM;
	at = isa_got(a.o, a.text, object_undefined(a.o, "edge"));
	err = world_link(&w, a.o, &linked);
	if (err == 0) {
		*load = isa_is_got_load(isa, code(linked, at));
		*target = got_target(isa, linked, at);
		tn_linked_free(linked);
	}
	author_free(&a);
	return world_close(&w) ? err : -TN_EIO;
}

TEST(got, direct_form_is_used_up_to_its_edge)
{
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
		const struct isa *isa = isa_of(edges[i].machine);
		/* x86 counts from the end of the instruction */
		const uint64_t from = isa->machine == EM_X86_64 ? AT + 7 : AT;
		const uint64_t last = from + (uint64_t)edges[i].last;
		const uint64_t past = from + (uint64_t)edges[i].past;
		uint64_t target;
		bool load;

		CHECK_EQ(link_edge(isa, last, &load, &target), 0);
		CHECK(!load);
		CHECK_EQ(target, last);
		CHECK_EQ(link_edge(isa, past, &load, &target), 0);
		CHECK(load);
	}
}

/* "jmp *cell(%rip)" becomes a jump one byte shorter: P moves, and the edge. */
TEST(got, indirect_jump_at_the_edge_keeps_its_cell)
{
	static const uint8_t jump[8] = { 0xff, 0x25, 0, 0, 0, 0, 0xcc, 0xcc };

	for (int64_t past = -1; past <= 1; past++) {
		const uint64_t symbol = AT + 6 + INT32_MAX + (uint64_t)past;
		const struct tn_export e = { .name = "edge",
			.addr = (const void *)(uintptr_t)symbol };
		struct author a = author_new(EM_X86_64, "jump");
		struct tn_linked *linked;
		struct world w;

		CHECK(world_offline(&w, AT, &e, 1));
		object_add(a.o, a.text, jump, sizeof(jump));
		object_rela(a.o, a.text,
		    (struct object_fix){
			2, 41, object_undefined(a.o, "edge"), -4 });
		CHECK_EQ(world_link(&w, a.o, &linked), 0);
		CHECK_EQ(code(linked, 0)[0], past < 0 ? 0xe9 : 0xff);
		if (past < 0)
			CHECK_EQ(
			    isa_branch_target(&isas[0], code(linked, 0), AT),
			    symbol);
		tn_linked_free(linked);
		author_free(&a);
		CHECK(world_close(&w));
	}
}

/* --- addends */

static void add_got_page(struct author *a, uint32_t symbol, int64_t addend)
{
	const uint64_t at = object_add32(a->o, a->text, 0x90000000);

	object_add32(a->o, a->text, 0xf9400000);
	object_rela(
	    a->o, a->text, (struct object_fix){ at, 311, symbol, addend });
	object_rela(
	    a->o, a->text, (struct object_fix){ at + 4, 312, symbol, addend });
}

/* aarch64: GDAT(S + A), a cell for each addend. */
TEST(got, a_cell_includes_its_addend)
{
	struct author a = author_new(EM_AARCH64, "addends");
	const uint32_t far = object_undefined(a.o, "far");
	struct tn_linked_section got;
	struct tn_linked *linked;
	struct world w;

	CHECK(open_at(&w, AT));
	add_got_page(&a, far, 0);
	add_got_page(&a, far, 24);
	add_got_page(&a, far, 0);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	got = world_section(linked, ".tenon.got");
	CHECK_EQ(got.size, 16);
	CHECK_EQ(get_le64(got.bytes) + get_le64(got.bytes + 8), 2 * FAR + 24);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(got, more_addends_than_any_compiler_makes_are_refused)
{
	struct author a = author_new(EM_AARCH64, "many");
	const uint32_t far = object_undefined(a.o, "far");
	struct world w;

	CHECK(open_at(&w, AT));
	for (int i = 0; i <= 64; i++)
		add_got_page(&a, far, i * 8);
	CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "reloc_cells",
	    "many: .text+0x200: R_AARCH64_ADR_GOT_PAGE against 'far': "
	    "too many different addends for one symbol");
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- between modules */

static int world_word = 1;

static const struct tn_export here[] = {
	WORLD_EXPORT(world_word),
};

static struct author make_provider(void)
{
	struct author a = author_new(isa_here()->machine, "provider");

	author_export(&a, (struct author_export){ .name = "provided",
			      .symbol = author_word(&a, "provided", 5) });
	return a;
}

static struct author make_user(const char *name)
{
	struct author a = author_new(isa_here()->machine, name);

	author_export(&a, (struct author_export){ .name = name,
			      .symbol = author_got(&a, name,
				  object_undefined(a.o, "provided")) });
	return a;
}

/* How the function @name of a loaded module reaches the provider. */
static bool loads_cell(struct tn_module *mod, const char *name)
{
	const uint8_t *p = world_object(mod, name);

	return isa_is_got_load(isa_here(), p);
}

/* Ordinary modules are bound by cell, unless the load asks for more. */
TEST(got, binds_modules_by_cell_unless_asked_to_bind_directly)
{
	struct author provider = make_provider();
	struct author users[2] = { make_user("by_cell"), make_user("direct") };
	struct tn_module *p, *u[2];
	struct tn_module_info info;
	struct world w;
	void *word;

	PROVES("L09 L11");
	CHECK(world_open(&w, here, ARRAY_SIZE(here)));
	CHECK_EQ(world_load(&w, provider.o, 0, &p), 0);
	CHECK_EQ(world_load(&w, users[0].o, 0, &u[0]), 0);
	CHECK_EQ(world_load(&w, users[1].o, TN_LOAD_DIRECT, &u[1]), 0);
	word = world_object(p, "provided");
	CHECK_EQ(world_function(u[0], "by_cell")(0, 0), (uintptr_t)word);
	CHECK_EQ(world_function(u[1], "direct")(0, 0), (uintptr_t)word);
	CHECK(loads_cell(u[0], "by_cell"));
	CHECK(!loads_cell(u[1], "direct"));
	tn_module_info(u[0], &info);
	CHECK_EQ(info.ncells, 1);
	tn_module_info(u[1], &info);
	CHECK_EQ(info.ncells, 0);
	for (int i = 1; i >= 0; i--) {
		CHECK_EQ(world_unload(&w, u[i]), 0);
		author_free(&users[i]);
	}
	CHECK_EQ(world_unload(&w, p), 0);
	author_free(&provider);
	CHECK(world_close(&w));
}

static int stay(void)
{
	return 0;
}

/* One that has promised to stay is as fixed as the world. */
TEST(got, binds_permanent_modules_directly)
{
	static const struct tn_export only[] = { WORLD_EXPORT(stay) };
	static struct world w; /* for good, with its module */
	struct author provider = make_provider();
	struct author user = make_user("user");
	struct tn_module *p, *u;

	CHECK(world_open(&w, only, 1));
	author_jump(&provider, "init_module", "stay");
	CHECK_EQ(world_load(&w, provider.o, 0, &p), 0);
	CHECK_EQ(world_load(&w, user.o, 0, &u), 0);
	CHECK(!loads_cell(u, "user"));
	CHECK_EQ(world_function(u, "user")(0, 0),
	    (uintptr_t)world_object(p, "provided"));
	CHECK_EQ(world_unload(&w, u), 0);
	CHECK_EQ(world_unload(&w, p), -TN_EBUSY);
	author_free(&user);
	author_free(&provider);
}

TEST(got, stays_as_it_is_when_relaxing_is_forbidden)
{
	struct author a = author_new(isa_here()->machine, "kept");
	const uint32_t own = author_word(&a, "own", 5);
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, here, ARRAY_SIZE(here)));
	author_export(&a, (struct author_export){ .name = "get",
			      .symbol = author_got(&a, "get", own) });
	CHECK_EQ(world_load(&w, a.o, TN_LOAD_NO_RELAX, &mod), 0);
	CHECK(loads_cell(mod, "get"));
	CHECK_EQ(*(uint64_t *)(uintptr_t)world_function(mod, "get")(0, 0), 5);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK(!loads_cell(mod, "get"));
	CHECK_EQ(*(uint64_t *)(uintptr_t)world_function(mod, "get")(0, 0), 5);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}
