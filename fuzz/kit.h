/* SPDX-License-Identifier: MIT */
/*
 * What fuzz targets share: a port that counts what the engine holds and has
 * little memory, so that a file cannot ask for gigabytes; a check that stays
 * on; and a way to touch bytes, so that the sanitizers judge every pointer
 * that the code under test hands out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <base/span.h>
#include <tenon/port.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define FUZZ_CHECK(condition)                                                  \
	((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* Reads every byte. */
void touch(const void *p, size_t n);
void touch_string(const char *s); /* or NULL */

/* A small world over @world: it counts, and refuses large requests. */
struct kit {
	struct tn_port port;
	const struct tn_port *world;
	long blocks, bytes; /* of alloc */
	long images, files;
	int locked, readers;
};

void kit_init(struct kit *k, const struct tn_port *world);
/* Nothing but @blocks blocks is held, and no lock. */
void kit_check(const struct kit *k, long blocks);
