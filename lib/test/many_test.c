/* SPDX-License-Identifier: MIT */
/*
 * Very many modules: ten thousand at once, and the same thousand over and
 * over without growth. `make soak` is the long form (bench/soak.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <host/port.h>
#include <tenon/tenon.h>
#include <test/emulated.h>
#include <test/test.h>

#include "kit.h"

#define MANY   10000
/* Emulators and thread sanitizers take their time for each page. */
#define SET    1000
#define ROUNDS (TEST_SANITIZED ? 3 : 10)

static struct tn_module *loaded[MANY];

static bool load_numbered(struct tn_system *sys, int i)
{
	char name[20];

	snprintf(name, sizeof(name), "tiny_%d", i);
	return kit_load_as(sys, "tiny", name, &loaded[i]) == 0;
}

static bool load_all(struct tn_system *sys, int n)
{
	for (int i = 0; i < n; i++) {
		if (!load_numbered(sys, i))
			return false;
	}
	return true;
}

static bool unload_all(struct tn_system *sys, int n)
{
	int bad = 0;

	while (n-- > 0)
		bad += tn_unload(sys, loaded[n], NULL) != 0;
	return bad == 0;
}

static int count(void *arg, struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	*(int *)arg += info.text_addr != 0;
	return 0;
}

static struct arena_stats stats_of(struct tn_system *sys)
{
	struct arena_stats s;

	arena_stats(host_port_arena(host_port_find(sys)), &s);
	return s;
}

TEST(many, ten_thousand_modules_live_in_one_process)
{
	NEED_MODULES();
	const int many = TEST_SANITIZED ? MANY / 4 : MANY;
	struct tn_module *found;
	struct tn_system *sys;
	char name[20];
	int n = 0;

	CHECK_EQ(tn_open(NULL, &sys), 0);
	CHECK(load_all(sys, many));
	CHECK_EQ(tn_module_each(sys, count, &n), 0);
	CHECK_EQ(n, many);
	for (int i = 0; i < many; i += 97) {
		snprintf(name, sizeof(name), "tiny_%d", i);
		found = tn_module_find(sys, name);
		CHECK(found == loaded[i]);
		tn_module_put(found);
	}
	CHECK(!load_numbered(sys, 17)); /* is there already */
	CHECK(unload_all(sys, many));
	CHECK_EQ(stats_of(sys).live, 0);
	CHECK_EQ(tn_close(sys), 0);
}

/* Resident pages of this process; 0: unknown. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (f && fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages;
}

TEST(many, a_thousand_come_and_go_without_growth)
{
	NEED_MODULES();
	struct arena_stats first, last;
	struct tn_system *sys;
	long pages;

	CHECK_EQ(tn_open(NULL, &sys), 0);
	for (int i = 0; i < 2; i++)
		CHECK(load_all(sys, SET) && unload_all(sys, SET));
	first = stats_of(sys);
	pages = resident();
	for (int i = 0; i < ROUNDS; i++)
		CHECK(load_all(sys, SET) && unload_all(sys, SET));
	last = stats_of(sys);
	CHECK_EQ(last.live, 0);
	CHECK(last.mapped <= first.mapped);
	CHECK_EQ(last.spans, first.spans);
	CHECK_EQ(last.chunks, first.chunks);
	CHECK(last.held <= first.held + (256u << 10)); /* the quarantine */
	if (!TEST_SANITIZED && !test_is_emulated())
		CHECK(resident() <= pages + 1024);
	CHECK_EQ(tn_close(sys), 0);
}
