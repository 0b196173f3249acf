/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark programs share: a clock, medians, files and the list
 * of functions to look up and call. Each program prints lines
 * `NAME MEDIAN P99 MINIMUM` (nanoseconds) or `NAME VALUE`, which bench.py
 * reads. Any failure ends the program with a message: a figure for work that
 * was not done is worse than none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t now_ns(void);

/* Prints @what and the reason to stderr, ends the program. */
_Noreturn void die(const char *what, const char *why);

/* The decimal number that @text is; anything else ends the program. */
int number_of(const char *text);

/* A whole file in page-aligned memory of its own, never freed. */
struct file {
	void *data;
	size_t size;
};
struct file file_read(const char *path);

/* A global function, what to call it with and what it then returns. */
struct probe {
	char *name;
	int arg;
	int want;
};
struct probes {
	struct probe *list;
	size_t n;
};
struct probes probes_read(const char *path);

/* Calls the function at @addr and compares. */
void probe_call(const struct probe *probe, void *addr);

/* Up to @max durations. */
struct samples {
	uint64_t *ns;
	size_t n, max;
};
struct samples samples_new(size_t max);
void samples_add(struct samples *s, uint64_t ns);
/* Prints the line of @name; sorts the samples. */
void samples_print(struct samples *s, const char *name);
