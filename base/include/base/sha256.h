/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4), in one piece. Used to show that two worlds have
 * loaded the same bytes; no secrets pass through it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

/* Any context; 400 bytes of stack. */
void sha256(const void *p, size_t n, uint8_t out[SHA256_SIZE]);

/* @digest as 64 lower-case hex digits and a NUL. */
void sha256_text(const uint8_t digest[SHA256_SIZE], char out[65]);
