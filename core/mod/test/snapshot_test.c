/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of the registry, and what listeners are told.
 */
#include <string.h>

#include <tenon/inspect.h>
#include <tenon/interfaces.h>
#include <test/test.h>

#include "../module.h"
#include "tuned.h"
#include "world.h"

static const struct tn_snapshot_module *find(
    const struct tn_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->nmodules; i++)
		if (strcmp(s->modules[i].info.name, name) == 0)
			return &s->modules[i];
	return NULL;
}

static struct author provider(void)
{
	struct author a = author_new(isa_here()->machine, "gives");

	author_export(&a, (struct author_export){ .name = "given",
			      .symbol = author_word(&a, "given", 5) });
	return a;
}

static struct author importer(void)
{
	struct author a = author_new(isa_here()->machine, "takes");

	author_pointer(&a, "p", object_undefined(a.o, "given"), 0);
	return a;
}

TEST(snapshot, shows_modules_with_providers_and_holders_and_stays)
{
	struct author a = provider(), b = importer();
	struct tn_module *gives, *takes;
	const struct tn_snapshot_module *m;
	struct tn_snapshot *s;
	struct tn_handle handle;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &gives), 0);
	CHECK_EQ(world_load(&w, b.o, 0, &takes), 0);
	CHECK_EQ(tn_handle_get(gives, "the test", &handle), 0);
	CHECK_EQ(tn_snapshot_take(w.sys, &s), 0);
	CHECK_EQ(tn_handle_put(handle), 0);
	CHECK_EQ(world_unload(&w, takes), 0);
	CHECK_EQ(world_unload(&w, gives), 0);
	CHECK_EQ(s->nmodules, 2);
	m = find(s, "takes");
	CHECK(m != NULL);
	CHECK_EQ(m->info.state, TN_STATE_RUNNING);
	CHECK_EQ(m->nproviders, 1);
	CHECK_STR(m->providers[0], "gives");
	m = find(s, "gives");
	CHECK(m == &s->modules[0]);
	CHECK_EQ(m->info.nexports, 1);
	CHECK(m->info.refs >= 1);
	CHECK(m->parts[TN_DATA].size >= 8);
	CHECK_EQ(m->nholders, 1);
	CHECK_STR(m->holders[0].name, "the test");
	CHECK_EQ(m->holders[0].kind, TN_HOLDER_HANDLE);
	tn_snapshot_free(s);
	tn_snapshot_free(NULL);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}

TEST(snapshot, number_changes_with_the_registry_and_only_then)
{
	struct author a = provider();
	struct tn_snapshot *s[4];
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(tn_snapshot_take(w.sys, &s[0]), 0);
	CHECK_EQ(tn_snapshot_take(w.sys, &s[1]), 0);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_snapshot_take(w.sys, &s[2]), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(tn_snapshot_take(w.sys, &s[3]), 0);
	CHECK_EQ(s[0]->number, s[1]->number);
	CHECK(s[1]->number < s[2]->number);
	CHECK(s[2]->number < s[3]->number);
	CHECK_EQ(s[3]->nmodules, 0);
	for (size_t i = 0; i < ARRAY_SIZE(s); i++)
		tn_snapshot_free(s[i]);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(snapshot, without_memory_nothing_is_taken)
{
	struct author a = provider();
	struct tn_snapshot *s = NULL;
	struct tn_module *mod;
	uint64_t before;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	before = world_state(&w);
	rig_arm(&w.rig, 1);
	CHECK_EQ(tn_snapshot_take(w.sys, &s), -TN_ENOMEM);
	rig_arm(&w.rig, 0);
	CHECK(s == NULL);
	CHECK_EQ(world_state(&w), before);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Others' handles, taken while the registry is being copied. */
#define CROWD 400

static struct {
	struct tn_module *mod;
	void *(*alloc)(void *ctx, size_t size);
	struct tn_handle handles[CROWD];
	unsigned n;
} crowd;

static void *alloc_after_the_crowd(void *ctx, size_t size)
{
	while (
	    crowd.n < CROWD && tn_handle_take(&crowd.mod->target, "the crowd",
				   NULL, &crowd.handles[crowd.n]) == 0)
		crowd.n++;
	return crowd.alloc(ctx, size);
}

TEST(snapshot, handles_that_come_meanwhile_leave_all_else_whole)
{
	struct tuned t;
	const struct tn_snapshot_module *m;
	struct tn_snapshot *s;

	CHECK(tuned_begin(&t));
	memset(&crowd, 0, sizeof(crowd));
	crowd.mod = t.mod;
	crowd.alloc = t.w.rig.port.alloc;
	t.w.rig.port.alloc = alloc_after_the_crowd;
	CHECK_EQ(tn_snapshot_take(t.w.sys, &s), 0);
	t.w.rig.port.alloc = crowd.alloc;
	CHECK_EQ(crowd.n, CROWD);
	m = &s->modules[0];
	CHECK(m->nparams >= TUNED_KINDS);
	CHECK(m->params != NULL);
	CHECK(m->params[0].name[0] != '\0');
	CHECK(m->nholders > 0 && m->nholders < CROWD);
	CHECK_STR(m->holders[0].name, "the crowd");
	tn_snapshot_free(s);
	while (crowd.n != 0)
		CHECK_EQ(tn_handle_put(crowd.handles[--crowd.n]), 0);
	tuned_end(&t);
}

/* --- events */

struct heard {
	struct world w;
	char text[128];
	size_t nsections;
	bool fails;
};

static struct heard heard;

static void listen(void *arg, const struct tn_notice *n)
{
	struct heard *h = arg;
	struct tn_linked_section sec;
	uint32_t at = 0;

	if (strcmp(n->name, "first") == 0)
		return;
	strcat(h->text, tn_event_name(n->event));
	strcat(h->text, " ");
	while (n->file != NULL && tn_linked_section(n->file, &at, &sec))
		h->nsections++;
}

static int init_as_told(void)
{
	strcat(heard.text, "init ");
	return heard.fails ? -TN_EIO : 0;
}

static void hear(bool fails)
{
	static const struct tn_export exports[] = { WORLD_EXPORT(
	    init_as_told) };
	const struct tn_listener listener = { listen, &heard };
	const struct tn_config config = { .exports = exports,
		.nexports = 1,
		.listeners = &listener,
		.nlisteners = 1 };
	struct author a = author_new(isa_here()->machine, "told");
	struct tn_module *mod;

	memset(&heard, 0, sizeof(heard));
	heard.fails = fails;
	author_jump(&a, "init_module", "init_as_told");
	author_return(&a, "cleanup_module");
	CHECK(world_open_with(&heard.w, &config));
	CHECK_EQ(world_load(&heard.w, a.o, 0, &mod), fails ? -TN_EIO : 0);
	if (!fails)
		CHECK_EQ(world_unload(&heard.w, mod), 0);
	author_free(&a);
	CHECK(world_close(&heard.w));
}

TEST(event, listeners_hear_of_load_init_and_unload_in_order)
{
	hear(false);
	CHECK_STR(heard.text, "loaded init ready unloaded ");
	CHECK(heard.nsections >= 1);
}

TEST(event, a_module_whose_init_fails_is_told_to_be_gone)
{
	hear(true);
	CHECK_STR(heard.text, "loaded init unloaded ");
}
