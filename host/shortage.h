/* SPDX-License-Identifier: MIT */
/*
 * What the system has refused, and which limit of the process would have to
 * be raised: an engine that is told of a lack of memory knows only how much
 * its module asked for, which may be a few bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct shortage {
	size_t size; /* bytes that could not be had; 0: some */
	int error;   /* the errno of the system; 0: nothing was refused;
			EOVERFLOW: our own, addresses do not reach so far */
};

/* Notes the errno of now. */
void shortage_note(struct shortage *s, size_t size);

/* Was there too little of something? Else it is forbidden, or unknown. */
bool shortage_may_end(const struct shortage *s);

/* A sentence, or "" where nothing was refused. */
#define SHORTAGE_TEXT_MAX 256
void shortage_text(const struct shortage *s, char text[SHORTAGE_TEXT_MAX]);
