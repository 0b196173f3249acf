/* SPDX-License-Identifier: MIT */
/*
 * The signature that Linux's sign-file appends to a module: PKCS#7 (RFC 2315)
 * in DER, then twelve bytes, then a line.
 *
 *     module | signer name | key id | signature | struct module_signature | magic
 *
 * This only tells what is written there; nothing is verified (`tenon verify`).
 */
#pragma once

#include <stdbool.h>

#include <base/span.h>

/* Bytes behind a signature: its numbers and its magic line. */
#define MODSIG_TRAILER (12 + sizeof("~Module signature appended~\n") - 1)

struct modsig {
	const char *id;   /* "PKCS#7" */
	const char *hash; /* "sha256" */
	struct span signer, key, signature;
};

/*
 * How many bytes at the end of a file belong to its signature, trailer
 * included, given the last MODSIG_TRAILER of them; 0: it has none.
 */
uint64_t modsig_size(struct span trailer);

/*
 * The fields of @bytes, as many as modsig_size said. False: it is none that
 * can be read.
 */
bool modsig_parse(struct span bytes, struct modsig *out);
