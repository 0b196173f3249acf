/* SPDX-License-Identifier: MIT */
/*
 * modules.dep, as `tenon run` reads it: whatever the text is, each line that
 * counts is found by the name of its module, in the order of names.
 */
#include "depfile.h"
#include "kit.h"

#include <string.h>

static void look_at(const struct depfile *df, const struct depfile_entry *e)
{
	const struct depfile_entry *found = depfile_find(df, e->name);
	char *path = depfile_path(df, e->path);

	FUZZ_CHECK(found != NULL && found <= e);
	FUZZ_CHECK(strcmp(found->name, e->name) == 0);
	FUZZ_CHECK(path != NULL);
	touch_string(path);
	touch_string(e->needs);
	free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct depfile df;

	FUZZ_CHECK(text != NULL && depfile_take(&df, "/tree/", text));
	for (size_t i = 0; i < df.n; i++) {
		FUZZ_CHECK(i == 0 || strcmp(df.entries[i - 1].name,
					 df.entries[i].name) <= 0);
		look_at(&df, &df.entries[i]);
	}
	depfile_free(&df);
	return 0;
}
