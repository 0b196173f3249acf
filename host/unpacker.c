/* SPDX-License-Identifier: MIT */
/*
 * Unpacking for tools: see host/unpack.h. The memory of one result is what the
 * next one is written to, by way of the blocks that are kept.
 */
#include <host/unpack.h>

#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#include "file.h"
#include "unpack.h"

struct host_unpacker {
	struct blocks blocks;
	struct tn_bytes last;
};

static const struct {
	enum tn_packing packing;
	unsigned size;
	uint8_t magic[6];
} magics[] = {
	{ TN_GZIP, 2, { 0x1f, 0x8b } },
	{ TN_XZ, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
	{ TN_ZSTD, 4, { 0x28, 0xb5, 0x2f, 0xfd } },
};

struct host_unpacker *host_unpacker_create(void)
{
	struct host_unpacker *u = calloc(1, sizeof(*u));

	if (u != NULL)
		blocks_init(&u->blocks);
	return u;
}

static void drop_last(struct host_unpacker *u)
{
	if (u->last.data != NULL)
		bytes_release(&u->blocks, &u->last);
}

void host_unpacker_destroy(struct host_unpacker *u)
{
	if (u == NULL)
		return;
	drop_last(u);
	blocks_fini(&u->blocks);
	free(u);
}

static enum tn_packing packing_of(struct span bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (bytes.n >= magics[i].size &&
		    memcmp(bytes.p, magics[i].magic, magics[i].size) == 0)
			return magics[i].packing;
	return TN_PLAIN;
}

bool host_unpacker_knows(struct span bytes)
{
	return packing_of(bytes) != TN_PLAIN;
}

int host_unpack(
    struct host_unpacker *u, struct span packed, size_t limit, struct span *out)
{
	const enum tn_packing packing = packing_of(packed);
	const struct tn_bytes in = { .data = packed.p, .size = packed.n };
	int err;

	if (packing == TN_PLAIN)
		return -TN_EINVAL;
	drop_last(u);
	err = bytes_unpack(&u->blocks, packing, in, limit, &u->last);
	if (!err)
		*out = (struct span){ u->last.data, u->last.size };
	return err;
}
