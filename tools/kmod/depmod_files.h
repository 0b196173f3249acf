/* SPDX-License-Identifier: MIT */
/*
 * The files of a tree that depmod reads and writes, by name.
 */
#pragma once

#include <base/compiler.h>

#include "buffer.h"

struct depmod;

#define DEPMOD_CACHE "modules.tenon" /* of --incremental, in the tree */

/*
 * Appends the whole file @name of the tree to @text. What prevents it is
 * reported as a warning: -TN_ENOENT and so on; -TN_ENOMEM is not.
 */
MUST_CHECK int depmod_read(
    const struct depmod *d, const char *name, struct buffer *text);

/* Appends what is left to be read of @fd. -TN_ENOMEM, or a negative errno. */
MUST_CHECK int depmod_read_fd(int fd, struct buffer *out);

/*
 * Gives the file @name below the folder @dir this content, whole or not at
 * all. A negative errno.
 */
MUST_CHECK int depmod_replace(
    int dir, const char *name, const struct buffer *content);

/* What one file is to hold; writes it to @out. -TN_ENOMEM and others. */
typedef int depmod_content_fn(struct depmod *d, struct buffer *out);

struct depmod_output {
	const char *name;
	depmod_content_fn *content;
	bool is_binary; /* not shown by -n */
};

/*
 * Writes all of @outputs: first to other names, then, when everything has gone
 * well, each gets its name. Or shows those that are text. What goes wrong has
 * been reported, and nothing has changed then.
 */
MUST_CHECK int depmod_put(
    struct depmod *d, const struct depmod_output *outputs, unsigned n);
