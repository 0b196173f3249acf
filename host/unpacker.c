/* SPDX-License-Identifier: MIT */
/*
 * Unpacking for tools: see host/unpack.h. What is unpacked goes to a region of
 * address space that is large enough for nearly every file: it need not grow
 * and be copied, and pages that are not written to cost nothing. Pages behind
 * the first few megabytes are given back before the next file.
 */
#include <host/unpack.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <tenon/err.h>

#include "unpack.h"

#define FIRST_ROOM ((size_t)64 << 20)
#define KEPT       ((size_t)4 << 20)

struct host_unpacker {
	uint8_t *region; /* NULL: none yet */
	size_t room;     /* of the region */
	size_t used;     /* by the last file */
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
	return calloc(1, sizeof(struct host_unpacker));
}

static void drop_region(struct host_unpacker *u)
{
	if (u->region != NULL)
		(void)munmap(u->region, u->room);
	u->region = NULL;
}

void host_unpacker_destroy(struct host_unpacker *u)
{
	if (u != NULL)
		drop_region(u);
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

/* A region of at least @room bytes. */
static int make_room(struct host_unpacker *u, size_t room)
{
	void *region;

	if (u->region != NULL && u->used > KEPT)
		(void)madvise(u->region + KEPT, u->room - KEPT, MADV_DONTNEED);
	if (u->region != NULL && u->room >= room)
		return 0;
	drop_region(u);
	region = mmap(NULL, room, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region == MAP_FAILED)
		return -TN_ENOMEM;
	u->region = region;
	u->room = room;
	return 0;
}

/* -TN_EFBIG: more than @room bytes. */
static int unpack_within(
    struct host_unpacker *u, unpack_fn *unpack, struct span packed, size_t room)
{
	struct sink sink = { .cap = room, .limit = room };
	int err = make_room(u, room);

	if (err)
		return err;
	sink.data = u->region;
	err = unpack(packed, &sink);
	u->used = sink.used;
	return err;
}

int host_unpack(
    struct host_unpacker *u, struct span packed, size_t limit, struct span *out)
{
	unpack_fn *const unpack = unpacker(packing_of(packed));
	/* One byte more tells what just fits from what does not. */
	size_t room = limit < FIRST_ROOM ? limit + 1 : FIRST_ROOM;
	int err;

	if (!host_unpacker_knows(packed))
		return -TN_EINVAL;
	if (unpack == NULL)
		return -TN_EOPNOTSUPP;
	for (;;) {
		err = unpack_within(u, unpack, packed, room);
		if (err != -TN_EFBIG || room > limit)
			break;
		room = room > limit / 4 ? limit + 1 : room * 4;
	}
	if (!err && u->used > limit)
		err = -TN_EFBIG;
	if (!err)
		*out = (struct span){ u->region, u->used };
	return err;
}
