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
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/overflow.h>
#include <host/file_limit.h>
#include <tenon/err.h>

#include "mem.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3: says that it will be executed */
#endif

static void *pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

/* Counts a call; true when a test wants it to fail, for no reason. */
static bool refused(struct mem_count *n)
{
	const unsigned long long number =
	    atomic_fetch_add_explicit(&n->calls, 1, memory_order_relaxed);

	if (number + 1 != n->fail_at)
		return false;
	errno = 0;
	return true;
}

size_t mem_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void mem_release(struct mem_count *n, uint64_t addr, size_t size)
{
	(void)refused(n);
	(void)munmap(pointer(addr), size); /* a whole mapping: cannot fail */
}

uint64_t mem_reserve(struct mem_count *n, size_t size, size_t align)
{
	const size_t slack = align > mem_page_size() ? align : 0;
	uint64_t addr;
	void *p;

	if (refused(n) || size > SIZE_MAX - slack)
		return 0;
	p = mmap(NULL, size + slack, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		shortage_note(&n->shortage, size);
		return 0;
	}
	addr = align_up((uintptr_t)p, align);
	if (addr > (uintptr_t)p)
		mem_release(n, (uintptr_t)p, addr - (uintptr_t)p);
	if (addr + size < (uintptr_t)p + size + slack)
		mem_release(
		    n, addr + size, (uintptr_t)p + slack - (size_t)addr);
	return addr;
}

static int open_file(struct mem_count *n)
{
	int fd;

	if (refused(n))
		return -1;
	fd = memfd_create("tenon", MFD_CLOEXEC | MFD_EXEC);
	if (fd >= 0 || errno != EINVAL || refused(n))
		return fd;
	return memfd_create("tenon", MFD_CLOEXEC);
}

bool mem_file_fits(struct mem_count *n, size_t size)
{
	if (file_may_grow_to(size))
		return true;
	shortage_note(&n->shortage, size);
	return false;
}

static bool set_size(struct mem_count *n, int fd, size_t size)
{
	return !refused(n) && mem_file_fits(n, size) &&
	       ftruncate(fd, (off_t)size) == 0;
}

/* Maps the file at @addr, or anywhere when that is NULL. */
static void *map_file(
    struct mem_count *n, int fd, void *addr, size_t size, int prot)
{
	if (refused(n))
		return MAP_FAILED;
	return mmap(
	    addr, size, prot, MAP_SHARED | (addr ? MAP_FIXED : 0), fd, 0);
}

/* A child must not be able to write into its parent's text. */
static void keep_from_children(struct mem_count *n, void *alias, size_t size)
{
	if (!refused(n))
		(void)madvise(alias, size, MADV_DONTFORK);
}

/* The run view of @fd at @addr; returns the view for writing. */
static void *map_views(
    struct mem_count *n, int fd, uint64_t addr, size_t size, int run_prot)
{
	void *write = MAP_FAILED;
	bool run = false;

	if (fd >= 0 && set_size(n, fd, size)) {
		run = map_file(n, fd, pointer(addr), size, run_prot) !=
		      MAP_FAILED;
		if (run)
			write =
			    map_file(n, fd, NULL, size, PROT_READ | PROT_WRITE);
	}
	if (write == MAP_FAILED) {
		shortage_note(&n->shortage, size);
		if (run)
			mem_unmap(n, addr, size);
	}
	return write;
}

int mem_map_twice(struct mem_count *n, uint64_t addr, size_t size, int run_prot,
    uint8_t **alias)
{
	const int fd = open_file(n);
	void *write = map_views(n, fd, addr, size, run_prot);

	if (fd < 0)
		return -TN_ENOMEM;
	(void)refused(n);
	close(fd);
	if (write == MAP_FAILED)
		return -TN_ENOMEM;
	keep_from_children(n, write, size);
	*alias = write;
	return 0;
}

int mem_map_private(struct mem_count *n, uint64_t addr, size_t size)
{
	void *p;

	if (refused(n))
		return -TN_ENOMEM;
	p = mmap(pointer(addr), size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p != MAP_FAILED)
		return 0;
	shortage_note(&n->shortage, size);
	return -TN_ENOMEM;
}

void mem_unmap(struct mem_count *n, uint64_t addr, size_t size)
{
	/* Replaces what is there; where that fails it stays as it is. */
	if (!refused(n))
		(void)mmap(pointer(addr), size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0);
}

uint8_t *mem_alias_open(struct mem_count *n, uint64_t addr, size_t size)
{
	uint8_t *alias;

	if (refused(n))
		return NULL;
	alias = mremap(pointer(addr), 0, size, MREMAP_MAYMOVE);
	if (alias == MAP_FAILED)
		return NULL;
	if (refused(n) || mprotect(alias, size, PROT_READ | PROT_WRITE) != 0) {
		mem_alias_close(n, alias, size);
		return NULL;
	}
	keep_from_children(n, alias, size);
	return alias;
}

void mem_alias_close(struct mem_count *n, uint8_t *alias, size_t size)
{
	(void)refused(n);
	(void)munmap(alias, size); /* a whole mapping: cannot fail */
}

int mem_protect(struct mem_count *n, uint64_t addr, size_t size, int prot)
{
	if (refused(n))
		return -TN_ENOMEM;
	return mprotect(pointer(addr), size, prot) == 0 ? 0 : -TN_ENOMEM;
}
