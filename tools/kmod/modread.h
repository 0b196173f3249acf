/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a module file, as far as they are asked for. A plain file is
 * read in pieces, each to its own offset of one large block, whose untouched
 * pages cost nothing; a packed one (gzip, xz or zstd, told by its content) is
 * unpacked whole. The file is read, not mapped: a mapping would end in a
 * signal when somebody cuts the file.
 *
 * One reader serves many files, one after another, in one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/span.h>
#include <elf/abi.h>
#include <host/unpack.h>

/* What is wrong with a file: a clause, and the number that belongs to it. */
struct modread_why {
	const char *what;
	uint64_t at; /* most often an offset; or MODREAD_NO_NUMBER */
};

#define MODREAD_NO_NUMBER UINT64_MAX
#define MODREAD_WHY_TEXT  80 /* bytes of modread_why_text */

/* "ends before 0x40", to be put behind "it"; gives @out. */
const char *modread_why_text(
    const struct modread_why *why, char out[MODREAD_WHY_TEXT]);

struct modread {
	uint8_t *block; /* or NULL */
	size_t room;    /* of the block */
	size_t most;    /* where what has been written to it ends */
	struct host_unpacker *unpacker;
	/* of the file that is open: */
	int fd;
	struct span bytes; /* all of the file, unpacked; not all are there */
	size_t head, tail; /* bytes below head and from tail on are there */
	struct modread_why why; /* set by what fails with -TN_EINVAL or so */
};

/* Of the module that is open. */
struct modread_sections {
	const uint8_t *headers; /* of struct elf_shdr, not aligned */
	size_t n;
	struct span names;
};

/* -TN_ENOMEM. */
MUST_CHECK int modread_init(struct modread *r);
void modread_fini(struct modread *r);

/*
 * Opens @path below the folder @dir (or anywhere, when it begins with '/').
 * -TN_ENOENT and what else open(2) and read(2) say; -TN_ENOMEM; -TN_EBADMSG: packed
 * and damaged; -TN_EINVAL: not a regular file; -TN_EFBIG; -TN_EOPNOTSUPP: this
 * build cannot unpack it. After 0 comes modread_close.
 */
MUST_CHECK int modread_open(struct modread *r, int dir, const char *path);
void modread_close(struct modread *r);

/*
 * The bytes [at, at + n) of the open file. -TN_EINVAL: not inside of it, with
 * why->at = @at; -TN_EIO. They stay until modread_close.
 */
MUST_CHECK int modread_bytes(
    struct modread *r, uint64_t at, uint64_t n, struct span *out);

/*
 * The section headers. -TN_ENOEXEC: no 64-bit little-endian ELF file;
 * -TN_EINVAL: damaged; -TN_EIO.
 */
MUST_CHECK int modread_sections(
    struct modread *r, struct modread_sections *out);

/*
 * The bytes of the first section called @name. -TN_ENOENT: there is none;
 * -TN_EINVAL: it lies outside of the file; -TN_EIO.
 */
MUST_CHECK int modread_section(struct modread *r,
    const struct modread_sections *s, const char *name, struct span *out);
