/* SPDX-License-Identifier: MIT */
/*
 * Program headers and dynamic entries with wrong values: each refused in
 * words. Damaged shared objects as in damage_test.c.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "shared.h"
#include "world.h"

#define AT   UINT64_C(0x40000000)
#define FUNC OBJECT_SYM(STB_GLOBAL, STT_FUNC)
#define DATA OBJECT_SYM(STB_GLOBAL, STT_OBJECT)

/* Everything that the fields below belong to. */
static struct shared *sample(const struct isa *isa, unsigned flags)
{
	struct shared *s = shared_new(isa->machine, flags);
	uint64_t at;

	shared_symbol(s, "f", FUNC, shared_function(s, 1));
	at = shared_word(s, 0);
	shared_symbol(s, "w", DATA, at);
	shared_rela(
	    s, false, &(struct elf_rela){ at, isa->relative, (int64_t)at });
	shared_rela(
	    s, true, &(struct elf_rela){ at, 1ull << 32 | isa->jump_slot, 0 });
	shared_tag(s, DT_INIT_ARRAY, at);
	shared_tag(s, DT_INIT_ARRAYSZ, 8);
	shared_tag(s, DT_FINI, SHARED_TEXT);
	shared_bss(s, 100);
	shared_file(s);
	return s;
}

/* --- program headers */

struct segment_field {
	unsigned segment, offset, size;
	uint64_t value;
	enum tn_errno error; /* 0: accepted */
	const char *text;
};

#define P(segment, member, value, error, text)                                 \
	{                                                                      \
		(segment), offsetof(struct elf_phdr, member),                  \
		    sizeof(((struct elf_phdr *)0)->member), (value), (error),  \
		    (text)                                                     \
	}

#define OUTSIDE "blob: has a segment outside the file or itself, value "
#define SKEW                                                                   \
	"blob: has an alignment that is no power of two or above 2 MiB, "      \
	"value "
#define DYN   "has a dynamic entry that points outside the image, value "
#define LIMIT " bytes of an image are more than the limit of 2147483647"
#define WX    "a segment that is writable and executable is not supported"

