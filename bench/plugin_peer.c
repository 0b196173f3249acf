/* SPDX-License-Identifier: MIT */
/*
 * See plugin_peer.h: that code under other names.
 */
#include "plugin_peer.h"

#define plugin_load   printed_load
#define plugin_get    printed_get
#define plugin_put    printed_put
#define plugin_unload printed_unload

/* It declares the same functions once more. */
#pragma GCC diagnostic ignored "-Wredundant-decls"
/* NOLINTNEXTLINE(bugprone-suspicious-include): it is the peer. */
#include "printed.c"
