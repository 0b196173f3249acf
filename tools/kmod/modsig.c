/* SPDX-License-Identifier: MIT */
/* See modsig.h. */
#include "modsig.h"

#include <string.h>

#include <base/compiler.h>

#include "der.h"

#define NUMBERS 12u
#define MAGIC   "~Module signature appended~\n"

/* Offsets in the twelve bytes; the length is big-endian. */
enum {
	AT_ALGO = 0,
	AT_HASH = 1,
	AT_ID_TYPE = 2,
	AT_SIGNER_LENGTH = 3,
	AT_KEY_LENGTH = 4,
	AT_LENGTH = 8
};

static const char *const id_types[] = { "PGP", "X509", "PKCS#7" };
enum {
	ID_PKCS7 = 2
};

/* The numbers of struct module_signature: DSA and RSA. */
#define ALGOS 2u

/* In the order of their numbers there, with their identifiers in DER. */
static const struct {
	const char *name;
	unsigned char n;
	unsigned char oid[9];
} hashes[] = {
	// clang-format off
	{ "md4", 8, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 4 } },
	{ "md5", 8, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5 } },
	{ "sha1", 5, { 0x2b, 0x0e, 3, 2, 0x1a } },
	{ "rmd160", 5, { 0x2b, 0x24, 3, 2, 1 } },
	{ "sha256", 9, { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1 } },
	{ "sha384", 9, { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2 } },
	{ "sha512", 9, { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3 } },
	{ "sha224", 9, { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4 } },
	{ "sm3", 8, { 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x11 } },
	// clang-format on
};

uint64_t modsig_size(struct span trailer)
{
	const uint8_t *p = trailer.p;

	if (trailer.n != MODSIG_TRAILER ||
	    memcmp(p + NUMBERS, MAGIC, sizeof(MAGIC) - 1) != 0)
		return 0;
	return (uint64_t)get_be32(p + AT_LENGTH) + p[AT_SIGNER_LENGTH] +
	       p[AT_KEY_LENGTH] + MODSIG_TRAILER;
}

static bool is(struct span s, const void *bytes, size_t n)
{
	return s.n == n && memcmp(s.p, bytes, n) == 0;
}

static const char *hash_of(struct span algorithm)
{
	struct span oid;

	if (!der_take(&algorithm, DER_OID, &oid))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++)
		if (is(oid, hashes[i].oid, hashes[i].n))
			return hashes[i].name;
	return "unknown";
}

/* The first common name in @name, or else its last part; as kmod shows it. */
static bool signer_name(struct span name, struct span *out)
{
	static const uint8_t oid_cn[] = { 0x55, 4, 3 };
	struct span set, pair, oid;
	unsigned tag;

	*out = (struct span){ NULL, 0 };
	while (name.n != 0) {
		if (!der_take(&name, DER_SET, &set) ||
		    !der_take(&set, DER_SEQUENCE, &pair) ||
		    !der_take(&pair, DER_OID, &oid) ||
		    !der_next(&pair, &tag, out))
			return false;
		if (is(oid, oid_cn, sizeof(oid_cn)))
			break;
	}
	return true;
}

/* SignerInfo, RFC 2315 9.2. */
static bool parse_signer(struct span info, struct modsig *out)
{
	struct span version, who, name, digest, encryption;

	if (!der_take(&info, DER_INTEGER, &version) ||
	    !der_take(&info, DER_SEQUENCE, &who) ||
	    !der_take(&who, DER_SEQUENCE, &name) ||
	    !der_take(&who, DER_INTEGER, &out->key) ||
	    !der_take(&info, DER_SEQUENCE, &digest) ||
	    !der_skip_optional(&info, DER_CONTEXT_0) ||
	    !der_take(&info, DER_SEQUENCE, &encryption) ||
	    !der_take(&info, DER_OCTETS, &out->signature) ||
	    !signer_name(name, &out->signer))
		return false;
	/* a positive number: without the byte that says so */
	while (out->key.n > 0 && out->key.p[0] == 0)
		(void)span_sub(out->key, 1, out->key.n - 1, &out->key);
	out->hash = hash_of(digest);
	return out->hash != NULL;
}

/* ContentInfo with SignedData, RFC 2315 7 and 9.1. */
static bool parse_pkcs7(struct span der, struct modsig *out)
{
	static const uint8_t signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7,
		0x0d, 1, 7, 2 };
	struct span s, oid, part, infos, info;

	if (!der_take(&der, DER_SEQUENCE, &s) || !der_take(&s, DER_OID, &oid) ||
	    !is(oid, signed_data, sizeof(signed_data)) ||
	    !der_take(&s, DER_CONTEXT_0, &part) ||
	    !der_take(&part, DER_SEQUENCE, &s))
		return false;
	return der_take(&s, DER_INTEGER, &part) &&     /* version */
	       der_take(&s, DER_SET, &part) &&         /* digests */
	       der_take(&s, DER_SEQUENCE, &part) &&    /* contents */
	       der_skip_optional(&s, DER_CONTEXT_0) && /* certificates */
	       der_skip_optional(&s, DER_CONTEXT_1) && /* revoked ones */
	       der_take(&s, DER_SET, &infos) &&
	       der_take(&infos, DER_SEQUENCE, &info) && parse_signer(info, out);
}

/* The old form, which names signer, key and hash beside the signature. */
static bool parse_plain(
    struct span bytes, const uint8_t *numbers, struct modsig *out)
{
	const uint8_t signer = numbers[AT_SIGNER_LENGTH];
	const uint8_t key = numbers[AT_KEY_LENGTH];

	out->hash = hashes[numbers[AT_HASH]].name;
	return span_sub(bytes, 0, signer, &out->signer) &&
	       span_sub(bytes, signer, key, &out->key) &&
	       span_sub(bytes, (uint64_t)signer + key, bytes.n - signer - key,
		   &out->signature);
}

bool modsig_parse(struct span bytes, struct modsig *out)
{
	const uint8_t *numbers;
	struct span body;
	unsigned type;

	*out = (struct modsig){ 0 };
	if (bytes.n < MODSIG_TRAILER)
		return false;
	numbers = bytes.p + bytes.n - MODSIG_TRAILER;
	type = numbers[AT_ID_TYPE];
	if (numbers[AT_ALGO] >= ALGOS ||
	    numbers[AT_HASH] >= ARRAY_SIZE(hashes) ||
	    type >= ARRAY_SIZE(id_types) ||
	    get_be32(numbers + AT_LENGTH) == 0 ||
	    !span_sub(bytes, 0, bytes.n - MODSIG_TRAILER, &body))
		return false;
	out->id = id_types[type];
	return type == ID_PKCS7 ? parse_pkcs7(body, out)
				: parse_plain(body, numbers, out);
}
