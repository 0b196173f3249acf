/* SPDX-License-Identifier: MIT */
/*
 * darkroom: sends an image through filters, each of them a plugin.
 *
 *	darkroom IN.ppm OUT.ppm ./blur.so radius=2 ./invert.so
 *
 * A word with '=' is a parameter of the filter before it. Filters are loaded
 * before the image is read, so that a wrong name or parameter costs nothing.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/plugin.h>

#include "pnm.h"

#define FILTERS_MAX 32

struct chain {
	struct plugin *filters[FILTERS_MAX];
	int n;
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "darkroom: %s: %s\n", what, why);
	return 1;
}

static int complain_diag(const char *what, struct tn_diag *diag)
{
	char text[512];

	(void)tn_diag_text(diag, text, sizeof(text));
	tn_diag_fini(diag);
	return complain(what, text);
}

/* --- filters */

/* The parameters behind argv[i], joined; "" when there are none. False: they
   have no room. */
static bool join_params(char **argv, int *i, char *line, size_t cap)
{
	size_t n = 0;

	line[0] = '\0';
	while (argv[*i + 1] && strchr(argv[*i + 1], '=') && n < cap)
		n += (size_t)snprintf(line + n, cap - n, "%s ", argv[++*i]);
	return n < cap;
}

static int load(struct chain *chain, char **argv, int *i)
{
	char params[512];
	struct plugin_load_args args = {
		.size = sizeof(args), .path = argv[*i], .params = params
	};
	struct tn_diag diag;
	const char *path = argv[*i];

	if (chain->n == FILTERS_MAX)
		return complain(path, "so many filters are not supported");
	if (!join_params(argv, i, params, sizeof(params)))
		return complain(path, "so many parameters are not supported");
	tn_diag_init(&diag);
	if (plugin_load_with(&args, &chain->filters[chain->n], &diag) != 0)
		return complain_diag(path, &diag);
	chain->n++;
	return 0;
}

static int load_all(struct chain *chain, char **argv)
{
	int status = 0;

	for (int i = 0; argv[i] && status == 0; i++)
		status = load(chain, argv, &i);
	return status;
}

/* --- the image */

static int develop(const struct chain *chain, struct image *img)
{
	for (int i = 0; i < chain->n; i++) {
		struct plugin *p = chain->filters[i];
		int result = 0;

		if (plugin_process(p, img, &result) != 0)
			return complain(p->path, "it is no filter");
		if (result != 0)
			return complain(p->path, "it cannot do this image");
		printf("%s: %s\n", p->path, p->ops->name);
	}
	return 0;
}

static int write_file(const char *path, const struct image *img)
{
	FILE *out = fopen(path, "wb");
	const char *wrong = out ? pnm_write(out, img) : "it cannot be created";

	if (out && fclose(out) != 0)
		wrong = "it cannot be written";
	return wrong ? complain(path, wrong) : 0;
}

static int run(const struct chain *chain, const char *from, const char *to)
{
	FILE *in = fopen(from, "rb");
	struct image img;
	const char *wrong;
	int status;

	if (!in)
		return complain(from, "it cannot be opened");
	wrong = pnm_read(in, &img);
	fclose(in);
	if (wrong)
		return complain(from, wrong);
	status = develop(chain, &img);
	if (status == 0)
		status = write_file(to, &img);
	pnm_free(&img);
	return status;
}

int main(int argc, char **argv)
{
	struct chain chain = { .n = 0 };
	struct tn_diag diag;
	int status;

	if (argc < 4) {
		fprintf(stderr, "usage: darkroom IN OUT FILTER.so [PARAMETER="
				"VALUE].. [FILTER.so ..]\n");
		return 2;
	}
	tn_diag_init(&diag);
	status = load_all(&chain, argv + 3);
	if (status == 0)
		status = run(&chain, argv[1], argv[2]);
	if (plugin_unload_all(&diag) != 0)
		status = complain_diag("filters", &diag);
	return status;
}
