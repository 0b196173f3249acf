/* SPDX-License-Identifier: MIT */
/*
 * Load from memory + look up + call + unload, against glibc's dlopen
 * (RTLD_NOW) + dlsym + call + dlclose of the same code as a library.
 *
 *	load_bench warm MODULE LIBRARY PROBES RUNS
 *		the two in turns, after warm-up; then the limit: filling
 *		pages with as many bytes as the module occupies
 *	load_bench cold-ours MODULE PROBES
 *	load_bench cold-dlopen LIBRARY PROBES
 *		one load, the first of this process
 *
 * A library that stays loaded would make dlopen look fast: after each
 * dlclose RTLD_NOLOAD must not find it.
 */
#include "engine.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WARM_UP 3

static uint64_t ours(
    struct tn_system *sys, const struct file *file, const struct probe *probe)
{
	const uint64_t start = now_ns();
	struct tn_module *mod = engine_load(sys, file);
	void *addr;

	if (tn_module_symbol(mod, probe->name, &addr) != 0)
		die("tn_module_symbol", probe->name);
	probe_call(probe, addr);
	engine_unload(sys, mod);
	return now_ns() - start;
}

static uint64_t dlopened(const char *library, const struct probe *probe)
{
	const uint64_t start = now_ns();
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	void *addr;
	uint64_t end;

	if (handle == NULL)
		die("dlopen", dlerror());
	addr = dlsym(handle, probe->name);
	if (addr == NULL)
		die("dlsym", dlerror());
	probe_call(probe, addr);
	dlclose(handle);
	end = now_ns();
	if (dlopen(library, RTLD_NOW | RTLD_NOLOAD) != NULL)
		die(library, "still loaded after dlclose");
	return end - start;
}

/* --- the limit: as many bytes into pages of the same kinds */

struct extent {
	size_t text; /* memfd, mapped twice */
	size_t data; /* private anonymous */
};

static struct extent extent_of(struct tn_system *sys, const struct file *file)
{
	struct tn_module *mod = engine_load(sys, file);
	struct tn_module_info info;
	uint64_t addr;
	struct extent e;

	tn_module_info(mod, &info);
	tn_module_part(mod, TN_TEXT, &addr, &e.text);
	e.data = info.bytes - e.text;
	printf("bytes %zu\nrelocations %" PRIu32 "\nexports %" PRIu32 "\n",
	    info.bytes, info.nrelocs, info.nexports);
	engine_unload(sys, mod);
	return e;
}

static void *map(size_t size, int prot, int fd)
{
	const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *p = mmap(NULL, size, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap", "failed");
	return p;
}

/* @from: at least as many readable, resident bytes. */
static uint64_t fill_fresh(const struct extent *e, const void *from)
{
	const uint64_t start = now_ns();
	const int fd = memfd_create("bench", MFD_CLOEXEC);
	void *data = map(e->data + 1, PROT_READ | PROT_WRITE, -1);
	void *text, *alias;

	if (fd < 0 || ftruncate(fd, (off_t)(e->text + 1)) != 0)
		die("memfd", "failed");
	text = map(e->text + 1, PROT_READ | PROT_EXEC, fd);
	alias = map(e->text + 1, PROT_READ | PROT_WRITE, fd);
	memcpy(alias, from, e->text);
	memcpy(data, from, e->data);
	munmap(alias, e->text + 1);
	munmap(text, e->text + 1);
	munmap(data, e->data + 1);
	close(fd);
	return now_ns() - start;
}

static uint64_t fill_warm(const struct extent *e, void *to, const void *from)
{
	const uint64_t start = now_ns();

	memcpy(to, from, e->text);
	memcpy((char *)to + e->text, from, e->data);
	__asm__ volatile("" : : "r"(to) : "memory");
	return now_ns() - start;
}

static void limits(const struct extent *e, size_t runs)
{
	struct samples cold = samples_new(runs);
	struct samples warm = samples_new(runs);
	const size_t size = e->text + e->data;
	char *from = map(size + 1, PROT_READ | PROT_WRITE, -1);
	char *to = map(size + 1, PROT_READ | PROT_WRITE, -1);

	memset(from, 1, size);
	memset(to, 2, size);
	for (size_t i = 0; i < runs; i++) {
		samples_add(&cold, fill_fresh(e, from));
		samples_add(&warm, fill_warm(e, to, from));
	}
	samples_print(&cold, "fill_fresh");
	samples_print(&warm, "fill_warm");
}

/* --- modes */

static void warm(const char *const *arg)
{
	const struct file file = file_read(arg[0]);
	const struct probes probes = probes_read(arg[2]);
	const size_t runs = (size_t)number_of(arg[3]);
	struct samples a = samples_new(runs), b = samples_new(runs);
	struct tn_system *sys = engine_open();
	struct extent e;

	for (size_t i = 0; i < WARM_UP; i++) {
		(void)ours(sys, &file, &probes.list[0]);
		(void)dlopened(arg[1], &probes.list[0]);
	}
	for (size_t i = 0; i < runs; i++) {
		const struct probe *probe = &probes.list[i % probes.n];

		samples_add(&a, ours(sys, &file, probe));
		samples_add(&b, dlopened(arg[1], probe));
	}
	samples_print(&a, "ours");
	samples_print(&b, "dlopen");
	e = extent_of(sys, &file);
	limits(&e, runs);
	engine_close(sys);
}

static void cold_ours(const char *const *arg)
{
	const struct file file = file_read(arg[0]);
	const struct probes probes = probes_read(arg[1]);
	struct samples s = samples_new(1);
	const uint64_t start = now_ns();
	struct tn_system *sys = engine_open();
	const uint64_t opened = now_ns();

	samples_add(&s, ours(sys, &file, &probes.list[0]) + opened - start);
	samples_print(&s, "cold");
}

static void cold_dlopen(const char *const *arg)
{
	const struct probes probes = probes_read(arg[1]);
	struct samples s = samples_new(1);

	samples_add(&s, dlopened(arg[0], &probes.list[0]));
	samples_print(&s, "cold");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		void (*run)(const char *const *arg);
	} modes[] = {
		{ "warm", 4, warm },
		{ "cold-ours", 2, cold_ours },
		{ "cold-dlopen", 2, cold_dlopen },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (argc == modes[i].args + 2 &&
		    strcmp(argv[1], modes[i].name) == 0) {
			modes[i].run((const char *const *)argv + 2);
			return 0;
		}
	}
	fputs("usage: load_bench warm MODULE LIBRARY PROBES RUNS\n"
	      "       load_bench cold-ours MODULE PROBES\n"
	      "       load_bench cold-dlopen LIBRARY PROBES\n",
	    stderr);
	return 2;
}
