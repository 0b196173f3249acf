/* SPDX-License-Identifier: MIT */
/*
 * Makes light dark and dark light.
 */
#include <tenon/module_info.h>
#include <tenon/plugin.h>

#include "image.h"

static int invert(void *data)
{
	const struct image *img = data;

	for (size_t i = 0; i < image_bytes(img); i++)
		img->pixels[i] = (uint8_t)(255 - img->pixels[i]);
	return 0;
}

struct plugin_ops plugin_ops = { .name = "invert", .process = invert };

MODULE_DESCRIPTION("makes light dark and dark light");
MODULE_VERSION("1.0");
PLUGIN_ABI(TN_ABI_MAJOR, TN_ABI_MINOR);
