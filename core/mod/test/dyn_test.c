/* SPDX-License-Identifier: MIT */
/*
 * Shared objects: segments, dynamic section, symbols, relocations; and every
 * way in which a malformed one could make a loader write where it must not.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include "shared.h"
#include "world.h"

#define AT   UINT64_C(0x40000000)
#define FUNC OBJECT_SYM(STB_GLOBAL, STT_FUNC)
#define DATA OBJECT_SYM(STB_GLOBAL, STT_OBJECT)

static int world_word;

static const struct tn_export exports[] = {
	WORLD_EXPORT(world_word),
};

static int load(
    struct world *w, struct span file, unsigned flags, struct tn_module **mod)
{
	const struct tn_load_args args = { .size = sizeof(args),
		.flags = flags | TN_LOAD_UNMARKED,
		.name = "blob",
		.data = file.p,
		.data_size = file.n };

	tn_diag_fini(&w->diag);
	return tn_load(w->sys, &args, mod, &w->diag);
}

static bool open_here(struct world *w)
{
	return world_open(w, exports, ARRAY_SIZE(exports));
}

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

TEST(dyn, segments_are_copied_and_bss_is_zero)
{
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	struct tn_module *mod;
	uint64_t *word, text, data;
	struct world w;
	size_t size;

	PROVES("G25");
	CHECK(open_here(&w));
	shared_symbol(s, "f", FUNC, shared_function(s, 77));
	shared_symbol(s, "word", DATA, shared_word(s, 0x1122334455667788));
	shared_bss(s, 5000);
	CHECK_EQ(load(&w, shared_file(s), 0, &mod), 0);
	CHECK_EQ(world_function(mod, "f")(0, 0), 77);
	word = world_object(mod, "word");
	CHECK_EQ(*word, 0x1122334455667788);
	CHECK(is_zero((uint8_t *)(word + 1), 5000));
	tn_module_part(mod, TN_TEXT, &text, &size);
	CHECK_EQ(size, SHARED_PAGE);
	tn_module_part(mod, TN_DATA, &data, &size);
	CHECK_EQ(size, 2 * SHARED_PAGE);
	CHECK_EQ(data - text, SHARED_DATA - SHARED_TEXT);
	memset(word + 1, 0xdb, 5000);
	CHECK_EQ(world_unload(&w, mod), 0);
	/* the next one in the same place finds it clean */
	CHECK_EQ(load(&w, shared_bytes(s), 0, &mod), 0);
	word = world_object(mod, "word");
	CHECK(is_zero((uint8_t *)(word + 1), 5000));
	CHECK_EQ(world_unload(&w, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

/* Bytes of the file between the segments' ends and the page's are not. */
TEST(dyn, pages_end_with_zeros)
{
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	struct tn_module *mod;
	struct world w;
	uint64_t text;
	size_t size;

	CHECK(open_here(&w));
	shared_symbol(s, "f", FUNC, shared_function(s, 1));
	shared_word(s, 1);
	shared_file(s);
	memset(shared_at(s, SHARED_TEXT + 8), 0xcc, SHARED_PAGE - 8);
	CHECK_EQ(load(&w, shared_bytes(s), 0, &mod), 0);
	tn_module_part(mod, TN_TEXT, &text, &size);
	CHECK(is_zero((uint8_t *)(uintptr_t)text + 8, size - 8));
	CHECK_EQ(world_unload(&w, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

/* --- symbols */

static void counts_symbols(unsigned flags)
{
	struct shared *s = shared_new(isa_here()->machine, flags);
	struct tn_module *mod;
	struct world w;
	char name[8];
	void *p;

	CHECK(open_here(&w));
	shared_symbol(s, "world_word", DATA, 0);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		shared_symbol(s, name, FUNC, shared_function(s, i));
	}
	shared_word(s, 0);
	CHECK_EQ(load(&w, shared_file(s), 0, &mod), 0);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		CHECK_EQ(world_function(mod, name)(0, 0), i);
	}
	CHECK_EQ(tn_module_symbol(mod, "f10", &p), -TN_ENOENT);
	CHECK_EQ(tn_module_symbol(mod, "", &p), -TN_ENOENT);
	/* what it imports is not its own */
	CHECK_EQ(tn_module_symbol(mod, "world_word", &p), -TN_ENOENT);
	CHECK_EQ(world_unload(&w, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(dyn, symbols_are_counted_by_either_hash_table)
{
	PROVES("G26");
	counts_symbols(SHARED_HASH);
	counts_symbols(SHARED_GNU_HASH);
	counts_symbols(SHARED_HASH | SHARED_GNU_HASH);
}

TEST(dyn, local_and_absolute_symbols)
{
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	struct tn_module *mod;
	struct world w;
	void *p;

	CHECK(open_here(&w));
	shared_symbol(
	    s, "hidden", OBJECT_SYM(STB_LOCAL, STT_OBJECT), shared_word(s, 1));
	shared_symbol(s, "absolute", DATA, 0x1234);
	shared_file(s);
	((struct elf_sym *)(void *)shared_at(
	    s, shared_dyn(s, DT_SYMTAB)->d_val))[2]
	    .st_shndx = SHN_ABS;
	CHECK_EQ(load(&w, shared_bytes(s), 0, &mod), 0);
	CHECK_EQ(tn_module_symbol(mod, "hidden", &p), -TN_ENOENT);
	CHECK_EQ(tn_module_symbol(mod, "absolute", &p), 0);
	CHECK_EQ((uintptr_t)p, 0x1234);
	CHECK_EQ(world_unload(&w, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

/*
 * A relocation may overwrite the NUL that the file's strings end with: what
 * then stands in memory up to the next one is no name.
 */
TEST(dyn, names_are_compared_within_the_string_table)
{
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	struct tn_module *mod;
	const char *name;
	struct world w;
	uint64_t text, end;
	size_t size;
	void *p;

	CHECK(open_here(&w));
	shared_symbol(s, "aaaaaaaaaaaaaaa", DATA, shared_word(s, 1));
	shared_rela(s, false,
	    &(struct elf_rela){ 0, isa_here()->abs64, 0x6161616161616161 });
	shared_function(s, 1);
	shared_file(s);
	end = shared_dyn(s, DT_STRTAB)->d_val + shared_dyn(s, DT_STRSZ)->d_val;
	((struct elf_rela *)(void *)shared_at(s, shared_dyn(s, DT_RELA)->d_val))
	    ->r_offset = end - 8;
	CHECK_EQ(load(&w, shared_bytes(s), 0, &mod), 0);
	tn_module_part(mod, TN_TEXT, &text, &size);
	name = (const char *)(uintptr_t)(text - SHARED_TEXT +
					 shared_dyn(s, DT_STRTAB)->d_val + 1);
	CHECK(strlen(name) > 15);
	CHECK_EQ(tn_module_symbol(mod, name, &p), -TN_ENOENT);
	CHECK_EQ(world_unload(&w, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

/* --- relocations */

struct fix {
	unsigned type;
	uint32_t symbol;
	int64_t addend;
	uint64_t value; /* that must be there, less the base when @based */
	bool based;
};

/* Eight words with all the kinds, in both tables. */
static void relocates(const struct isa *isa, bool plt)
{
	struct shared *s = shared_new(isa->machine, SHARED_HASH);
	/* AAELF64 has S + A; the others have S, and glibc on x86_64 too */
	const bool addend = isa->machine == EM_AARCH64;
	const bool slot_addend = isa->machine != EM_X86_64; /* R_RISCV_64 */
	const uint32_t import = shared_symbol(s, "import", DATA, 0);
	const uint32_t own = shared_symbol(s, "own", FUNC, SHARED_TEXT + 8);
	const uint32_t weak =
	    shared_symbol(s, "weak", OBJECT_SYM(STB_WEAK, STT_NOTYPE), 0);
	const struct fix fixes[] = {
		{ isa->relative, 0, 0x2345, 0x2345, true },
		{ isa->glob_dat, own, 0, SHARED_TEXT + 8, true },
		{ isa->jump_slot, own, 16, SHARED_TEXT + 8 + (addend ? 16 : 0),
		    true },
		{ isa->abs64, own, 16, SHARED_TEXT + 24, true },
		{ isa->glob_dat, import, 8, 0xfeed0000 + (slot_addend ? 8 : 0),
		    false },
		{ isa->jump_slot, import, 4, 0xfeed0000 + (addend ? 4 : 0),
		    false },
		{ isa->abs64, weak, 0, 0, false },
		{ 0, 0, 0, 0xdddddddd, false }, /* NONE */
	};
	const struct tn_export e = { .name = "import",
		.addr = (const void *)(uintptr_t)0xfeed0000 };
	const struct tn_image *img;
	struct tn_linked *linked;
	struct world w;
	uint64_t base;

	CHECK(world_offline(&w, AT, &e, 1));
	shared_function(s, 1);
	shared_function(s, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(fixes); i++) {
		const uint64_t at = shared_word(s, 0xdddddddd);

		shared_rela(s, plt && i % 2,
		    &(struct elf_rela){ at,
			(uint64_t)fixes[i].symbol << 32 | fixes[i].type,
			fixes[i].addend });
	}
	CHECK_EQ(world_link_bytes(&w, shared_file(s), &linked), 0);
	img = tn_linked_image(linked);
	CHECK_EQ(img->nparts, 3);
	base = img->part[0].addr;
	for (unsigned i = 0; i < ARRAY_SIZE(fixes); i++)
		CHECK_EQ(get_le64(img->part[2].write + SHARED_WORDS -
				  SHARED_DATA + 8 * i),
		    fixes[i].value + (fixes[i].based ? base : 0));
	tn_linked_free(linked);
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(dyn, relocations_of_all_kinds_are_applied)
{
	PROVES("G26 G27");
	for (unsigned i = 0; i < 3; i++) {
		relocates(&isas[i], false);
		relocates(&isas[i], true);
	}
}

/* One relocation of @type against @symbol at @offset, refused. */
struct bad_fix {
	uint64_t offset;
	unsigned type;
	uint32_t symbol;
	enum tn_errno error;
	const char *reason, *text;
};

static void refuses_fix(const struct isa *isa, const struct bad_fix *b)
{
	struct shared *s = shared_new(isa->machine, SHARED_HASH);
	struct world w;

	CHECK(world_offline(&w, AT, NULL, 0));
	shared_function(s, 1);
	shared_symbol(s, "own", FUNC, SHARED_TEXT);
	shared_word(s, 0);
	shared_rela(s, false,
	    &(struct elf_rela){
		b->offset, (uint64_t)b->symbol << 32 | b->type, 0 });
	CHECK(world_refuses(&w, shared_file(s),
	    (struct world_refusal){ b->error, b->reason, b->text }, TEST_AT));
	shared_free(s);
	CHECK(world_close(&w));
}

#define PLACE ": the place lies outside the section"

// clang-format off
static const struct bad_fix bad_fixes[] = {
	/* aarch64: targets before, behind, at the very end, between parts */
	{ 3 * SHARED_PAGE, 1027, 0, TN_ENOEXEC, "reloc_place", "image+0x3000: R_AARCH64_RELATIVE" PLACE },
	{ 3 * SHARED_PAGE - 7, 1027, 0, TN_ENOEXEC, "reloc_place", "image+0x2ff9: R_AARCH64_RELATIVE" PLACE },
	{ UINT64_MAX, 1027, 0, TN_ENOEXEC, "reloc_place", "image+0xffffffffffffffff: R_AARCH64_RELATIVE" PLACE },
	{ (uint64_t)-8, 1027, 0, TN_ENOEXEC, "reloc_place", "image+0xfffffffffffffff8: R_AARCH64_RELATIVE" PLACE },
	{ (uint64_t)-(int64_t)AT, 1027, 0, TN_ENOEXEC, "reloc_place", "image+0xffffffffc0000000: R_AARCH64_RELATIVE" PLACE },
	{ SHARED_PAGE - 4, 1027, 0, TN_ENOEXEC, "reloc_place", "image+0xffc: R_AARCH64_RELATIVE" PLACE },
	{ SHARED_WORDS, 1025, 2, TN_ENOEXEC, "reloc_symbol", "image+0x2400: R_AARCH64_GLOB_DAT: there is no symbol number 2" },
	{ SHARED_WORDS, 257, UINT32_MAX, TN_ENOEXEC, "reloc_symbol", "image+0x2400: R_AARCH64_ABS64: there is no symbol number 4294967295" },
	{ SHARED_WORDS, 1032, 0, TN_EOPNOTSUPP, "reloc_refused", "image+0x2400: R_AARCH64_IRELATIVE: an indirect function (ifunc) is not supported" },
	{ SHARED_WORDS, 1024, 1, TN_EOPNOTSUPP, "reloc_refused", "image+0x2400: R_AARCH64_COPY against 'own': a copy relocation is not supported" },
	{ SHARED_WORDS, 1031, 1, TN_EOPNOTSUPP, "reloc_refused", "image+0x2400: R_AARCH64_TLSDESC against 'own': thread-local storage is not supported" },
	{ SHARED_WORDS, 283, 1, TN_EOPNOTSUPP, "reloc_refused", "image+0x2400: R_AARCH64_CALL26 against 'own': this relocation in a shared object is not supported" },
	{ SHARED_WORDS, 258, 1, TN_EOPNOTSUPP, "reloc_refused", "image+0x2400: R_AARCH64_ABS32 against 'own': this relocation in a shared object is not supported" },
	{ SHARED_WORDS, 999, 1, TN_EOPNOTSUPP, "reloc_unknown", "image+0x2400: relocation type 999 does not exist" },
};
// clang-format on

/* The kernel's trap: targets unchecked are an arbitrary write. */
TEST(dyn, malformed_relocations_are_refused)
{
	PROVES("G27");
	for (unsigned i = 0; i < ARRAY_SIZE(bad_fixes); i++)
		refuses_fix(isa_of(EM_AARCH64), &bad_fixes[i]);
}

/* A local symbol without a definition has no address, also not 0. */
TEST(dyn, a_local_symbol_that_is_not_defined_is_refused)
{
	for (unsigned i = 0; i < ARRAY_SIZE(isas); i++) {
		struct shared *s = shared_new(isas[i].machine, SHARED_HASH);
		const uint32_t local = shared_symbol(
		    s, "nowhere", OBJECT_SYM(STB_LOCAL, STT_NOTYPE), 0);
		struct world w;

		CHECK(world_offline(&w, AT, NULL, 0));
		shared_function(s, 1);
		shared_rela(s, false,
		    &(struct elf_rela){ shared_word(s, 0),
			(uint64_t)local << 32 | isas[i].abs64, 0 });
		CHECK(world_refuses(&w, shared_file(s),
		    (struct world_refusal){ TN_ENOEXEC, "symbol_section",
			"local symbol 'nowhere' is used but defined nowhere" },
		    TEST_AT));
		shared_free(s);
		CHECK(world_close(&w));
	}
}

/* --- imports */

TEST(dyn, imports_are_refused_where_they_are_off)
{
	struct shared *s = shared_new(isa_here()->machine, SHARED_GNU_HASH);
	const uint32_t import = shared_symbol(s, "world_word", DATA, 0);
	struct tn_module *mod;
	struct world w;
	uint64_t at;
	char text[128];

	PROVES("G27");
	CHECK(open_here(&w));
	at = shared_word(s, 0);
	shared_rela(s, false,
	    &(struct elf_rela){
		at, (uint64_t)import << 32 | isa_here()->glob_dat, 0 });
	shared_symbol(s, "cell", DATA, at);
	CHECK_EQ(
	    load(&w, shared_file(s), TN_LOAD_NO_IMPORTS, &mod), -TN_EOPNOTSUPP);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "blob: an imported symbol is not supported (symbol "
			"'world_word')");
	CHECK_EQ(load(&w, shared_bytes(s), 0, &mod), 0);
	CHECK_EQ(
	    *(uint64_t *)world_object(mod, "cell"), (uintptr_t)&world_word);
	CHECK_EQ(world_unload(&w, mod), 0);
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(dyn, missing_imports_are_listed)
{
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	struct tn_module *mod;
	struct world w;
	char text[128];

	CHECK(open_here(&w));
	shared_symbol(s, "world_work", DATA, 0);
	shared_symbol(s, "nothing", DATA, 0);
	shared_word(s, 0);
	CHECK_EQ(load(&w, shared_file(s), 0, &mod), -TN_ENOENT);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text,
	    "blob: 2 missing symbols:\n  world_work (nearest: world_word)\n"
	    "  nothing");
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(dyn, what_it_needs_must_be_a_loaded_module)
{
	struct author a = author_new(isa_here()->machine, "lib-base");
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	struct tn_module *mod, *base;
	struct world w;
	char text[128];

	CHECK(open_here(&w));
	shared_word(s, 0);
	shared_tag(s, DT_NEEDED, shared_string(s, "lib-base.so.1"));
	CHECK_EQ(load(&w, shared_file(s), 0, &mod), -TN_ENOENT);
	CHECK_STR(tn_reason_name(w.diag.reason), "needed");
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "blob: needs lib-base.so.1, which is not loaded");
	CHECK_EQ(world_load(&w, a.o, 0, &base), 0);
	CHECK_EQ(load(&w, shared_bytes(s), 0, &mod), 0);
	/* which then stays, though nothing is imported from it */
	CHECK_EQ(world_unload(&w, base), -TN_EBUSY);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(world_unload(&w, base), 0);
	author_free(&a);
	shared_free(s);
	CHECK(world_close(&w));
}

/* As for imports: all of the names may share their bytes. */
TEST(dyn, names_of_what_it_needs_are_in_proportion_to_the_file)
{
	struct author a = author_new(isa_here()->machine, "lib-base");
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	struct tn_module *mod, *base;
	struct world w;
	char path[2048];
	uint32_t at;

	memset(path, '/', sizeof(path));
	strcpy(path + sizeof(path) - 16, "lib-base.so");
	CHECK(open_here(&w));
	CHECK_EQ(world_load(&w, a.o, 0, &base), 0);
	shared_word(s, 0);
	at = shared_string(s, path);
	for (int i = 0; i < 36; i++)
		shared_tag(s, DT_NEEDED, at);
	CHECK(36 * strlen(path) > 4 * shared_file(s).n);
	CHECK_EQ(load(&w, shared_bytes(s), 0, &mod), -TN_EFBIG);
	CHECK_EQ(w.diag.reason, TN_REASON_LIMIT);
	CHECK_EQ(world_unload(&w, base), 0);
	author_free(&a);
	shared_free(s);
	CHECK(world_close(&w));
}

/* --- constructors */

static char trace[16];

static void note_a(void)
{
	strcat(trace, "a");
}

static void note_b(void)
{
	strcat(trace, "b");
}

/* Tables of functions of this program: their addresses as addends. */
TEST(dyn, constructors_and_destructors_run)
{
	static const struct tn_export notes[] = { WORLD_EXPORT(note_a),
		WORLD_EXPORT(note_b) };
	struct shared *s = shared_new(isa_here()->machine, SHARED_HASH);
	const uint32_t a = shared_symbol(s, "note_a", FUNC, 0);
	const uint32_t b = shared_symbol(s, "note_b", FUNC, 0);
	uint64_t table = 0;
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, notes, 2));
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t at = shared_word(s, 0);

		table = i == 0 ? at : table;
		shared_rela(s, false,
		    &(struct elf_rela){ at,
			(uint64_t)(i ? b : a) << 32 | isa_here()->abs64, 0 });
	}
	shared_tag(s, DT_INIT_ARRAY, table);
	shared_tag(s, DT_INIT_ARRAYSZ, 16);
	shared_tag(s, DT_FINI_ARRAY, table);
	shared_tag(s, DT_FINI_ARRAYSZ, 16);
	shared_tag(s, DT_INIT, shared_function(s, 1));
	shared_tag(s, DT_FINI, shared_function(s, 2));
	trace[0] = '\0';
	CHECK_EQ(load(&w, shared_file(s), 0, &mod), 0);
	CHECK_STR(trace, "ab");
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_STR(trace, "abba");
	shared_free(s);
	CHECK(world_close(&w));
}
