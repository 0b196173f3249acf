/* SPDX-License-Identifier: MIT */
/*
 * Lines of the protocol between a module host and its clients, both ways;
 * docs/host.md is its specification.
 *
 *	ID WORD KEY=VALUE KEY=VALUE ..\n
 *
 * Words are parted by one blank. A value is printable ASCII; every other byte,
 * and '%', is written %XX. Plain functions on memory: any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION    1
#define WIRE_LINE_MAX   65536 /* bytes, with the newline */
#define WIRE_FIELDS_MAX 64
#define WIRE_KEY_MAX    32 /* with its NUL; of WORD too */
#define WIRE_FDS_MAX    32 /* descriptors that wait for their requests */

struct wire_field {
	const char *key, *value;
};

struct wire_line {
	uint32_t id; /* of the request; 0: what belongs to none */
	const char *word;
	struct wire_field fields[WIRE_FIELDS_MAX];
	size_t nfields;
};

/*
 * Cuts the @length bytes at @text, without the newline but with room for a NUL
 * behind them, into @out, which points into them. @out->id is set as soon as
 * it is known, else 0. -TN_EINVAL: not such a line; *@why says what is wrong.
 */
int wire_parse(
    char *text, size_t length, struct wire_line *out, const char **why);

/* The value of the field @key, or NULL. */
const char *wire_get(const struct wire_line *line, const char *key);

/*
 * The value as a number of at most @max, decimal or 0x1f. -TN_ENOENT: there is
 * no such field; -TN_EINVAL: it is no such number.
 */
int wire_get_number(
    const struct wire_line *line, const char *key, uint64_t max, uint64_t *out);

/* Lines to be sent. Zeroed it is empty; no memory is remembered. */
struct wire_text {
	char *bytes;
	size_t length, capacity;
	bool failed; /* no memory: some of it is missing */
};

/* Room for @more bytes, which cannot fail then. False: no memory. */
bool wire_reserve(struct wire_text *t, size_t more);
void wire_begin(struct wire_text *t, uint32_t id, const char *word);
/* NULL is left out. */
void wire_add(struct wire_text *t, const char *key, const char *value);
void wire_add_number(struct wire_text *t, const char *key, uint64_t value);
void wire_add_signed(struct wire_text *t, const char *key, int64_t value);
void wire_end(struct wire_text *t);
/* Forgets the lines and keeps the memory. */
void wire_clear(struct wire_text *t);
void wire_free(struct wire_text *t);
