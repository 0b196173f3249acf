/* SPDX-License-Identifier: MIT */
/*
 * The world outside of a matrix source: what world.c defines and every source
 * imports. It is a module of its own, loaded first, or an image linked at
 * another address.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tenon/module.h>

#define WORLD_ROWS 512

typedef uint32_t world_vector __attribute__((vector_size(16)));

struct world_record {
	uint8_t tag;
	uint16_t half;
	uint32_t word;
	uint64_t wide;
	const char *name;
	int (*fn)(int a, int b);
};

TENON_IMPORTS_BEGIN

extern uint8_t world_u8;
extern int8_t world_s8;
extern uint16_t world_u16;
extern int16_t world_s16;
extern uint32_t world_u32;
extern int32_t world_s32;
extern uint64_t world_u64;
extern unsigned __int128 world_u128;
extern world_vector world_v128;
extern const char *world_text;
extern const char world_string[];
extern struct world_record world_records[4];
/* Row i holds 7 i + 3. */
extern uint32_t world_rows[WORLD_ROWS];
extern uint64_t world_zeros[64];
extern int (*world_operation)(int a, int b);

int world_add(int a, int b);
int world_sub(int a, int b);
int world_mul(int a, int b);
int world_apply(int (*fn)(int a, int b), int a, int b);
long world_count(int n, ...); /* the sum of @n longs */
/* Digits of a base-11 number: all argument registers and the stack. */
uint64_t world_digits(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
    uint64_t e, uint64_t f, uint64_t g, uint64_t h, uint64_t i, uint64_t j);
double world_half(double x);
/* What the world itself sees in the scalars above. */
uint64_t world_sum(void);
void world_note(int step);
int world_noted(void);

TENON_IMPORTS_END
