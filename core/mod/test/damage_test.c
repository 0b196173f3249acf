/* SPDX-License-Identifier: MIT */
/*
 * Damaged files: cut at every byte, changed in every bit, every field of every
 * table at the values where sums overflow and counts run out. Whatever comes
 * of it, nothing crashes (the sanitizers watch), nothing leaks or stays
 * behind, and a refusal has a number, a reason and a sentence.
 *
 * Files are loaded without running their code, which nobody could judge, and
 * linked for every machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "files.h"
#include "world.h"

#define AT UINT64_C(0x40000000)

/* --- one damaged file */

static bool is_refusal(struct world *w, int err)
{
	char text[512];

	return EXPECT(err < 0) && EXPECT(w->diag.error == err) &&
	       EXPECT(w->diag.reason != TN_REASON_NONE) &&
	       EXPECT(w->diag.stage != TN_STAGE_NONE) &&
	       EXPECT(tn_diag_text(&w->diag, text, sizeof(text)) > 8);
}

static void ask_all(struct tn_module *mod)
{
	struct tn_module_info info;
	uint64_t addr;
	size_t size;
	void *p;

	tn_module_info(mod, &info);
	tn_module_part(mod, TN_TEXT, &addr, &size);
	(void)tn_module_symbol(mod, "no_such_name", &p);
}

static bool survives_load(struct world *w, struct span file)
{
	const uint64_t before = world_state(w);
	struct tn_module *mod;
	const int err =
	    world_load_bytes(w, file, TN_LOAD_NO_INIT | TN_LOAD_UNMARKED, &mod);

	if (err == 0) {
		ask_all(mod);
		if (!EXPECT(world_unload(w, mod) == 0))
			return false;
	} else if (!is_refusal(w, err)) {
		return false;
	}
	tn_diag_fini(&w->diag);
	return EXPECT(world_state(w) == before) &&
	       EXPECT(w->rig.misuse == NULL);
}

static void no_relaxed(
    void *arg, uint32_t section, uint64_t offset, const char *type)
{
	*(uint64_t *)arg += section + offset + strlen(type);
}

static void walk_linked(const struct tn_linked *k)
{
	struct tn_linked_section section;
	struct tn_linked_symbol symbol;
	struct tn_linked_file file;
	struct tn_linked_ref ref;
	uint64_t sum = 0, count;

	tn_linked_file(k, &file);
	for (uint32_t i = 0; tn_linked_section(k, &i, &section);)
		sum += section.bytes != NULL && section.size != 0
			   ? section.bytes[section.size - 1]
			   : 0;
	for (int i = TN_LINKED_STUBS; i <= TN_LINKED_GOT; i++)
		(void)tn_linked_extra(k, (enum tn_linked_extra)i, &section);
	for (uint32_t i = 0; tn_linked_ref(k, i, &ref); i++)
		sum += strlen(ref.symbol);
	for (uint32_t i = 1; tn_linked_symbol(k, i, &symbol); i++)
		sum += strlen(symbol.name);
	for (uint32_t i = 0; tn_linked_shrink(k, 1, i, &sum, &count); i++)
		continue;
	tn_linked_relaxed(k, no_relaxed, &sum);
}

static bool survives_link(struct world *w, struct span file)
{
	const uint64_t before = world_state(w);
	struct tn_linked *linked;
	const int err = world_link_bytes(w, file, &linked);

	if (err == 0) {
		walk_linked(linked);
		tn_linked_free(linked);
	} else if (!is_refusal(w, err)) {
		return false;
	}
	tn_diag_fini(&w->diag);
	return EXPECT(world_state(w) == before);
}

/* --- worlds and samples */

static const struct tn_export far[] = {
	{ .name = "far", .addr = (const void *)(uintptr_t)(AT << 10) },
	{ .name = "near", .addr = (const void *)(uintptr_t)(AT + (1 << 20)) },
};

static bool open_offline(struct world *w)
{
	const bool ok = world_offline(w, AT, far, ARRAY_SIZE(far));

	w->rig.image_limit = 1u << 20;
	return ok;
}

static bool open_native(struct world *w)
{
	const bool ok = world_open_guaranteed(w);

	w->rig.image_limit = 1u << 20;
	return ok;
}

