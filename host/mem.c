/* SPDX-License-Identifier: MIT */
/*
 * Image memory in system calls: see mem.h.
 *
 * The second view of a chunk is a shared mapping of the same unnamed file, so
 * the bytes exist once. The file is closed at once: a program that closes all
 * descriptors, as daemons do, cannot take it away, and a later alias is made
 * from the run view (mremap of length 0 duplicates a shared mapping). At no
 * moment is a view both writable and executable.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tenon/err.h>

#include "mem.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3: says that it will be executed */
#endif

static void *pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

/* False when a test wants this call to fail. */
static bool count(struct mem_count *n)
{
	return atomic_fetch_add_explicit(
		   &n->calls, 1, memory_order_relaxed) + 1 != n->fail_at;
}

size_t mem_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

uint64_t mem_reserve(struct mem_count *n, size_t size)
{
	void *p;

	count(n);
	p = mmap(NULL, size, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? 0 : (uintptr_t)p;
}

void mem_release(struct mem_count *n, uint64_t addr, size_t size)
{
	count(n);
	(void)munmap(pointer(addr), size); /* a whole mapping: cannot fail */
}

static int open_file(struct mem_count *n, size_t size)
{
	int fd;

	count(n);
	fd = memfd_create("tenon", MFD_CLOEXEC | MFD_EXEC);
	if (fd < 0 && errno == EINVAL) {
		count(n);
		fd = memfd_create("tenon", MFD_CLOEXEC);
	}
	if (fd < 0)
		return -1;
	count(n);
	if (ftruncate(fd, (off_t)size) == 0)
		return fd;
	count(n);
	close(fd);
	return -1;
}

int mem_map_twice(struct mem_count *n, uint64_t addr, size_t size, int run_prot,
    uint8_t **alias)
{
	const int fd = open_file(n, size);
	void *run, *write = MAP_FAILED;

	if (fd < 0)
		return -TN_ENOMEM;
	count(n);
	run =
	    mmap(pointer(addr), size, run_prot, MAP_SHARED | MAP_FIXED, fd, 0);
	if (run != MAP_FAILED) {
		count(n);
		write =
		    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	count(n);
	close(fd);
	if (write == MAP_FAILED) {
		mem_unmap(n, addr, size);
		return -TN_ENOMEM;
	}
	/* A child must not be able to write into its parent's text. */
	count(n);
	(void)madvise(write, size, MADV_DONTFORK);
	*alias = write;
	return 0;
}

int mem_map_private(struct mem_count *n, uint64_t addr, size_t size)
{
	void *p;

	count(n);
	p = mmap(pointer(addr), size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	return p == MAP_FAILED ? -TN_ENOMEM : 0;
}

void mem_unmap(struct mem_count *n, uint64_t addr, size_t size)
{
	count(n);
	/* Replaces what is there; where that fails it stays as it is. */
	(void)mmap(pointer(addr), size, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

uint8_t *mem_alias_open(struct mem_count *n, uint64_t addr, size_t size)
{
	uint8_t *alias;

	count(n);
	alias = mremap(pointer(addr), 0, size, MREMAP_MAYMOVE);
	if (alias == MAP_FAILED)
		return NULL;
	count(n);
	if (mprotect(alias, size, PROT_READ | PROT_WRITE) != 0) {
		mem_alias_close(n, alias, size);
		return NULL;
	}
	count(n);
	(void)madvise(alias, size, MADV_DONTFORK);
	return alias;
}

void mem_alias_close(struct mem_count *n, uint8_t *alias, size_t size)
{
	count(n);
	(void)munmap(alias, size); /* a whole mapping: cannot fail */
}

int mem_protect(struct mem_count *n, uint64_t addr, size_t size, int prot)
{
	count(n);
	return mprotect(pointer(addr), size, prot) == 0 ? 0 : -TN_ENOMEM;
}