// clang-format off
static const struct segment_field segment_fields[] = {
	P(SHARED_R, p_offset, UINT64_MAX, TN_ENOEXEC, OUTSIDE "0xffffffffffffffff"),
	P(SHARED_R, p_offset, UINT64_MAX - 4095, TN_ENOEXEC, OUTSIDE "0xfffffffffffff000"),
	P(SHARED_R, p_filesz, UINT64_MAX, TN_ENOEXEC, OUTSIDE "0x0"),
	P(SHARED_RX, p_filesz, UINT64_MAX - SHARED_TEXT + 1, TN_ENOEXEC, OUTSIDE "0x1000"),
	P(SHARED_RX, p_filesz, UINT64_MAX - SHARED_TEXT, TN_ENOEXEC, OUTSIDE "0x1000"),
	/* filesz > memsz: the copy would run over the allocation */
	P(SHARED_RX, p_memsz, 7, TN_ENOEXEC, OUTSIDE "0x7"),
	P(SHARED_RX, p_memsz, 0, TN_ENOEXEC, OUTSIDE "0x0"),
	P(SHARED_RW, p_memsz, UINT64_MAX, TN_ENOEXEC, OUTSIDE "0xffffffffffffffff"),
	P(SHARED_RW, p_memsz, 1ull << 62, TN_EFBIG, "blob: 4611686018427396096" LIMIT),
	P(SHARED_RW, p_memsz, 0x80000000, TN_EFBIG, "blob: 2147491840" LIMIT),
	P(SHARED_RW, p_vaddr, UINT64_MAX - 255, TN_ENOEXEC, OUTSIDE),
	P(SHARED_RW, p_vaddr, UINT64_MAX - 4095, TN_EFBIG, "blob: "),
	P(SHARED_RX, p_align, 3, TN_ENOEXEC, SKEW "0x3"),
	P(SHARED_RX, p_align, 0x400000, TN_ENOEXEC, SKEW "0x400000"),
	P(SHARED_RX, p_align, UINT64_MAX, TN_ENOEXEC, SKEW "0xffffffffffffffff"),
	P(SHARED_RX, p_offset, 0x800, TN_ENOEXEC, SKEW "0x1000"),
	/* over each other, and in the wrong order */
	P(SHARED_RX, p_vaddr, 0, TN_ENOEXEC, OUTSIDE "0x0"),
	P(SHARED_RX, p_vaddr, SHARED_DATA, TN_ENOEXEC, OUTSIDE "0x2000"),
	P(SHARED_RX, p_flags, PF_R | PF_W | PF_X, TN_EOPNOTSUPP, "blob: " WX),
	P(SHARED_RW, p_flags, PF_W | PF_X, TN_EOPNOTSUPP, "blob: " WX),
	P(SHARED_DYN, p_offset, UINT64_MAX, TN_ENOEXEC, OUTSIDE "0xffffffffffffffff"),
	P(SHARED_DYN, p_filesz, 0, TN_ENOEXEC, "blob: " DYN "0x0"),
	P(SHARED_DYN, p_offset, SHARED_DATA + 4, TN_ENOEXEC, "blob: " DYN "0x0"),
	P(SHARED_DYN, p_type, 0, TN_ENOEXEC, "blob: " DYN "0x0"),
	P(SHARED_DYN, p_type, PT_TLS, TN_ENOEXEC, "blob: " DYN "0x0"),
	P(SHARED_DYN, p_align, 3, 0, NULL),
	P(SHARED_R, p_paddr, UINT64_MAX, 0, NULL),
};
// clang-format on

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static int link_blob(struct world *w, struct shared *s, char text[256])
{
	const struct span file = shared_bytes(s);
	const struct tn_load_args args = { .size = sizeof(args),
		.name = "blob",
		.data = file.p,
		.data_size = file.n };
	struct tn_linked *linked;
	int err;

	tn_diag_fini(&w->diag);
	err = tn_link(w->sys, &args, &linked, &w->diag);
	if (err == 0)
		tn_linked_free(linked);
	tn_diag_text(&w->diag, text, 256);
	return err;
}

static void check_blob(
    struct world *w, struct shared *s, int error, const char *want)
{
	char text[256];
	const uint64_t before = world_state(w);

	CHECK_EQ(link_blob(w, s, text), -error);
	CHECK_EQ(world_state(w), before);
	if (error == 0)
		return;
	if (!starts(text, want))
		CHECK_STR(text, want);
}

