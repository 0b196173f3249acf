/* SPDX-License-Identifier: MIT */
/* Signatures taken apart: a whole one, and every damaged one. */
#include "der.h"
#include "modsig.h"

#include <string.h>

#include <test/test.h>

/* The smallest SignedData that says all that is looked for. */
static const uint8_t signature[] = {
	// clang-format off
	0x30, 0x40, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2,
	0xa0, 0x33, 0x30, 0x31,
	    2, 1, 1,                            /* version */
	    0x31, 0,                            /* digests */
	    0x30, 0,                            /* contents */
	    0x31, 0x28, 0x30, 0x26,             /* one signer */
	        2, 1, 1,
	        0x30, 0x13,
	            0x30, 0x0c, 0x31, 0x0a, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, 'N',
	            2, 3, 0, 0xab, 0xcd,
	        0x30, 7, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, /* sha1 */
	        0x30, 0,
	        4, 1, 0x5a,
	// clang-format on
};

static size_t appended(uint8_t *out)
{
	static const char magic[] = "~Module signature appended~\n";
	const uint8_t numbers[12] = { [2] = 2, [11] = sizeof(signature) };

	memcpy(out, signature, sizeof(signature));
	memcpy(out + sizeof(signature), numbers, 12);
	memcpy(out + sizeof(signature) + 12, magic, sizeof(magic) - 1);
	return sizeof(signature) + MODSIG_TRAILER;
}

TEST(modsig, tells_who_and_how)
{
	uint8_t bytes[256];
	const size_t n = appended(bytes);
	struct modsig sig;

	CHECK_EQ(modsig_size((struct span){
		     bytes + n - MODSIG_TRAILER, MODSIG_TRAILER }),
	    n);
	CHECK(modsig_parse((struct span){ bytes, n }, &sig));
	CHECK_STR(sig.id, "PKCS#7");
	CHECK_STR(sig.hash, "sha1");
	CHECK_EQ(sig.signer.n, 1);
	CHECK_EQ(sig.signer.p[0], 'N');
	CHECK_EQ(sig.key.n, 2);
	CHECK_EQ(sig.key.p[0], 0xab);
	CHECK_EQ(sig.signature.p[0], 0x5a);
}

TEST(modsig, an_old_one_says_all_in_front)
{
	uint8_t bytes[256] = "NAMEkeySIG";
	const uint8_t numbers[12] = {
		[1] = 4, [2] = 1, [3] = 4, [4] = 3, [11] = 3
	};
	struct modsig sig;

	memcpy(bytes + 10, numbers, 12);
	CHECK(modsig_parse((struct span){ bytes, 10 + MODSIG_TRAILER }, &sig));
	CHECK_STR(sig.id, "X509");
	CHECK_STR(sig.hash, "sha256");
	CHECK_MEM(sig.signer.p, "NAME", 4);
	CHECK_MEM(sig.key.p, "key", 3);
	CHECK_EQ(sig.signature.n, 3);
}

TEST(modsig, every_cut_one_is_refused)
{
	for (size_t n = 0; n < sizeof(signature); n++) {
		uint8_t bytes[256];
		struct modsig sig;

		(void)appended(bytes);
		memmove(bytes + n, bytes + sizeof(signature), MODSIG_TRAILER);
		CHECK(!modsig_parse(
		    (struct span){ bytes, n + MODSIG_TRAILER }, &sig));
	}
}

TEST(der, lengths_are_checked)
{
	const uint8_t two[] = { 4, 0x81, 2, 7, 8, 4, 0x84, 0xff, 0xff, 0xff,
		0xff, 0 };
	struct span rest = { two, sizeof(two) }, content;
	unsigned tag;

	CHECK(der_next(&rest, &tag, &content));
	CHECK_EQ(content.n, 2);
	CHECK_EQ(content.p[1], 8);
	CHECK_EQ(rest.n, 7);
	CHECK(!der_next(&rest, &tag, &content));
	CHECK_EQ(rest.n, 7);
}
