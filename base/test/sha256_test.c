/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 against the published vectors of FIPS 180-4 and its validation
 * suite, and at every length around the padding's edges.
 */
#include <base/sha256.h>
#include <base/string.h>
#include <test/test.h>

static void digest_text(const void *p, size_t n, char text[65])
{
	uint8_t digest[SHA256_SIZE];

	sha256(p, n, digest);
	sha256_text(digest, text);
}

static void check_string(const char *s, const char *expected)
{
	char text[65];

	digest_text(s, str_len(s), text);
	CHECK_STR(text, expected);
}

TEST(sha256, gives_the_standards_digests)
{
	check_string("", "e3b0c44298fc1c149afbf4c8996fb924"
			 "27ae41e4649b934ca495991b7852b855");
	check_string("abc", "ba7816bf8f01cfea414140de5dae2223"
			    "b00361a396177a9cb410ff61f20015ad");
	check_string("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039"
	    "a33ce45964ff2167f6ecedd419db06c1");
	check_string("abcdefghbcdefghicdefghijdefghijkefghijklfghijklm"
		     "ghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
		     "mnopqrstnopqrstu",
	    "cf5b16a778af8380036ce59e7b049237"
	    "0b249b11e8f07a51afac45037afee9d1");
}

/* The digest of the digests for each length: one wrong pad changes it. */
TEST(sha256, pads_every_length)
{
	uint8_t digests[130][SHA256_SIZE];
	uint8_t data[130];
	char text[65];

	for (unsigned n = 0; n < sizeof(data); n++) {
		data[n] = (uint8_t)n;
		sha256(data, n, digests[n]);
	}
	digest_text(digests, sizeof(digests), text);
	CHECK_STR(text, "105812602bb337abca31d9f6bf3a57a3"
			"907500005fad7c01e1e1140aa77e4499");
}
