/* SPDX-License-Identifier: MIT */
/*
 * The files of a tree that depmod reads and writes, by name.
 */
#pragma once

#include <base/compiler.h>

#include "buffer.h"
#include "depmod_cache.h"

struct depmod;

#define DEPMOD_CACHE        "modules.tenon" /* of --incremental */
#define DEPMOD_BUILTIN      "modules.builtin"
#define DEPMOD_BUILTIN_INFO "modules.builtin.modinfo"

/*
 * Appends the whole file @name of the tree to @text. What prevents it is
 * reported as a warning: -TN_ENOENT and so on; -TN_ENOMEM is not.
 */
MUST_CHECK int depmod_read(
    struct depmod *d, const char *name, struct buffer *text);

/*
 * Gives the file @name below the folder @dir this content, in @n pieces, whole
 * or not at all. A negative errno.
 */
MUST_CHECK int depmod_replace(
    int dir, const char *name, const struct buffer *pieces, unsigned n);

/*
 * Puts more behind the first @size bytes of that file, which are all that it
 * has. A negative errno, and the file is as it was; -ESTALE: it has others.
 */
MUST_CHECK int depmod_append(int dir, const char *name, size_t size,
    const struct buffer *pieces, unsigned n);

/* What one file is to hold; writes it to @out. -TN_ENOMEM and others. */
typedef int depmod_content_fn(struct depmod *d, struct buffer *out);

struct depmod_output {
	const char *name;
	depmod_content_fn *content;
	bool is_binary; /* not shown by -n */
	unsigned from;  /* what it follows from: FROM_* */
};

/*
 * What an output may follow from, besides the modules' names and paths: facts
 * of one kind, or the lists of what is built in.
 */
#define FROM(kind)   (1u << (kind))
#define FROM_SYMBOLS (FROM(FACTS_EXPORTS) | FROM(FACTS_IMPORTS))
#define FROM_LISTS   FROM(FACTS_KINDS)
#define FROM_ALL     (FROM(FACTS_KINDS + 1) - 1)

#define DEPMOD_OUTPUTS 10u

/* What depmod writes, in its order. */
extern const struct depmod_output depmod_outputs[DEPMOD_OUTPUTS];

/*
 * Writes those that follow from what has changed: first to other names, then,
 * when everything has gone well, each gets its name. Or shows those that are
 * text. What goes wrong has been reported, and nothing has changed then.
 */
MUST_CHECK int depmod_put(struct depmod *d);

/* The stamp of the file @name of the folder @dir; zero: it is not there. */
struct file_stamp depmod_stamp(int dir, const char *name);
