/* SPDX-License-Identifier: MIT */
/*
 * Takes the colours away; other filters ask it how light a pixel is.
 */
#include "tone.h"

#include <tenon/module_info.h>
#include <tenon/plugin.h>

#include "image.h"

uint8_t tone_of(const uint8_t *rgb)
{
	return (uint8_t)((rgb[0] * 77u + rgb[1] * 150u + rgb[2] * 29u) >> 8);
}

static int grey(void *data)
{
	const struct image *img = data;

	for (size_t i = 0; img->channels == 3 && i < image_bytes(img); i += 3) {
		const uint8_t tone = tone_of(img->pixels + i);

		img->pixels[i] = img->pixels[i + 1] = img->pixels[i + 2] = tone;
	}
	return 0;
}

struct plugin_ops plugin_ops = { .name = "tone", .process = grey };

MODULE_DESCRIPTION("takes the colours away");
MODULE_VERSION("1.1");
PLUGIN_ABI(TN_ABI_MAJOR, TN_ABI_MINOR);