/* A little of everything, in little more than a kilobyte. */
static struct object *sample(const struct isa *isa)
{
	struct author a = author_new(isa->machine, "s");
	uint32_t s;

	author_jump(&a, "j", "far");
	author_got(&a, "g", object_undefined(a.o, "near"));
	author_export(&a, (struct author_export){ .name = "w",
			      .symbol = author_word(&a, "w", 1),
			      .ns = "N",
			      .crc = 1 });
	author_bss(&a, 40);
	s = object_symbol(
	    a.o, "c", OBJECT_SYM(STB_GLOBAL, STT_OBJECT), SHN_COMMON, 8);
	object_symbol_size(a.o, s, 16);
	if (isa->machine == EM_RISCV) {
		object_rela(a.o, a.text,
		    (struct object_fix){ object_size(a.o, a.text), 43, 0, 6 });
		object_add(a.o, a.text, "\x01\x00\x01\x00\x01\x00", 6);
	}
	return a.o;
}

/* A copy that may be spoilt. */
static uint8_t *copy_of(struct span s)
{
	uint8_t *p = malloc(s.n);

	if (p == NULL)
		abort();
	memcpy(p, s.p, s.n);
	return p;
}

/* --- truncation */

static void cut_everywhere(struct world *w, struct span file,
    bool (*survives)(struct world *, struct span))
{
	for (size_t n = 0; n <= file.n; n++) {
		if (!survives(w, (struct span){ file.p, n })) {
			EXPECT(n == file.n + 1); /* says where */
			return;
		}
	}
}

TEST(damage, file_cut_at_every_byte_is_refused)
{
	struct file_path path;
	struct world w;
	struct span file;

	if (!file_of_module(&path, isa_here()->name, "hello"))
		SKIP("module files are not built");
	file = file_read(path.text);
	CHECK(open_native(&w));
	cut_everywhere(&w, file, survives_load);
	file_free(file);
	CHECK(world_close(&w));
}

TEST(damage, linked_file_cut_at_every_byte_is_refused)
{
	struct world w;

	CHECK(open_offline(&w));
	for (unsigned i = 0; i < 3; i++) {
		struct object *o = sample(&isas[i]);

		cut_everywhere(&w, object_file(o), survives_link);
		object_free(o);
	}
	CHECK(world_close(&w));
}

/* --- single bits */

static void flip_bits(struct world *w, struct span file, unsigned mask,
    bool (*survives)(struct world *, struct span))
{
	uint8_t *p = copy_of(file);

	for (size_t bit = 0; bit < file.n * 8; bit++) {
		if ((mask >> bit % 8 & 1) == 0)
			continue;
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!survives(w, (struct span){ p, file.n })) {
			EXPECT(bit == file.n * 8); /* says where */
			break;
		}
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(p);
}

static void flip_module(unsigned mask)
{
	struct file_path path;
	struct world w;
	struct span file;

	if (!file_of_module(&path, isa_here()->name, "hello"))
		SKIP("module files are not built");
	file = file_read(path.text);
	CHECK(open_native(&w));
	flip_bits(&w, file, mask, survives_load);
	file_free(file);
	CHECK(world_close(&w));
}

/* In four parts, as each is to end within a second. */
TEST(damage, module_survives_flipped_bits_0_and_1)
{
	flip_module(0x03);
}

TEST(damage, module_survives_flipped_bits_2_and_3)
{
	flip_module(0x0c);
}

TEST(damage, module_survives_flipped_bits_4_and_5)
{
	flip_module(0x30);
}

TEST(damage, module_survives_flipped_bits_6_and_7)
{
	flip_module(0xc0);
}

static void flip_sample(const struct isa *isa)
{
	struct object *o = sample(isa);
	struct world w;

	CHECK(open_offline(&w));
	flip_bits(&w, object_file(o), 0xff, survives_link);
	object_free(o);
	CHECK(world_close(&w));
}

TEST(damage, link_survives_every_flipped_bit_x86_64)
{
	flip_sample(&isas[0]);
}

TEST(damage, link_survives_every_flipped_bit_aarch64)
{
	flip_sample(&isas[1]);
}

TEST(damage, link_survives_every_flipped_bit_riscv64)
{
	flip_sample(&isas[2]);
}

