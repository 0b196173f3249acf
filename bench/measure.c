/* SPDX-License-Identifier: MIT */
/*
 * See measure.h. Percentiles are nearest rank: of 31 samples the median is
 * the 16th and p99 the largest.
 */
#include "measure.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

_Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

int number_of(const char *text)
{
	char *end;
	const long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < INT_MIN || n > INT_MAX)
		die(text, "not a number");
	return (int)n;
}

static void *must(void *p)
{
	if (p == NULL)
		die("memory", strerror(errno));
	return p;
}

/* Populated: no fault of ours counts as the loader's. */
static void *fresh(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return must(p == MAP_FAILED ? NULL : p);
}

struct file file_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	struct file file;

	if (f == NULL || fstat(fileno(f), &st) != 0)
		die(path, strerror(errno));
	file.size = (size_t)st.st_size;
	file.data = fresh(file.size + 1); /* a NUL behind a text */
	if (fread(file.data, 1, file.size, f) != file.size)
		die(path, "short read");
	fclose(f);
	return file;
}

struct probes probes_read(const char *path)
{
	const struct file text = file_read(path);
	struct probes probes = { NULL, 0 };
	size_t room = 0;
	char *rest = NULL;
	char *line = strtok_r(text.data, " \n", &rest);

	for (; line != NULL; line = strtok_r(NULL, " \n", &rest)) {
		const char *arg = strtok_r(NULL, " \n", &rest);
		const char *want = strtok_r(NULL, " \n", &rest);

		if (arg == NULL || want == NULL)
			die(path, "not NAME ARGUMENT RESULT");
		if (probes.n == room) {
			room = room ? room * 2 : 16;
			probes.list = must(reallocarray(
			    probes.list, room, sizeof(*probes.list)));
		}
		probes.list[probes.n++] =
		    (struct probe){ line, number_of(arg), number_of(want) };
	}
	if (probes.n == 0)
		die(path, "empty");
	return probes;
}

void probe_call(const struct probe *probe, void *addr)
{
	int (*fn)(int);

	memcpy(&fn, &addr, sizeof(fn));
	if (fn(probe->arg) != probe->want)
		die(probe->name, "wrong result");
}

struct samples samples_new(size_t max)
{
	return (struct samples){ must(calloc(max, sizeof(uint64_t))), 0, max };
}

void samples_add(struct samples *s, uint64_t ns)
{
	if (s->n < s->max)
		s->ns[s->n++] = ns;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void samples_print(struct samples *s, const char *name)
{
	if (s->n == 0)
		die(name, "no samples");
	qsort(s->ns, s->n, sizeof(*s->ns), by_value);
	printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", name,
	    s->ns[s->n / 2], s->ns[(s->n - 1) * 99 / 100 + (s->n > 1)],
	    s->ns[0]);
}
