/* SPDX-License-Identifier: MIT */
/*
 * Images as files: binary PGM (P5) and PPM (P6) with 8 bits a channel.
 */
#pragma once

#include <stdio.h>

#include "image.h"

/* 0, and *img is to be given to pnm_free; or a sentence of what is wrong. */
const char *pnm_read(FILE *in, struct image *img);
const char *pnm_write(FILE *out, const struct image *img);
void pnm_free(struct image *img);
