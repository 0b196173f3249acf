/* SPDX-License-Identifier: MIT */
/*
 * Box blur: each pixel becomes the mean of the square around it.
 */
#include <string.h>

#include <tenon/module_param.h>
#include <tenon/plugin.h>

#include "image.h"

static unsigned int radius = 1;
module_param_range(radius, uint, 0644, 1, 16);
MODULE_PARM_DESC(radius, "pixels on each side of the middle one");

/* The mean along one line of @n pixels that lie @step bytes apart. */
static void blur_line(const uint8_t *from, uint8_t *to, size_t n, size_t step)
{
	const size_t r = radius;

	for (size_t i = 0; i < n; i++) {
		const size_t first = i < r ? 0 : i - r;
		const size_t last = i + r < n ? i + r : n - 1;
		unsigned sum = 0;

		for (size_t k = first; k <= last; k++)
			sum += from[k * step];
		to[i * step] = (uint8_t)(sum / (last - first + 1));
	}
}

/* Rows, then columns: the square is the product of the two. */
static int blur(void *data)
{
	const struct image *img = data;
	const size_t row = image_row(img), c = img->channels;

	for (size_t y = 0; y < img->height; y++)
		for (size_t k = 0; k < c; k++)
			blur_line(img->pixels + y * row + k,
			    img->spare + y * row + k, img->width, c);
	for (size_t x = 0; x < row; x++)
		blur_line(img->spare + x, img->pixels + x, img->height, row);
	return 0;
}

struct plugin_ops plugin_ops = { .name = "blur", .process = blur };

MODULE_DESCRIPTION("box blur");
MODULE_VERSION("1.0");
PLUGIN_ABI(TN_ABI_MAJOR, TN_ABI_MINOR);
