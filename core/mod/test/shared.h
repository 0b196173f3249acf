/* SPDX-License-Identifier: MIT */
/*
 * Builds small ELF64 shared objects in memory, for any machine:
 *
 *   page 0   R   headers | hash | GNU hash | symbols | strings | relocations
 *   page 1   RX  code
 *   page 2   RW  dynamic section | data, and bss behind the file's bytes
 *
 * Without section headers, as after strip. All sizes are small; running out of
 * room ends the program.
 */
#pragma once

#include <base/span.h>
#include <elf/abi.h>

#include "isa.h"

#define SHARED_PAGE  4096u
#define SHARED_TEXT  SHARED_PAGE
#define SHARED_DATA  (2 * SHARED_PAGE)
/* Where data begins behind the room for the dynamic section. */
#define SHARED_WORDS (SHARED_DATA + 1024)

enum {
	SHARED_R,
	SHARED_RX,
	SHARED_RW,
	SHARED_DYN,
	SHARED_SEGMENTS
};

/* shared_new's flags */
#define SHARED_HASH     1u /* DT_HASH */
#define SHARED_GNU_HASH 2u /* DT_GNU_HASH */

struct shared;

struct shared *shared_new(unsigned machine, unsigned flags);
void shared_free(struct shared *s);

/* A function that returns @value (below 2048); its address. */
uint64_t shared_function(struct shared *s, unsigned value);
/* An eight-byte word of data; its address. */
uint64_t shared_word(struct shared *s, uint64_t value);
void shared_bss(struct shared *s, uint64_t size);

/* A dynamic symbol; @addr 0 makes it undefined. Undefined ones come first. */
uint32_t shared_symbol(
    struct shared *s, const char *name, uint8_t info, uint64_t addr);
/* A string of the dynamic string table. */
uint32_t shared_string(struct shared *s, const char *text);

/* Into DT_RELA, or with @plt into DT_JMPREL. */
void shared_rela(struct shared *s, bool plt, const struct elf_rela *r);
void shared_tag(struct shared *s, int64_t tag, uint64_t value);

/* The finished file; may be spoilt through the pointers below. */
struct span shared_file(struct shared *s);
struct span shared_bytes(const struct shared *s);
struct elf_ehdr *shared_ehdr(struct shared *s);
struct elf_phdr *shared_phdr(struct shared *s, unsigned i);
/* The entry of @tag, or NULL. */
struct elf_dyn *shared_dyn(struct shared *s, int64_t tag);
/* The file's byte at image address @addr. */
uint8_t *shared_at(struct shared *s, uint64_t addr);
