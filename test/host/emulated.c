/* SPDX-License-Identifier: MIT */
/*
 * Whether an emulator runs this: see emulated.h.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <test/emulated.h>

#define NO_SUCH_ADVICE 9999

/* Emulators take any advice. */
bool test_is_emulated(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const bool takes_any =
	    p != MAP_FAILED && madvise(p, page, NO_SUCH_ADVICE) == 0;

	if (p != MAP_FAILED)
		munmap(p, page);
	return takes_any;
}
