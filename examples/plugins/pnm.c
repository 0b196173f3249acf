/* SPDX-License-Identifier: MIT */
/*
 * See pnm.h: "P6 WIDTH HEIGHT 255" and one blank, then the bytes. Comments
 * start with '#'.
 */
#include "pnm.h"

#include <ctype.h>
#include <stdlib.h>

#define SIDE_MAX 65535u

static int next_char(FILE *in)
{
	int c = getc(in);

	while (c == '#') {
		while (c != '\n' && c != EOF)
			c = getc(in);
		c = getc(in);
	}
	return c;
}

/* A number with blanks before it and one character behind it; 0: none. */
static unsigned read_number(FILE *in)
{
	unsigned n = 0;
	int c = next_char(in);

	while (isspace(c))
		c = next_char(in);
	for (; isdigit(c) && n <= SIDE_MAX; c = next_char(in))
		n = n * 10 + (unsigned)(c - '0');
	return isspace(c) ? n : 0;
}

static const char *read_header(FILE *in, struct image *img)
{
	const int p = getc(in), kind = getc(in);

	if (p != 'P' || (kind != '5' && kind != '6'))
		return "it is no binary PGM or PPM file (P5, P6)";
	img->channels = kind == '6' ? 3 : 1;
	img->width = read_number(in);
	img->height = read_number(in);
	if (img->width == 0 || img->height == 0 || img->width > SIDE_MAX ||
	    img->height > SIDE_MAX)
		return "its width or height is none from 1 to 65535";
	if (read_number(in) != 255)
		return "it has not 8 bits a channel";
	return NULL;
}

const char *pnm_read(FILE *in, struct image *img)
{
	const char *wrong;

	*img = (struct image){ .size = sizeof(*img) };
	wrong = read_header(in, img);
	if (wrong)
		return wrong;
	img->pixels = malloc(image_bytes(img));
	img->spare = malloc(image_bytes(img));
	if (!img->pixels || !img->spare)
		wrong = "there is no memory for it";
	else if (fread(img->pixels, 1, image_bytes(img), in) !=
		 image_bytes(img))
		wrong = "it ends in the middle of the picture";
	if (wrong)
		pnm_free(img);
	return wrong;
}

const char *pnm_write(FILE *out, const struct image *img)
{
	fprintf(out, "P%c\n%u %u\n255\n", img->channels == 3 ? '6' : '5',
	    (unsigned)img->width, (unsigned)img->height);
	if (fwrite(img->pixels, 1, image_bytes(img), out) != image_bytes(img) ||
	    fflush(out) != 0)
		return "it cannot be written";
	return NULL;
}

void pnm_free(struct image *img)
{
	free(img->pixels);
	free(img->spare);
	img->pixels = img->spare = NULL;
}