/* Exports are read by a load alone: the sample again, natively. */
TEST(damage, load_survives_every_flipped_bit_of_an_exporter)
{
	struct author a = author_new(isa_here()->machine, "s");
	struct world w;

	author_export(&a, (struct author_export){ .name = "w",
			      .symbol = author_word(&a, "w", 1),
			      .ns = "N",
			      .crc = 1 });
	author_return(&a, "init_module");
	CHECK(open_native(&w));
	flip_bits(&w, object_file(a.o), 0xff, survives_load);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- fields */

/* Where a field of @size bytes stands. */
struct place {
	size_t at;
	unsigned size;
};

/* Values at which a check could be off by one or a sum wrap around. */
static unsigned interesting(
    uint64_t was, unsigned size, size_t file, uint64_t out[24])
{
	const uint64_t max =
	    size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
	const uint64_t list[] = { 0, 1, 2, 3, 7, 8, max, max - 1, max - 7,
		max / 2, max / 2 + 1, was + 1, was - 1, was + 8, was - 8,
		max - was, max - was + 1, file, file - 1, file + 1, 0x7fffffff,
		0x80000000, 0xffffffff, 0x200000 };
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		if ((list[i] & max) != was)
			out[n++] = list[i] & max;
	return n;
}

static bool spoil_field(
    struct world *w, struct span file, uint8_t *p, struct place at)
{
	uint64_t values[24], was = 0;

	memcpy(&was, p + at.at, at.size);
	const unsigned n = interesting(was, at.size, file.n, values);

	for (unsigned i = 0; i < n; i++) {
		memcpy(p + at.at, &values[i], at.size);
		if (!survives_link(w, (struct span){ p, file.n }))
			return false;
	}
	memcpy(p + at.at, &was, at.size);
	return true;
}

/* The sizes of the fields of a structure, 0 at the end. */
static const unsigned ehdr_fields[] = { 4, 1, 1, 1, 1, 8, 2, 2, 4, 8, 8, 8, 4,
	2, 2, 2, 2, 2, 2, 0 };
static const unsigned shdr_fields[] = { 4, 4, 8, 8, 8, 8, 4, 4, 8, 8, 0 };
static const unsigned sym_fields[] = { 4, 1, 1, 2, 8, 8, 0 };
static const unsigned rela_fields[] = { 8, 4, 4, 8, 0 };

static bool spoil_entry(struct world *w, struct span file, uint8_t *p,
    size_t at, const unsigned *fields)
{
	for (; *fields != 0; at += *fields++)
		if (!spoil_field(w, file, p, (struct place){ at, *fields }))
			return false;
	return true;
}

static bool spoil_table(
    struct world *w, struct span file, uint8_t *p, const struct elf_shdr *sh)
{
	const unsigned *fields = sh->sh_type == SHT_SYMTAB ? sym_fields
				 : sh->sh_type == SHT_RELA ? rela_fields
							   : NULL;

	for (uint64_t i = 0; fields != NULL && i < sh->sh_size; i += 24)
		if (!spoil_entry(w, file, p, sh->sh_offset + i, fields))
			return false;
	return true;
}

static void spoil_all(const struct isa *isa)
{
	struct object *o = sample(isa);
	const struct span file = object_file(o);
	uint8_t *p = copy_of(file);
	const unsigned n = object_ehdr(o)->e_shnum;
	const uint64_t shoff = object_ehdr(o)->e_shoff;
	struct world w;

	CHECK(open_offline(&w));
	CHECK(spoil_entry(&w, file, p, 0, ehdr_fields));
	for (unsigned i = 0; i < n; i++) {
		CHECK(spoil_entry(&w, file, p, shoff + i * 64ul, shdr_fields));
		CHECK(spoil_table(&w, file, p, object_shdr(o, i)));
	}
	CHECK_MEM(p, file.p, file.n);
	free(p);
	object_free(o);
	CHECK(world_close(&w));
}

TEST(damage, every_field_at_its_limits_x86_64)
{
	spoil_all(&isas[0]);
}

TEST(damage, every_field_at_its_limits_aarch64)
{
	spoil_all(&isas[1]);
}

TEST(damage, every_field_at_its_limits_riscv64)
{
	spoil_all(&isas[2]);
}
