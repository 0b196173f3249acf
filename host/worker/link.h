/* SPDX-License-Identifier: MIT */
/*
 * Linking a module for a worker: the engine's linker, against the symbols of
 * the worker's program and the addresses that its image will have there.
 */
#pragma once

#include <base/compiler.h>
#include <host/worker.h>

#include "wire.h"

struct image_symbol {
	const char *name;
	uint64_t addr;
	bool is_function; /* as far as the file says */
	bool is_global;
};

/* A part of the image, in our memory and over there. */
struct image_part {
	uint64_t addr;
	size_t size;   /* whole pages */
	size_t offset; /* in bytes[] */
	uint32_t prot; /* WIRE_R ... */
};

struct image {
	char name[TN_MODULE_NAME_MAX];
	uint64_t base;
	size_t size; /* from the first part to the last */
	struct image_part part[TN_MAX_PARTS];
	unsigned nparts;
	uint8_t *bytes; /* of all parts; freed by image_drop_bytes */
	size_t nbytes;
	struct image_symbol *symbols; /* sorted by name */
	size_t nsymbols;
	char *names;
	/* Functions to call, in this order. */
	uint64_t *starts, *ends;
	size_t nstarts, nends;
	uint64_t entry; /* e_entry in the image, 0: none */
};

struct image_request {
	const void *data;
	size_t size;
	const char *name;
	uint32_t flags; /* TN_LOAD_* */
	uint64_t base;  /* where it goes */
	const struct tn_export *exports;
	size_t nexports;
};

/*
 * Errors of tn_link; -TN_ENOEXEC: for another machine. @diag is not NULL, and
 * afterwards owns nothing.
 */
MUST_CHECK int image_link(
    const struct image_request *req, struct image *out, struct tn_diag *diag);
void image_drop_bytes(struct image *img);
void image_free(struct image *img);

/* The global symbol @name; NULL: none. */
const struct image_symbol *image_find(
    const struct image *img, const char *name);
/* The last function at or before @addr in the image; NULL: none. */
const struct image_symbol *image_at(const struct image *img, uint64_t addr);
/* May @addr be executed? */
bool image_is_text(const struct image *img, uint64_t addr);
