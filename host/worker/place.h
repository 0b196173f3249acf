/* SPDX-License-Identifier: MIT */
/*
 * A port that only links: its images lie in ordinary memory here and have the
 * addresses that they are to have in a worker.
 */
#pragma once

#include <tenon/port.h>

struct place {
	struct tn_port port;
	uint64_t base;  /* where the next image goes */
	uint8_t *bytes; /* of the image, freed with it unless taken */
	size_t nbytes;
};

/* @page: size of a page, the unit of permissions. */
void place_init(struct place *p, uint64_t base, size_t page);

/* What records own that outlive their port; see tn_diag. */
extern const struct tn_port place_memory;
