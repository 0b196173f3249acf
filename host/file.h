/* SPDX-License-Identifier: MIT */
/*
 * Sources of modules: files and what is packed in them, as struct tn_bytes.
 * Their memory is one block; bytes_release gives it back.
 */
#pragma once

#include <stddef.h>

#include <base/compiler.h>
#include <tenon/port.h>

#include "blocks.h"

/*
 * Reads the regular file @path. -TN_ENOENT, -TN_EACCES, -TN_EIO, -TN_ENOMEM,
 * -TN_ENAMETOOLONG, -TN_ELOOP: too many symbolic links;
 * -TN_EINVAL: not a regular file; -TN_EFBIG: larger than @limit.
 */
MUST_CHECK int bytes_read(
    struct blocks *b, const char *path, size_t limit, struct tn_bytes *out);

/* As tn_port.unpack, with at most @limit bytes. */
MUST_CHECK int bytes_unpack(struct blocks *b, enum tn_packing packing,
    struct tn_bytes in, size_t limit, struct tn_bytes *out);

void bytes_release(struct blocks *b, struct tn_bytes *bytes);
