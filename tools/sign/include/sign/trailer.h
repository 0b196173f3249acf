/* SPDX-License-Identifier: MIT */
/*
 * The signature at the end of a module's file, as Linux has it
 * (include/linux/module_signature.h, Documentation/admin-guide/
 * module-signing.rst):
 *
 *	content | signature | 12 bytes that describe it | 28 bytes of text
 *
 * The description ends with the signature's length, big-endian; its third byte
 * is the kind of signature, of which there is one: CMS (PKCS#7).
 */
#pragma once

#include <base/span.h>

#define SIGN_TRAILER_SIZE 40

struct signed_file {
	struct span content;
	struct span signature; /* DER */
};

/*
 * Parts @file at its last signature. 0; -TN_ENODATA: it has none;
 * -TN_EBADMSG: it ends as a signed file, but the description is not one.
 * On failure @out is untouched. Any context.
 */
int signed_file_part(struct span file, struct signed_file *out);

/* What stands behind a signature of @size bytes. Any context. */
void sign_trailer_write(uint8_t out[SIGN_TRAILER_SIZE], uint32_t size);