TEST(dynhdr, wrong_segments_are_refused_in_words)
{
	struct world w;

	PROVES("G25");
	CHECK(world_offline(&w, AT, NULL, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(segment_fields); i++) {
		const struct segment_field *f = &segment_fields[i];
		struct shared *s = sample(&isas[1], SHARED_HASH);
		uint8_t *p = (uint8_t *)shared_phdr(s, f->segment);

		memcpy(p + f->offset, &f->value, f->size);
		check_blob(&w, s, (int)f->error, f->text);
		shared_free(s);
		if (test_failed())
			printf("segment field %u\n", i);
	}
	CHECK(world_close(&w));
}

TEST(dynhdr, thread_local_segment_is_refused)
{
	struct shared *s = sample(&isas[0], SHARED_HASH);
	struct world w;

	CHECK(world_offline(&w, AT, NULL, 0));
	shared_phdr(s, SHARED_R)->p_type = PT_TLS;
	shared_phdr(s, SHARED_R)->p_align = 1;
	shared_dyn(s, DT_HASH)->d_tag = DT_SONAME;
	shared_dyn(s, DT_STRSZ)->d_val = 0;
	shared_dyn(s, DT_RELASZ)->d_val = 0;
	shared_dyn(s, DT_PLTRELSZ)->d_val = 0;
	check_blob(&w, s, TN_EOPNOTSUPP,
	    "blob: thread-local storage is not supported");
	shared_free(s);
	CHECK(world_close(&w));
}

/* --- dynamic entries */

struct tag_value {
	int64_t tag;
	uint64_t value;
	enum tn_errno error;
	const char *text;
};

#define BAD(tag, value)                                                        \
	{                                                                      \
		(tag), (value), TN_ENOEXEC, "blob: " DYN                       \
	}

// clang-format off
static const struct tag_value tag_values[] = {
	BAD(DT_HASH, 1), /* no file byte is counted on: misread count */
	BAD(DT_HASH, UINT64_MAX),
	BAD(DT_HASH, SHARED_PAGE - 4),
	BAD(DT_SYMTAB, 0x1004),
	BAD(DT_SYMTAB, UINT64_MAX),
	BAD(DT_SYMTAB, UINT64_MAX - 23),
	BAD(DT_SYMTAB, 1ull << 63),
	BAD(DT_SYMENT, 0),
	BAD(DT_SYMENT, 23),
	BAD(DT_SYMENT, UINT64_MAX),
	BAD(DT_STRTAB, UINT64_MAX),
	BAD(DT_STRTAB, SHARED_DATA + 0x2000),
	BAD(DT_STRSZ, UINT64_MAX),
	BAD(DT_STRSZ, SHARED_PAGE),
	BAD(DT_STRSZ, 4), /* does not end with NUL: "\0f\0w" */
	BAD(DT_RELA, UINT64_MAX),
	BAD(DT_RELA, 1),
	BAD(DT_RELASZ, 23),
	BAD(DT_RELASZ, 25),
	BAD(DT_RELASZ, 24ull << 50),
	BAD(DT_RELASZ, UINT64_MAX),
	BAD(DT_RELAENT, 0),
	BAD(DT_RELAENT, 16),
	BAD(DT_JMPREL, UINT64_MAX),
	BAD(DT_JMPREL, 4),
	BAD(DT_PLTRELSZ, 1),
	BAD(DT_PLTRELSZ, UINT64_MAX),
	BAD(DT_INIT_ARRAY, 0x100000),
	BAD(DT_INIT_ARRAY, UINT64_MAX - 7),
	BAD(DT_INIT_ARRAY, SHARED_WORDS + 1),
	BAD(DT_INIT_ARRAYSZ, UINT64_MAX),
	BAD(DT_INIT_ARRAYSZ, 2 * SHARED_PAGE),
	{ DT_INIT_ARRAYSZ, 0, 0, NULL },
	{ DT_INIT_ARRAYSZ, 7, 0, NULL },
	{ DT_RELASZ, 0, 0, NULL },
	{ DT_STRSZ, 0, 0, NULL },
};
// clang-format on

TEST(dynhdr, wrong_dynamic_entries_are_refused_in_words)
{
	struct world w;

	PROVES("G26");
	CHECK(world_offline(&w, AT, NULL, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(tag_values); i++) {
		const struct tag_value *t = &tag_values[i];
		struct shared *s = sample(&isas[2], SHARED_HASH);

		shared_dyn(s, t->tag)->d_val = t->value;
		check_blob(&w, s, (int)t->error, t->text);
		shared_free(s);
		if (test_failed())
			printf("dynamic entry %u\n", i);
	}
	CHECK(world_close(&w));
}

TEST(dynhdr, a_huge_count_of_symbols_is_refused)
{
	struct shared *s = sample(&isas[0], SHARED_HASH);
	struct world w;
	uint8_t *hash;

	CHECK(world_offline(&w, AT, NULL, 0));
	hash = shared_at(s, shared_dyn(s, DT_HASH)->d_val);
	put_le32(hash + 4, UINT32_MAX);
	check_blob(&w, s, TN_ENOEXEC, "blob: " DYN);
	put_le32(hash + 4, 200);
	check_blob(&w, s, TN_ENOEXEC, "blob: " DYN);
	put_le32(hash + 4, 0); /* no symbols, and nobody uses one */
	shared_dyn(s, DT_PLTRELSZ)->d_val = 0;
	check_blob(&w, s, 0, NULL);
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(dynhdr, a_chain_without_end_is_refused)
{
	struct shared *s = sample(&isas[0], SHARED_GNU_HASH);
	struct world w;
	uint8_t *hash;

	CHECK(world_offline(&w, AT, NULL, 0));
	hash = shared_at(s, shared_dyn(s, DT_GNU_HASH)->d_val);
	put_le32(hash, UINT32_MAX); /* buckets */
	check_blob(&w, s, TN_ENOEXEC, "blob: " DYN);
	put_le32(hash, 1);
	put_le32(hash + 8, UINT32_MAX); /* bloom words */
	check_blob(&w, s, TN_ENOEXEC, "blob: " DYN);
	put_le32(hash + 8, 1);
	put_le32(hash + 24, UINT32_MAX); /* the bucket */
	check_blob(&w, s, TN_ENOEXEC, "blob: " DYN);
	put_le32(hash + 24, 1);
	/* no end bit in the rest of the segment */
	for (uint8_t *p = hash + 28;
	     p + 4 <= shared_at(s, shared_phdr(s, SHARED_R)->p_filesz); p += 4)
		put_le32(p, get_le32(p) & ~1u);
	CHECK(link_blob(&w, s, (char[256]){ 0 }) < 0);
	shared_free(s);
	CHECK(world_close(&w));
}

/* The file's symbols are aligned, but not what they become in memory. */
TEST(dynhdr, symbols_that_memory_misaligns_are_refused)
{
	struct shared *s = sample(&isas[0], SHARED_HASH);
	struct elf_phdr *ph = shared_phdr(s, SHARED_R);
	struct world w;

	CHECK(world_offline(&w, AT, NULL, 0));
	ph->p_align = 1;
	ph->p_vaddr = 4;
	shared_dyn(s, DT_HASH)->d_val += 4;
	shared_dyn(s, DT_SYMTAB)->d_val += 4;
	shared_dyn(s, DT_STRTAB)->d_val += 4;
	shared_dyn(s, DT_RELA)->d_val += 4;
	shared_dyn(s, DT_JMPREL)->d_val += 4;
	check_blob(&w, s, TN_ENOEXEC, "blob: " DYN);
	shared_free(s);
	CHECK(world_close(&w));
}

static const struct tag_value refused_tags[] = {
	{ DT_TEXTREL, 0, TN_EOPNOTSUPP,
	    "blob: relocated text (DT_TEXTREL) is not supported" },
	{ DT_FLAGS, DF_TEXTREL, TN_EOPNOTSUPP,
	    "blob: relocated text (DT_TEXTREL) is not supported" },
	{ DT_REL, SHARED_DATA, TN_EOPNOTSUPP,
	    "blob: a relocation table without addends (REL, RELR) is not "
	    "supported" },
	{ DT_RELR, SHARED_DATA, TN_EOPNOTSUPP,
	    "blob: a relocation table without addends (REL, RELR) is not "
	    "supported" },
	{ DT_PREINIT_ARRAY, SHARED_DATA, TN_EOPNOTSUPP,
	    "blob: DT_PREINIT_ARRAY is not supported" },
};

TEST(dynhdr, what_is_not_supported_is_refused_by_name)
{
	struct world w;

	CHECK(world_offline(&w, AT, NULL, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(refused_tags); i++) {
		const struct tag_value *t = &refused_tags[i];
		struct shared *s = shared_new(EM_X86_64, SHARED_HASH);

		shared_word(s, 0);
		shared_tag(s, t->tag, t->value);
		shared_file(s);
		check_blob(&w, s, (int)t->error, t->text);
		shared_free(s);
	}
	CHECK(world_close(&w));
}

/* COMMON and other reserved numbers mean nothing in a finished object. */
TEST(dynhdr, reserved_sections_of_symbols_are_refused)
{
	static const uint16_t sections[] = { SHN_COMMON, 0xff00, SHN_XINDEX };
	struct world w;

	CHECK(world_offline(&w, AT, NULL, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++) {
		struct shared *s = sample(&isas[0], SHARED_HASH);

		((struct elf_sym *)(void *)shared_at(
		    s, shared_dyn(s, DT_SYMTAB)->d_val))[1]
		    .st_shndx = sections[i];
		check_blob(&w, s, TN_EOPNOTSUPP,
		    "blob: a reserved section index is not supported "
		    "(symbol 'f')");
		shared_free(s);
	}
	CHECK(world_close(&w));
}

/* DT_INIT and DT_FINI are code. */
TEST(dynhdr, init_outside_of_text_is_refused)
{
	struct shared *s = sample(isa_here(), SHARED_HASH);
	const struct span file = shared_bytes(s);
	const struct tn_load_args args = { .size = sizeof(args),
		.flags = TN_LOAD_UNMARKED | TN_LOAD_NO_INIT,
		.name = "blob",
		.data = file.p,
		.data_size = file.n };
	static const uint64_t bad[] = { SHARED_DATA, 1, UINT64_MAX,
		SHARED_TEXT + SHARED_PAGE };
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		shared_dyn(s, DT_FINI)->d_val = bad[i];
		CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), -TN_ENOEXEC);
		CHECK_EQ(w.diag.value, bad[i]);
	}
	shared_free(s);
	CHECK(world_close(&w));
}

/* --- damage */

static bool survives(struct world *w, struct span file)
{
	const uint64_t before = world_state(w);
	struct tn_linked_section section;
	struct tn_linked_symbol symbol;
	struct tn_linked *k;
	const int err = world_link_bytes(w, file, &k);
	char text[256];

	if (err == 0) {
		for (uint32_t i = 0; tn_linked_section(k, &i, &section);)
			continue;
		for (uint32_t i = 1; tn_linked_symbol(k, i, &symbol); i++)
			(void)strlen(symbol.name);
		tn_linked_free(k);
	} else if (!EXPECT(w->diag.error == err) ||
		   !EXPECT(tn_diag_text(&w->diag, text, sizeof(text)) > 8)) {
		return false;
	}
	tn_diag_fini(&w->diag);
	return EXPECT(world_state(w) == before);
}

/* Bits of the headers and tables, not of the zeros between them. */
static void flip_bits(const struct isa *isa, unsigned flags)
{
	struct shared *s = sample(isa, flags);
	const uint64_t used = shared_phdr(s, SHARED_R)->p_filesz;
	struct world w;

	CHECK(world_offline(&w, AT, NULL, 0));
	w.rig.image_limit = 1u << 20;
	for (size_t i = 0; i < shared_bytes(s).n; i++) {
		if (i >= used && i < SHARED_DATA)
			continue;
		for (unsigned bit = 0; bit < 8; bit++) {
			*shared_at(s, i) ^= (uint8_t)(1u << bit);
			CHECK(survives(&w, shared_bytes(s)));
			*shared_at(s, i) ^= (uint8_t)(1u << bit);
		}
	}
	shared_free(s);
	CHECK(world_close(&w));
}

TEST(dynhdr, every_flipped_bit_is_survived)
{
	flip_bits(&isas[0], SHARED_HASH);
}

TEST(dynhdr, every_flipped_bit_is_survived_with_gnu_hash)
{
	flip_bits(&isas[1], SHARED_GNU_HASH);
}

TEST(dynhdr, every_cut_is_survived)
{
	struct shared *s = sample(&isas[2], SHARED_HASH | SHARED_GNU_HASH);
	struct world w;

	CHECK(world_offline(&w, AT, NULL, 0));
	for (size_t n = 0; n <= shared_bytes(s).n; n++)
		CHECK(survives(&w, (struct span){ shared_bytes(s).p, n }));
	shared_free(s);
	CHECK(world_close(&w));
}
