/* SPDX-License-Identifier: MIT */
/*
 * The files of a tree that depmod reads and writes, by name.
 */
#pragma once

#include <base/compiler.h>

#include "buffer.h"

struct depmod;

/*
 * Appends the whole file @name of the tree to @text. What prevents it is
 * reported as a warning: -TN_ENOENT and so on; -TN_ENOMEM is not.
 */
MUST_CHECK int depmod_read(
    const struct depmod *d, const char *name, struct buffer *text);

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
