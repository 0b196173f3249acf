/* SPDX-License-Identifier: MIT */
/*
 * Finding and writing the trailer of a signed module: sign/trailer.h.
 */
#include <sign/trailer.h>

#include <string.h>

#include <tenon/err.h>

#define MAGIC      "~Module signature appended~\n"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)

/* struct module_signature of Linux: eight bytes and a length */
#define KIND_AT     2
#define KIND_CMS    2 /* PKEY_ID_PKCS7 */
#define LENGTH_AT   8
#define DESCRIPTION (SIGN_TRAILER_SIZE - MAGIC_SIZE)

_Static_assert(DESCRIPTION == 12, "the layout of struct module_signature");

/* The fields of kinds that Linux no longer has must be zero. */
static bool is_description(const uint8_t *p)
{
	for (size_t i = 0; i < LENGTH_AT; i++)
		if (p[i] != (i == KIND_AT ? KIND_CMS : 0))
			return false;
	return true;
}

int signed_file_part(struct span file, struct signed_file *out)
{
	const uint8_t *description;
	size_t size;

	if (file.n < MAGIC_SIZE ||
	    memcmp(file.p + file.n - MAGIC_SIZE, MAGIC, MAGIC_SIZE) != 0)
		return -TN_ENODATA;
	if (file.n < SIGN_TRAILER_SIZE)
		return -TN_EBADMSG;
	description = file.p + file.n - SIGN_TRAILER_SIZE;
	size = get_be32(description + LENGTH_AT);
	if (!is_description(description) || size == 0 ||
	    size > file.n - SIGN_TRAILER_SIZE)
		return -TN_EBADMSG;
	out->signature = (struct span){ description - size, size };
	out->content =
	    (struct span){ file.p, file.n - SIGN_TRAILER_SIZE - size };
	return 0;
}

void sign_trailer_write(uint8_t out[SIGN_TRAILER_SIZE], uint32_t size)
{
	memset(out, 0, DESCRIPTION);
	out[KIND_AT] = KIND_CMS;
	for (unsigned i = 0; i < 4; i++)
		out[LENGTH_AT + i] = (uint8_t)(size >> (24 - 8 * i));
	memcpy(out + DESCRIPTION, MAGIC, MAGIC_SIZE);
}
