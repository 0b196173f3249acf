/* SPDX-License-Identifier: MIT */
/*
 * What the files of depmod hold, text and indexes: functions for the table of
 * depmod_write.c.
 */
#pragma once

#include "depmod_files.h"

/*
 * For each module the line of modules.dep, with a NUL instead of a newline:
 * its path, and what it needs, directly and not, the nearest first. Made once,
 * before the functions below.
 */
MUST_CHECK int depmod_make_lines(struct depmod *d);

depmod_content_fn depmod_text_dep;
depmod_content_fn depmod_text_alias;
depmod_content_fn depmod_text_softdep;
depmod_content_fn depmod_text_symbols;
depmod_content_fn depmod_text_devname;

depmod_content_fn depmod_index_dep;
depmod_content_fn depmod_index_alias;
depmod_content_fn depmod_index_symbols;
depmod_content_fn depmod_index_builtin;
depmod_content_fn depmod_index_builtin_alias;
