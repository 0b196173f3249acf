/* SPDX-License-Identifier: MIT */
/*
 * What depmod reads of a module file. An input is a file; whatever it is, what
 * is told about it lies where it says, with as many texts as it says.
 */
#include "kit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "modscan.h"

static void check_facts(const struct facts *f)
{
	uint32_t symbols = f->n[FACTS_EXPORTS] + f->n[FACTS_IMPORTS];

	for (unsigned kind = 0; kind < FACTS_KINDS; kind++) {
		const char *text = facts_first(f, kind);

		for (uint32_t i = 0; i < f->n[kind]; i++) {
			FUZZ_CHECK(text < f->texts + f->bytes);
			touch_string(text);
			text = facts_next(text);
		}
		FUZZ_CHECK(text <= f->texts + f->bytes);
	}
	touch(f->hashes, symbols * sizeof(*f->hashes));
	if (f->details != NULL)
		touch(f->details, symbols * sizeof(*f->details));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("module", MFD_CLOEXEC);
	char path[40];

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int detailed = 0; detailed < 2; detailed++) {
		struct modscan scan;
		struct facts facts;
		int err;

		FUZZ_CHECK(modscan_init(&scan, 1, detailed) == 0);
		err = modscan_file(&scan, -1, path, &facts);
		FUZZ_CHECK(err != 0 || facts.texts != NULL);
		check_facts(&facts);
		if (scan.read.why.what != NULL)
			touch_string(scan.read.why.what);
		modscan_fini(&scan);
	}
	(void)close(fd);
	return 0;
}
