/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON: one object a line, which json_begin opens and json_end ends.
 * Text is UTF-8; bytes that are not are given as U+FFFD.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool comma; /* something stands before in this object or list */
};

void json_begin(struct json *j, FILE *out);
void json_end(struct json *j);

/* @key is NULL in lists; a text that is NULL becomes null. */
void json_text(struct json *j, const char *key, const char *text);
void json_number(struct json *j, const char *key, int64_t value);
void json_unsigned(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);

/* @bracket: '{' or '['; ended by its partner. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
