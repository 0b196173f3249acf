/* SPDX-License-Identifier: MIT */
/*
 * What the program and its filters share: an image, handed to `process`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Grows at its end only; a filter looks at size before it uses a later field */
struct image {
	uint32_t size; /* sizeof(struct image) of the program */
	uint32_t width, height;
	uint32_t channels; /* 1: grey, 3: red, green, blue */
	uint8_t *pixels;   /* row by row; height * width * channels bytes */
	uint8_t *spare;    /* as much, for filters that need a second copy */
};

static inline size_t image_row(const struct image *img)
{
	return (size_t)img->width * img->channels;
}

static inline size_t image_bytes(const struct image *img)
{
	return img->height * image_row(img);
}
