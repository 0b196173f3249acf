/* SPDX-License-Identifier: MIT */
/*
 * Helpers for tests of slots: see kit.h.
 */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <host/pool.h>
#include <test/test.h>

#include "files.h"

static int answer(void *arg, uint32_t slot, uint32_t queue, const void *command)
{
	struct kit *k = arg;

	__atomic_store_n(&k->asked_slot, slot, __ATOMIC_RELAXED);
	__atomic_store_n(&k->command, command, __ATOMIC_RELAXED);
	return queue < ARRAY_SIZE(k->answer)
		   ? __atomic_load_n(&k->answer[queue], __ATOMIC_RELAXED)
		   : -TN_EOPNOTSUPP;
}

static void map_region(struct kit *k, uint32_t count)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	k->region_size = count * KIT_CAPACITY;
	k->mapping_size = k->region_size + 2 * page;
	k->mapping = mmap(NULL, k->mapping_size, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	k->region = k->mapping + page;
	(void)mprotect(k->region, k->region_size, PROT_READ | PROT_WRITE);
}

void kit_prepare(struct kit *k, bool fixed, uint32_t count)
{
	static const struct host_port_config standard;

	*k = (struct kit){ .region = NULL };
	tn_diag_init(&k->diag);
	if (!EXPECT(host_port_create(&standard, &k->host) == 0))
		return;
	rig_over(&k->rig, host_port_table(k->host));
	k->config = (struct tn_slots_config){
		.size = sizeof(k->config),
		.abi = 1,
		.slot_count = count,
		.slot_capacity = KIT_CAPACITY,
		.seed = 0x5eed,
		.issue = answer,
		.issue_arg = k,
	};
	if (!fixed)
		return;
	map_region(k, count);
	k->config.pool = k->region;
	k->config.pool_size = k->region_size;
}

int kit_start(struct kit *k)
{
	return tn_slots_create(
	    &k->rig.port, &host_pool_world, &k->config, &k->slots);
}

bool kit_open(struct kit *k, bool fixed, uint32_t count)
{
	kit_prepare(k, fixed, count);
	return EXPECT(kit_start(k) == 0);
}

bool kit_finish(struct kit *k)
{
	const struct rig_held held = rig_held(&k->rig);
	bool clean = true;

	tn_diag_fini(&k->diag);
	clean = EXPECT(held.blocks == 0 && held.bytes == 0) && clean;
	clean = EXPECT(held.images == 0 && held.files == 0) && clean;
	clean = EXPECT(k->rig.misuse == NULL) && clean;
	host_port_destroy(k->host);
	if (k->mapping != NULL)
		munmap(k->mapping, k->mapping_size);
	return clean;
}

bool kit_close(struct kit *k)
{
	tn_diag_fini(&k->diag);
	return EXPECT(tn_slots_shutdown(k->slots, &k->diag) == 0) &&
	       kit_finish(k);
}

/* --- blobs: read once, for the program's life */

static struct span read_once(const char *path)
{
	static struct {
		char path[300];
		struct span blob;
	} seen[32];
	size_t i = 0;

	for (; seen[i].path[0] != '\0'; i++)
		if (strcmp(seen[i].path, path) == 0)
			return seen[i].blob;
	snprintf(seen[i].path, sizeof(seen[i].path), "%s", path);
	seen[i].blob = file_read(path);
	EXPECT(seen[i].blob.n != 0);
	return seen[i].blob;
}

static bool find_ko(struct file_path *path, const char *name)
{
	struct utsname machine;

	uname(&machine);
	return file_of_module(path, machine.machine, name);
}

bool kit_has_modules(void)
{
	struct file_path path;

	return find_ko(&path, "hello");
}

struct span kit_ko(const char *name)
{
	struct file_path path;

	EXPECT(find_ko(&path, name));
	return read_once(path.text);
}

struct span kit_blob(const char *name)
{
	struct file_path path;
	char *at;

	EXPECT(find_ko(&path, "hello"));
	at = strstr(path.text, "/common/");
	if (at != NULL)
		snprintf(at, sizeof(path.text) - (size_t)(at - path.text),
		    "/lkmod/%s.so", name);
	return read_once(path.text);
}

/* --- slots */

int kit_load_blob(
    struct kit *k, uint32_t slot, struct span blob, uint32_t flags)
{
	int err = tn_slot_register(k->slots, slot, blob.p, blob.n, flags);

	tn_diag_fini(&k->diag);
	return err != 0 ? err : tn_slot_load(k->slots, slot, &k->diag);
}

int kit_load(struct kit *k, uint32_t slot, const char *name)
{
	const int err = kit_load_blob(k, slot, kit_blob(name), 0);
	char text[300];

	if (err != 0) {
		tn_diag_text(&k->diag, text, sizeof(text));
		fprintf(stderr, "%s: %d: %s\n", name, err, text);
	}
	return err;
}

int64_t kit_call(
    struct kit *k, uint32_t slot, const char *symbol, const int64_t args[4])
{
	int64_t ret = INT64_MIN;

	EXPECT(tn_slot_call(k->slots, slot, symbol, args, &ret) == 0);
	return ret;
}

int kit_try(struct kit *k, uint32_t slot, const char *symbol)
{
	int64_t ret;

	return tn_slot_call(k->slots, slot, symbol, ARGS(1, 2, 3, 4), &ret);
}

enum tn_slot_state kit_state(struct kit *k, uint32_t slot)
{
	struct tn_slot_info info = { .state = TN_SLOT_STATES };

	EXPECT(tn_slot_info(k->slots, slot, &info) == 0);
	return info.state;
}
