/* SPDX-License-Identifier: MIT */
/*
 * Executes images that `tenon link` has made: stage IMAGE...
 *
 * Every image is mapped at the addresses it was linked for, its constructors
 * run by ascending priority, and then each global function matrix_* of each
 * image is called and its result printed. The images may refer to each other;
 * nothing else is done to them, so what is executed is what was linked.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

struct image {
	const char *path;
	const unsigned char *file;
	const Elf64_Ehdr *eh;
	const Elf64_Shdr *sections;
	const char *names;
};

static void fail(const char *path, const char *what)
{
	fprintf(stderr, "stage: %s: ", path);
	perror(what);
	exit(1);
}

static void open_image(struct image *img, const char *path)
{
	const int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0)
		fail(path, "open");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		fail(path, "mmap");
	close(fd);
	img->path = path;
	img->file = p;
	img->eh = p;
	img->sections = (const Elf64_Shdr *)(img->file + img->eh->e_shoff);
	img->names = (const char *)img->file +
		     img->sections[img->eh->e_shstrndx].sh_offset;
}

static void map_segment(const struct image *img, const Elf64_Phdr *ph)
{
	const uintptr_t start = ph->p_vaddr & ~(uintptr_t)(PAGE - 1);
	const uintptr_t end =
	    (ph->p_vaddr + ph->p_memsz + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	void *at = (void *)start;
	int prot = PROT_READ;

	if (mmap(at, end - start, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at)
		fail(img->path, "mmap of a segment");
	memcpy((void *)ph->p_vaddr, img->file + ph->p_offset, ph->p_filesz);
	if ((ph->p_flags & PF_W) != 0)
		prot |= PROT_WRITE;
	if ((ph->p_flags & PF_X) != 0)
		prot |= PROT_EXEC;
	__builtin___clear_cache((char *)start, (char *)end);
	if (mprotect(at, end - start, prot) != 0)
		fail(img->path, "mprotect");
}

static void map_image(const struct image *img)
{
	const Elf64_Phdr *ph =
	    (const Elf64_Phdr *)(img->file + img->eh->e_phoff);

	for (unsigned i = 0; i < img->eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_memsz != 0)
			map_segment(img, &ph[i]);
}

#define LAST 65536 /* the priority of constructors without one */

/* The priority of a section of constructors; above LAST when it is none. */
static long priority(const struct image *img, const Elf64_Shdr *sh)
{
	const char *name = img->names + sh->sh_name;

	if (strncmp(name, ".init_array", 11) != 0)
		return LAST + 1;
	return name[11] == '.' ? atol(name + 12) : LAST;
}

/* The lowest priority above @level that the image has; LAST + 1 at the end. */
static long next_level(const struct image *img, long level)
{
	long next = LAST + 1;

	for (unsigned i = 0; i < img->eh->e_shnum; i++) {
		const long p = priority(img, &img->sections[i]);

		if (p > level && p < next)
			next = p;
	}
	return next;
}

static void run_section(const Elf64_Shdr *sh)
{
	void (**fn)(void) = (void (**)(void))sh->sh_addr;

	for (size_t n = 0; n < sh->sh_size / sizeof(*fn); n++)
		fn[n]();
}

static void run_constructors(const struct image *img)
{
	for (long level = next_level(img, -1); level <= LAST;
	     level = next_level(img, level))
		for (unsigned i = 0; i < img->eh->e_shnum; i++)
			if (priority(img, &img->sections[i]) == level)
				run_section(&img->sections[i]);
}

static void call_functions(const struct image *img, const Elf64_Shdr *table)
{
	const Elf64_Sym *sym =
	    (const Elf64_Sym *)(img->file + table->sh_offset);
	const char *strings =
	    (const char *)img->file + img->sections[table->sh_link].sh_offset;

	for (size_t i = 0; i < table->sh_size / sizeof(*sym); i++) {
		const char *name = strings + sym[i].st_name;
		int (*fn)(void) = (int (*)(void))sym[i].st_value;

		if (ELF64_ST_TYPE(sym[i].st_info) != STT_FUNC ||
		    strncmp(name, "matrix_", 7) != 0)
			continue;
		printf("%s() = ", name);
		fflush(stdout); /* should the call be the last thing */
		printf("%d\n", fn());
	}
}

static void call_image(const struct image *img)
{
	for (unsigned i = 0; i < img->eh->e_shnum; i++)
		if (img->sections[i].sh_type == SHT_SYMTAB)
			call_functions(img, &img->sections[i]);
}

int main(int argc, char **argv)
{
	struct image *images = calloc((size_t)argc, sizeof(*images));

	if (images == NULL || argc < 2)
		return 2;
	for (int i = 1; i < argc; i++) {
		open_image(&images[i], argv[i]);
		map_image(&images[i]);
	}
	for (int i = 1; i < argc; i++)
		run_constructors(&images[i]);
	for (int i = 1; i < argc; i++)
		call_image(&images[i]);
	return 0;
}
