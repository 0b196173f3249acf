/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the image memory tests: see kit.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <host/machine.h>

#include "kit.h"

void kit_part(struct tn_image *img, enum tn_part_kind kind, size_t size)
{
	struct tn_part *p = &img->part[img->nparts++];

	*p = (struct tn_part){
		.kind = (uint8_t)kind, .size = size, .align = 16
	};
}

struct tn_image kit_image(size_t text, size_t rodata, size_t data)
{
	struct tn_image img = { 0 };

	kit_part(&img, TN_TEXT, text);
	kit_part(&img, TN_RODATA, rodata);
	kit_part(&img, TN_DATA, data);
	return img;
}

void kit_fill(struct tn_image *img, int answer)
{
	for (unsigned i = 0; i < img->nparts; i++) {
		const struct tn_part *p = &img->part[i];

		if (!p->size)
			continue;
		memset(p->write, 0x90 + 0x10 * answer + (int)i, p->size);
		if (p->kind == TN_TEXT && p->size >= host_machine.code_size)
			memcpy(p->write,
			    answer == 1 ? host_machine.return_1
					: host_machine.return_2,
			    host_machine.code_size);
	}
}

int kit_call(uint64_t addr)
{
	union {
		uintptr_t bits;
		int (*call)(void);
	} code = { .bits = (uintptr_t)addr };

	return code.call();
}

int kit_load(struct host_arena *a, struct tn_image *img, int answer)
{
	int err = arena_image_alloc(a, img);

	if (err)
		return err;
	kit_fill(img, answer);
	err = arena_image_seal(a, img);
	if (err)
		arena_image_free(a, img);
	return err;
}

bool kit_can_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && munmap(p, size) == 0;
}

struct mapping {
	uint64_t start, end;
	unsigned prot;
	bool image_file;
};

/* Calls @fn for each mapping until it returns true. */
static bool each_mapping(
    bool (*fn)(const struct mapping *m, void *arg), void *arg)
{
	FILE *f = fopen("/proc/self/maps", "r");
	bool found = false;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f)) {
		struct mapping m = { 0 };
		char prot[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &m.start,
			&m.end, prot) != 3)
			continue;
		m.prot = (prot[0] == 'r' ? KIT_R : 0) |
			 (prot[1] == 'w' ? KIT_W : 0) |
			 (prot[2] == 'x' ? KIT_X : 0);
		m.image_file = strstr(line, "memfd:tenon") != NULL;
		found = fn(&m, arg);
	}
	if (f)
		fclose(f);
	return found;
}

struct lookup {
	uint64_t addr;
	unsigned prot;
};

static bool covers(const struct mapping *m, void *arg)
{
	struct lookup *l = arg;

	if (l->addr < m->start || l->addr >= m->end)
		return false;
	l->prot = m->prot;
	return true;
}

unsigned kit_prot(uint64_t addr)
{
	struct lookup l = { .addr = addr };

	each_mapping(covers, &l);
	return l.prot;
}

static bool is_wx(const struct mapping *m, void *arg)
{
	(void)arg;
	return (m->prot & (KIT_W | KIT_X)) == (KIT_W | KIT_X);
}

bool kit_any_wx(void)
{
	return each_mapping(is_wx, NULL);
}

struct stretch {
	uint64_t low, high;
	size_t page;
};

static bool ends_amiss(const struct mapping *m, void *arg)
{
	const struct stretch *s = arg;
	const bool starts = m->start > s->low && m->start < s->high;
	const bool ends = m->end > s->low && m->end < s->high;

	return (starts && m->start % s->page) || (ends && m->end % s->page);
}

bool kit_ends_are_aligned(uint64_t addr, size_t around, size_t page)
{
	/* From the text on, which comes first in a span. */
	struct stretch s = { addr, addr + around / 2, page };

	return !each_mapping(ends_amiss, &s);
}

bool kit_dontfork_works(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p =
	    mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 1;
	pid_t pid;

	madvise(p, page, MADV_DONTFORK);
	pid = fork();
	if (pid == 0)
		_exit(kit_prot((uintptr_t)p) != 0);
	waitpid(pid, &status, 0);
	munmap(p, page);
	return status == 0;
}

static bool count_alias(const struct mapping *m, void *arg)
{
	size_t *n = arg;

	*n += m->image_file && (m->prot & KIT_W);
	return false;
}

size_t kit_aliases(void)
{
	size_t n = 0;

	each_mapping(count_alias, &n);
	return n;
}

struct host_arena *kit_arena(enum arena_mode mode, unsigned flags)
{
	const struct arena_config config = {
		.mode = mode,
		.flags = flags,
		.span = KIT_SPAN,
	};
	struct host_arena *a;

	return arena_create(&config, &a) == 0 ? a : NULL;
}

struct arena_stats kit_stats(struct host_arena *a)
{
	struct arena_stats s;

	arena_stats(a, &s);
	return s;
}
