/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own address space: an identity map of the image, the pool and
 * the devices in pages of 4 KiB, so that permissions can change page by
 * page. No page is ever writable and executable.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  ((size_t)1 << PAGE_SHIFT)

enum k_page_access {
	PAGE_READ = 1,
	PAGE_WRITE = 2,
	PAGE_EXEC = 4,
	PAGE_DEVICE = 8, /* not cached, ordered */
};

/* Maps everything, each part with its permissions; turns translation on. */
void k_paging_init(void);

/*
 * Gives the mapped pages of [va, va + size), page-aligned, the permissions
 * @access. -TN_EINVAL: write and exec together, or a page is not mapped; then
 * nothing has changed.
 */
int k_paging_protect(uintptr_t va, size_t size, unsigned access);

/* The permissions of the page that holds @va, 0 when it is not mapped. */
unsigned k_paging_access(uintptr_t va);

struct k_paging_count {
	size_t pages;
	size_t writable;
	size_t executable;
	size_t both; /* must be 0 */
};

/*
 * Counts every page that the CPU's own tables map, by walking them from the
 * CPU's root register: what the machine sees, not what was asked for.
 */
void k_paging_count(struct k_paging_count *count);
