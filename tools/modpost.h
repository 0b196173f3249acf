/* SPDX-License-Identifier: MIT */
/*
 * `tenon modpost`: from the joined object of a module to the C source of what
 * is still missing in its file (docs/module-format.md, 11).
 *
 *   symvers files --> struct known[], sorted by name   modpost_known.c
 *   NAME.o        --> struct object                    modpost_object.c
 *   both          --> complaints                       modpost_check.c
 *   both          --> NAME.mod.c, NAME.symvers         modpost_write.c
 *
 * Strings point into the files that they were read from; struct modpost owns
 * everything and mp_fini frees it, whatever has happened.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <base/compiler.h>
#include <elf/file.h>

#define NAME_LIMIT 55 /* characters in a module's name and in __versions */

/* Linux's name for the world that modules are loaded into. */
#define CORE "vmlinux"

/* A symbol that somebody else exports. */
struct known {
	const char *name;
	const char *module;
	const char *ns; /* "" for none */
	uint32_t crc;   /* 0: none */
	bool gpl;
	unsigned rank; /* of equal names the first one read counts */
};

struct import {
	const char *name;
	bool weak;
	const struct known *from; /* NULL: unresolved */
};

struct export
{
	const char *name;
	const char *ns;
	uint32_t crc;
	bool gpl;
	bool has_crc;
	bool global; /* its symbol is a global definition of the file */
};

struct text_file {
	char *data; /* NUL-ended, or NULL */
	size_t size;
};

struct object {
	struct text_file file;
	struct elf_file elf;
	struct elf_symtab symtab;
	struct span modinfo;
	struct import *imports;
	size_t nimports;
	struct export *exports;
	size_t nexports;
};

#define MAX_SYMVERS 64

struct modpost {
	const char *applet; /* for complaints */

	/* options */
	const char *input;
	const char *output;      /* NULL: standard output */
	const char *symvers_out; /* or NULL */
	const char *crc_from;    /* or NULL */
	const char *symvers[MAX_SYMVERS];
	size_t nsymvers;
	unsigned profile; /* of the note */
	bool warn_only;   /* complaints do not make it fail */
	bool quiet;       /* ... and are not printed */
	char name[NAME_LIMIT + 1];

	struct object object;
	struct text_file symvers_file[MAX_SYMVERS];
	struct text_file crc_file;
	struct known *known;
	size_t nknown;
	unsigned errors;
};

/* Says that the module is wrong: an error, unless such things only warn. */
void mp_complain(struct modpost *mp, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Says that something cannot be done: always an error. */
void mp_fail(struct modpost *mp, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Reads a whole file. Returns false, having failed. */
bool mp_file_read(struct modpost *mp, const char *path, struct text_file *out)
    MUST_CHECK;

/* The module's name: @text, or the one in a path. False: it cannot be one. */
bool mp_name_set(struct modpost *mp, const char *text);
bool mp_name_from(struct modpost *mp, const char *path);

/* Frees all that was read. */
void mp_fini(struct modpost *mp);

/* A name that may stand in C and assembler text without quoting. */
bool mp_is_plain_name(const char *s);

/* These return false, having failed, when they cannot go on. */
bool mp_known_read(struct modpost *mp) MUST_CHECK;
bool mp_object_read(struct modpost *mp) MUST_CHECK;
bool mp_crcs_read(struct modpost *mp) MUST_CHECK;

/* The export of this name, or NULL. */
const struct known *mp_known_find(const struct modpost *mp, const char *name);

/* Complains about all that would make a loader refuse the module. */
void mp_check_all(struct modpost *mp);

/*
 * Steps through the values of @key in .modinfo: @rest starts as all of it.
 * Returns NULL at the end.
 */
const char *mp_modinfo_next(struct span *rest, const char *key);

bool mp_write_module(struct modpost *mp, FILE *out) MUST_CHECK;
void mp_write_symvers(const struct modpost *mp, FILE *out);
