/* SPDX-License-Identifier: MIT */
/*
 * A port for linking offline: memory from malloc, addresses counted up from a
 * given start, files from the host. Nothing that it makes is ever run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/engine.h>

struct offline {
	struct tn_port port;
	const struct tn_port *host; /* reads and unpacks */
	uint64_t at;                /* where the first part goes */
	bool is_past_end; /* an image has not fitted below the last address */
};

void offline_init(struct offline *off, const struct tn_port *host, uint64_t at);

/* Symbols read from a file of System.map lines. */
struct symbol_file {
	struct tn_export *exports;
	size_t n;
	char *text; /* the names point into it */
};

/* Reads @path; complains on standard error and returns false if it cannot. */
bool symbol_file_read(const char *path, struct symbol_file *out);
void symbol_file_free(struct symbol_file *f);
