/* SPDX-License-Identifier: MIT */
/* functions.h */
#include "functions.h"

#include <stdio.h>

struct author functions(const char *module, const char *prefix, unsigned n)
{
	struct author a = author_new(isa_here()->machine, module);
	uint32_t symbols[128];
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s%u", prefix, i);
		symbols[i] = author_return(&a, name);
		object_symbol_size(a.o, symbols[i], 1);
	}
	/* 61 is prime: every one comes once, none where it lies */
	for (unsigned i = 0; i < n; i++) {
		const unsigned k = n > 1 ? i * 61 % n : 0;

		snprintf(name, sizeof(name), "%s%u", prefix, k);
		author_export(&a, (struct author_export){ .name = name,
				      .symbol = symbols[k],
				      .gpl = k % 3 == 0 });
	}
	return a;
}
