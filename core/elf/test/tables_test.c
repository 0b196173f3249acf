/* SPDX-License-Identifier: MIT */
/*
 * The iterators over notes and .modinfo: what is whole is found, what is torn
 * ends the walk, and no byte behind the section is looked at. Each case is a
 * block of exactly its size, for the sanitizers.
 */
#include <stdlib.h>
#include <string.h>

#include <elf/tables.h>
#include <test/test.h>

static struct span exact(const void *bytes, size_t n)
{
	uint8_t *p = malloc(n != 0 ? n : 1);

	if (p == NULL)
		abort();
	if (n != 0)
		memcpy(p, bytes, n);
	return (struct span){ p, n };
}

static void drop(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

/* --- notes */

/* Two notes: "A" type 1 with five bytes, and one without anything. */
static const uint8_t notes[] = { 2, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 'A', 0, 0,
	0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0,
	0 };

TEST(tables, notes_are_taken_one_by_one)
{
	const struct span all = exact(notes, sizeof(notes));
	struct span rest = all;
	struct elf_note note;

	CHECK(elf_note_next(&rest, &note));
	CHECK_EQ(note.type, 1);
	CHECK_EQ(note.name.n, 2);
	CHECK_MEM(note.name.p, "A", 2);
	CHECK_EQ(note.desc.n, 5);
	CHECK_MEM(note.desc.p, "hello", 5);
	CHECK(elf_note_next(&rest, &note));
	CHECK_EQ(note.type, 9);
	CHECK_EQ(note.name.n, 0);
	CHECK_EQ(note.desc.n, 0);
	CHECK(!elf_note_next(&rest, &note));
	CHECK(!elf_note_next(&rest, &note));
	drop(all);
}

/* The padding of the last note may be missing; nothing else may. */
TEST(tables, torn_notes_end_the_walk)
{
	for (size_t n = 0; n < sizeof(notes); n++) {
		const struct span all = exact(notes, n);
		struct span rest = all;
		struct elf_note note;
		unsigned found = 0;

		while (elf_note_next(&rest, &note)) {
			CHECK(note.desc.p + note.desc.n <= all.p + all.n);
			found++;
		}
		CHECK_EQ(found, n >= 21);
		drop(all);
	}
}

/* Sizes up to the largest: their sums would wrap in 32 bits. */
TEST(tables, note_sizes_beyond_the_section_end_the_walk)
{
	static const uint32_t sizes[] = { 25, 26, 0x7fffffff, 0x80000000,
		0xfffffffc, 0xfffffffd, 0xffffffff };
	uint8_t bytes[sizeof(notes)];

	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		struct span all, rest;
		struct elf_note note;

		memcpy(bytes, notes, sizeof(notes));
		put_le32(bytes + 4 * (i % 2), sizes[i / 2]);
		all = rest = exact(bytes, sizeof(bytes));
		CHECK(!elf_note_next(&rest, &note));
		drop(all);
	}
}

/* --- .modinfo */

static const char info[] = "name=x\0\0\0license=GPL\0name=y\0empty=\0bare\0"
			   "names=z";

TEST(tables, modinfo_strings_are_taken_one_by_one)
{
	static const char *const want[] = { "name=x", "license=GPL", "name=y",
		"empty=", "bare", "names=z" };
	const struct span all = exact(info, sizeof(info));
	struct span rest = all;
	const char *entry;

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		CHECK(elf_modinfo_next(&rest, &entry));
		CHECK_STR(entry, want[i]);
	}
	CHECK(!elf_modinfo_next(&rest, &entry));
	CHECK(!elf_modinfo_next(&rest, &entry));
	drop(all);
}

/* A string without its NUL is none. */
TEST(tables, modinfo_may_end_anywhere)
{
	for (size_t n = 0; n <= sizeof(info); n++) {
		const struct span all = exact(info, n);
		struct span rest = all;
		const char *entry;
		size_t end = 0;

		while (elf_modinfo_next(&rest, &entry))
			end = (size_t)(entry - (const char *)all.p) +
			      strlen(entry) + 1;
		CHECK(end <= n);
		drop(all);
	}
}

TEST(tables, modinfo_keys_are_matched_whole)
{
	const struct span all = exact(info, sizeof(info));

	CHECK_STR(elf_modinfo_get(all, "name"), "x"); /* the first */
	CHECK_STR(elf_modinfo_get(all, "names"), "z");
	CHECK_STR(elf_modinfo_get(all, "empty"), "");
	CHECK(elf_modinfo_get(all, "nam") == NULL);
	CHECK(elf_modinfo_get(all, "bare") == NULL);
	CHECK(elf_modinfo_get(all, "ame") == NULL);
	CHECK(elf_modinfo_get(all, "name=x") == NULL);
	drop(all);
}

TEST(tables, modinfo_of_nothing_has_nothing)
{
	const char *entry;
	struct span none = { NULL, 0 };

	CHECK(!elf_modinfo_next(&none, &entry));
	CHECK(elf_modinfo_get(none, "name") == NULL);
	for (size_t n = 1; n < 20; n++) {
		static const char zeros[20];
		const struct span all = exact(zeros, n);
		struct span rest = all;

		CHECK(!elf_modinfo_next(&rest, &entry));
		drop(all);
	}
}
