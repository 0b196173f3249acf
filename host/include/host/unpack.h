/* SPDX-License-Identifier: MIT */
/*
 * Unpacking for tools: gzip, xz and zstd, recognised by content.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/compiler.h>
#include <base/span.h>

/* Keeps its memory from one file to the next. One thread at a time. */
struct host_unpacker;

/* NULL: no memory. */
MUST_CHECK struct host_unpacker *host_unpacker_create(void);
/* NULL is ignored. */
void host_unpacker_destroy(struct host_unpacker *u);

/* Does a file that begins with @bytes look packed? */
bool host_unpacker_knows(struct span bytes);

/*
 * Unpacks @packed, a whole file, to at most @limit bytes. They belong to @u
 * and stay until its next call.
 * -TN_EBADMSG: damaged or cut off; -TN_EFBIG; -TN_ENOMEM; -TN_EOPNOTSUPP: this
 * build has no unpacker for it; -TN_EINVAL: it does not look packed.
 */
MUST_CHECK int host_unpack(struct host_unpacker *u, struct span packed,
    size_t limit, struct span *out);
