/* SPDX-License-Identifier: MIT */
/*
 * Black and white alone. Is linked with tone.so, which is a filter too: it has
 * to be loaded before, and stays as long as this one does.
 */
#include <string.h>

#include <tenon/module_param.h>
#include <tenon/plugin.h>

#include "image.h"
#include "tone.h"

static unsigned int threshold = 128;
module_param_range(threshold, uint, 0644, 1, 255);
MODULE_PARM_DESC(threshold, "what is as light as this becomes white");

static int print(void *data)
{
	const struct image *img = data;

	for (size_t i = 0; i < image_bytes(img); i += img->channels) {
		const uint8_t *at = img->pixels + i;
		const uint8_t tone = img->channels == 3 ? tone_of(at) : *at;

		memset(img->pixels + i, tone >= threshold ? 255 : 0,
		    img->channels);
	}
	return 0;
}

struct plugin_ops plugin_ops = { .name = "print", .process = print };

MODULE_DESCRIPTION("black and white alone");
MODULE_DEPENDS("tone >= 1.0 < 2");
PLUGIN_ABI(TN_ABI_MAJOR, TN_ABI_MINOR);
