/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 as FIPS 180-4 writes it: the names in here are the standard's. The
 * message is taken block by block where it lies; only the padded tail, one
 * or two blocks, is copied.
 */
#include <base/sha256.h>

#include <base/span.h>
#include <base/string.h>

#define BLOCK        64u
#define LENGTH_FIELD 8u

/* 4.2.2: first 32 bits of the fractions of the cube roots of 64 primes. */
/* clang-format off */
static const uint32_t K[BLOCK] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

static uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* 6.2.2 step 1. */
static void schedule(uint32_t w[BLOCK], const uint8_t *m)
{
	for (size_t t = 0; t < 16; t++)
		w[t] = get_be32(m + 4 * t);
	for (unsigned t = 16; t < BLOCK; t++) {
		const uint32_t a = w[t - 15], b = w[t - 2];
		const uint32_t s0 = rotr(a, 7) ^ rotr(a, 18) ^ a >> 3;
		const uint32_t s1 = rotr(b, 17) ^ rotr(b, 19) ^ b >> 10;

		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
}

/* 6.2.2 steps 2 to 4. s[0..7] are the standard's a..h. */
static void block(uint32_t h[8], const uint8_t *m)
{
	uint32_t w[BLOCK], s[8];

	schedule(w, m);
	memcpy(s, h, sizeof(s));
	for (unsigned t = 0; t < BLOCK; t++) {
		const uint32_t a = s[0], e = s[4];
		const uint32_t ch = (e & s[5]) ^ (~e & s[6]);
		const uint32_t maj = (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]);
		const uint32_t e1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
		const uint32_t a0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
		const uint32_t t1 = s[7] + e1 + ch + K[t] + w[t];

		memmove(s + 1, s, sizeof(s) - sizeof(s[0]));
		s[0] = t1 + a0 + maj;
		s[4] += t1;
	}
	for (unsigned i = 0; i < 8; i++)
		h[i] += s[i];
}

void sha256(const void *p, size_t n, uint8_t out[SHA256_SIZE])
{
	/* 5.3.3: the same of the square roots of eight primes. */
	uint32_t h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	const uint8_t *m = p;
	uint8_t tail[2 * BLOCK] = { 0 };
	const size_t rest = n % BLOCK;
	const size_t padded =
	    rest + 1 + LENGTH_FIELD <= BLOCK ? BLOCK : 2 * BLOCK;

	for (const uint8_t *end = m + (n - rest); m != end; m += BLOCK)
		block(h, m);
	/* 5.1.1: a one bit, zeros, and the length in bits. */
	if (rest != 0)
		memcpy(tail, m, rest);
	tail[rest] = 0x80;
	put_be32(tail + padded - 8, (uint32_t)((uint64_t)n >> 29));
	put_be32(tail + padded - 4, (uint32_t)((uint64_t)n << 3));
	for (size_t at = 0; at < padded; at += BLOCK)
		block(h, tail + at);
	for (size_t i = 0; i < 8; i++)
		put_be32(out + 4 * i, h[i]);
}

void sha256_text(const uint8_t digest[SHA256_SIZE], char out[65])
{
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	out[64] = '\0';
}
