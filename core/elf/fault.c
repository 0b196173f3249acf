/* SPDX-License-Identifier: MIT */
/*
 * Words for what elf_open finds wrong: clauses that follow a file's name.
 */
#include <elf/file.h>

#include <base/compiler.h>

static const char *const texts[] = {
	[ELF_OK] = "is well-formed",
	[ELF_TRUNCATED] = "is shorter than an ELF header",
	[ELF_NOT_ELF] = "is not an ELF file",
	[ELF_WRONG_CLASS] = "is not a 64-bit ELF file",
	[ELF_WRONG_ENDIAN] = "is not a little-endian ELF file",
	[ELF_WRONG_VERSION] = "has an unknown ELF version",
	[ELF_WRONG_TYPE] =
	    "is neither a relocatable object nor a shared object",
	[ELF_WRONG_MACHINE] = "is for another machine",
	[ELF_BAD_HEADER] = "has an ELF header with wrong entry sizes",
	[ELF_MISALIGNED] = "has a table that is not 8-byte aligned",
	[ELF_SECTION_TABLE] = "has a section table outside the file",
	[ELF_SEGMENT_TABLE] = "has a program header table outside the file",
	[ELF_SECTION_BOUNDS] = "has a section that lies outside the file",
	[ELF_SECTION_ALIGN] =
	    "has an alignment that is no power of two or above 2 MiB",
	[ELF_SECTION_NAME] = "has a section name outside the name table",
	[ELF_SECTION_LINK] =
	    "has a section link or info that names no fitting section",
	[ELF_SECTION_OVERLAP] = "has overlapping sections",
	[ELF_ENTRY_SIZE] = "has a table that is no whole number of entries",
	[ELF_STRING_TABLE] = "has a string table that does not end with NUL",
	[ELF_SEGMENT_BOUNDS] = "has a segment outside the file or itself",
	[ELF_SYMBOL_NAME] = "has a symbol name outside its string table",
	[ELF_DYNAMIC] = "has a dynamic entry that points outside the image",
	[ELF_TOO_MANY] = "has more entries in a table than are supported",
};
_Static_assert(ARRAY_SIZE(texts) == ELF_FAULTS, "one text per fault");

const char *elf_fault_text(enum elf_fault fault)
{
	return (unsigned)fault < ELF_FAULTS ? texts[fault] : "is damaged";
}
