/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the tests of workers: see kit.h.
 */
#include "kit.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <test/emulated.h>

/* Under emulation the worker's program needs the emulator in front of it. */
static const char *helper[3];

/* The folder build/, which this program lies in. */
static void build_folder(char path[PATH_MAX])
{
	const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	path[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 3; i++) {
		char *slash = strrchr(path, '/');

		if (slash)
			*slash = '\0';
	}
}

static const char *machine(void)
{
	static struct utsname names;

	uname(&names);
	return names.machine;
}

const void *kit_module(const char *name, size_t *size)
{
	static char bytes[1 << 18] __attribute__((aligned(8)));
	char folder[PATH_MAX], path[PATH_MAX + 100];
	FILE *f;

	build_folder(folder);
	snprintf(path, sizeof(path), "%s/modules/%.20s/%.60s", folder,
	    machine(), name);
	f = fopen(path, "r");
	if (!f) {
		fprintf(stderr, "no module %s\n", path);
		return NULL;
	}
	*size = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return bytes;
}

/* --- the module's words */

static void take_log(void *arg, uint32_t slot, int level, const char *text)
{
	struct kit_said *said = arg;

	said->logs += slot == 3;
	said->level = level;
	said->n = (size_t)snprintf(said->text, sizeof(said->text), "%s", text);
}

static int64_t take_write(void *arg, uint32_t slot, const char *text, size_t n)
{
	struct kit_said *said = arg;

	said->writes += slot == 3;
	said->n = n;
	memcpy(said->text, text, n);
	said->text[n] = '\0';
	return (int64_t)n + 1000;
}

static void take_end(
    void *arg, uint32_t slot, const struct tn_isolate_report *report)
{
	struct kit_said *said = arg;

	said->ends += slot == 3;
	said->end = *report;
}

/* --- workers */

void kit_program(char *path, size_t cap)
{
	char folder[PATH_MAX];

	build_folder(folder);
	snprintf(path, cap, "%s/%.20s/bin/worker", folder, machine());
}

/* The emulator that runs this, for the worker's program. */
static bool find_emulator(void)
{
	static char emulator[64], program[PATH_MAX + 64];

	kit_program(program, sizeof(program));
	snprintf(emulator, sizeof(emulator), "/usr/bin/qemu-%.20s", machine());
	helper[0] = emulator;
	helper[1] = program;
	return access(emulator, X_OK) == 0 && access(program, X_OK) == 0;
}

struct tn_isolate_config kit_config(struct kit_said *said)
{
	const bool emulated = test_is_emulated();

	return (struct tn_isolate_config){
		.size = sizeof(struct tn_isolate_config),
		.abi = 1,
		.flags = emulated ? TN_ISOLATE_UNFILTERED : 0,
		.spin_ns = 20000,
		.start_ns = 20000000000ull,
		.heap_size = (size_t)1 << 20,
		.stack_size = (size_t)256 << 10,
		.buffer_size = (size_t)64 << 10,
		.helper = emulated && find_emulator() ? helper : NULL,
		.log = said ? take_log : NULL,
		.write = said ? take_write : NULL,
		.ended = said ? take_end : NULL,
		.arg = said,
	};
}

bool kit_is_filtered(void)
{
	return !test_is_emulated();
}

const char *kit_why_not(void)
{
	if (test_is_emulated() && !find_emulator())
		return "the emulator is not where the worker's program needs it";
	return NULL;
}

static void say(const struct tn_isolate_report *r, const struct tn_diag *d)
{
	char text[300];

	tn_diag_text(d, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
	tn_isolate_text(r, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
}

struct worker *kit_open_file(
    const struct tn_isolate_config *config, const char *file)
{
	struct worker_load load = { .config = config,
		.slot = 3,
		.name = "captive",
		.timeout_ns = 10000000000ull };
	struct tn_isolate_report report;
	struct worker *w = NULL;
	struct tn_diag diag;

	load.blob = kit_module(file, &load.size);
	if (load.blob && worker_open(&load, &w, &report, &diag, NULL) != 0)
		say(&report, &diag);
	return w;
}

struct worker *kit_open(const struct tn_isolate_config *config)
{
	return kit_open_file(config, KIT_CAPTIVE);
}

void kit_close(struct worker *w)
{
	struct tn_isolate_report report;

	worker_close(w, &report);
}

int kit_call(
    struct worker *w, const char *name, int64_t a, int64_t b, int64_t *ret)
{
	const int64_t args[4] = { a, b, 3, 4 };
	uint64_t fn;
	int err = worker_lookup(w, name, &fn);

	return err ? err : worker_call(w, fn, args, 20000000000ull, ret);
}

int64_t kit_call_once(
    const struct tn_isolate_config *config, const char *name, int64_t a)
{
	struct worker *w = kit_open(config);
	int64_t ret = -1;

	if (!EXPECT(w != NULL))
		return -1;
	EXPECT(kit_call(w, name, a, 0, &ret) == 0);
	kit_close(w);
	return ret;
}

/* --- processes */

bool kit_lives(int64_t pid)
{
	char path[64], state = 'X';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (f)
		fclose(f);
	return state != 'X' && state != 'Z';
}

bool kit_dies(int64_t pid)
{
	const uint64_t until = lane_now() + 10000000000ull;

	while (kit_lives(pid) && lane_now() < until)
		sched_yield();
	return !kit_lives(pid);
}

unsigned kit_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

unsigned kit_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned n = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, "tenon-worker") != NULL;
	if (f)
		fclose(f);
	return n;
}
