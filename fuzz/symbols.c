/* SPDX-License-Identifier: MIT */
/*
 * The reader of System.map lines, through a file in memory. What it accepts
 * is sorted by name, without doubles and without empty names. What it says on
 * standard error is for people; run with -close_fd_mask=2 to be spared.
 */
#include "kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "offline.h"

static void check(const struct symbol_file *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *name = f->exports[i].name;

		touch_string(name);
		FUZZ_CHECK(*name != '\0' && f->exports[i].flags == 0);
		if (i != 0)
			FUZZ_CHECK(strcmp(f->exports[i - 1].name, name) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct symbol_file f;
	char path[32];

	if (fd < 0)
		fd = memfd_create("symbols", 0);
	FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (symbol_file_read(path, &f)) {
		check(&f);
		symbol_file_free(&f);
	}
	return 0;
}
