/* SPDX-License-Identifier: MIT */
/*
 * The ledger: what is charged to a module is listed, refused to others, and
 * taken back in a fixed order at unload and at a failed init. The resources
 * here are the test's own classes, and memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/ledger.h>
#include <test/test.h>

#include "resource.h"
#include "world.h"

/* A thing of the class "first", "second" or "third". */
struct thing {
	struct tn_ledger_entry entry;
	char name;
};

static struct {
	char trace[64];
	struct thing things[8];
	struct thing more;
	struct tn_system *sys;
	struct tn_module *mod;
	void *block[3];
	int error;
	size_t count;
} at;

static void silent(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

TEST(ledger, memory_is_given_back_once_and_by_its_owner)
{
	struct author a = author_new(isa_here()->machine, "a"),
		      b = author_new(isa_here()->machine, "b");
	struct tn_module *mod[2];
	struct world w;
	void *p;

	CHECK(world_open(&w, NULL, 0));
	w.rig.port.log = silent;
	CHECK_EQ(world_load(&w, a.o, 0, &mod[0]), 0);
	CHECK_EQ(world_load(&w, b.o, 0, &mod[1]), 0);
	p = tn_module_alloc(mod[0], 100, NULL);
	CHECK(p != NULL);
	CHECK_EQ(tn_module_free(mod[1], p), -TN_EPERM);
	CHECK_EQ(tn_module_free(mod[0], NULL), 0);
	CHECK_EQ(tn_module_free(mod[0], p), 0);
	CHECK_EQ(tn_module_free(mod[0], p), -TN_ESTALE);
	CHECK_EQ(world_unload(&w, mod[1]), 0);
	CHECK_EQ(world_unload(&w, mod[0]), 0);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}

static void note(char c)
{
	const size_t n = strlen(at.trace);

	if (n + 1 < sizeof(at.trace))
		at.trace[n] = c;
}

static void thing_detach(struct tn_ledger_entry *entry)
{
	(void)entry;
	note('-');
}

static void thing_revoke(struct tn_ledger_entry *entry)
{
	note(((struct thing *)entry)->name);
}

static void thing_describe(
    const struct tn_ledger_entry *entry, char *text, size_t cap)
{
	snprintf(text, cap, "thing %c", ((const struct thing *)entry)->name);
}

#define CLASS(word, when)                                                      \
	{                                                                      \
		.size = sizeof(struct tn_ledger_class), .abi = 1,              \
		.name = word, .order = when, .revoke = thing_revoke,           \
		.describe = thing_describe                                     \
	}

static const struct tn_ledger_class first = CLASS("first", 1);
static const struct tn_ledger_class second = CLASS("second", 150);
static const struct tn_ledger_class third = CLASS("third", 5000);

static struct module *as_module(struct tn_module *mod)
{
	return (struct module *)(void *)mod;
}

static bool load_empty(struct world *w, const char *name)
{
	struct author a = author_new(isa_here()->machine, name);
	const bool ok = world_load(w, a.o, 0, &at.mod) == 0;

	author_free(&a);
	return ok;
}

static int add(int i, const struct tn_ledger_class *type)
{
	return tn_ledger_add(at.mod, type, &at.things[i].entry, note);
}

static int find_this(void *arg, struct tn_module *mod)
{
	struct tn_module_info info;

	(void)arg;
	tn_module_info(mod, &info);
	if (strcmp(info.name, "fails") == 0)
		at.mod = mod;
	return 0;
}

static int t_init(void)
{
	tn_module_each(at.sys, find_this, NULL);
	for (int i = 0; i < 4; i++)
		at.error += add(i, i % 2 != 0 ? &first : &third);
	at.block[0] = resource_alloc(as_module(at.mod), 100);
	at.count = tn_ledger_count(at.mod, NULL);
	return -TN_EIO;
}

static const struct tn_export exports[] = { WORLD_EXPORT(t_init) };

static bool begin(struct world *w)
{
	memset(&at, 0, sizeof(at));
	for (size_t i = 0; i < ARRAY_SIZE(at.things); i++)
		at.things[i].name = (char)('a' + i);
	/* Not in their order. */
	if (!world_open(w, exports, ARRAY_SIZE(exports)))
		return false;
	at.sys = w->sys;
	return tn_ledger_class_add(w->sys, &third) == 0 &&
	       tn_ledger_class_add(w->sys, &first) == 0 &&
	       tn_ledger_class_add(w->sys, &second) == 0 &&
	       load_empty(w, "holder");
}

TEST(ledger, is_revoked_by_class_and_then_newest_first)
{
	struct world w;

	CHECK(begin(&w));
	CHECK_EQ(add(0, &third), 0);
	CHECK_EQ(add(1, &first), 0);
	CHECK_EQ(add(2, &second), 0);
	CHECK_EQ(add(3, &first), 0);
	CHECK_EQ(add(4, &third), 0);
	CHECK(resource_alloc(as_module(at.mod), 10) != NULL);
	CHECK_EQ(add(5, &second), 0);
	CHECK_EQ(tn_ledger_count(at.mod, NULL), 7);
	CHECK_EQ(tn_ledger_count(at.mod, &second), 2);
	CHECK_EQ(world_unload(&w, at.mod), 0);
	CHECK_STR(at.trace, "dbfcea");
	CHECK(world_close(&w));
}

TEST(ledger, gives_one_thing_back_once)
{
	struct world w;
	struct tn_module *other, *mod;
	uint64_t id;

	CHECK(begin(&w));
	CHECK_EQ(add(0, &first), 0);
	CHECK_EQ(add(1, &first), 0);
	id = at.things[0].entry.id;
	CHECK(id != at.things[1].entry.id);
	mod = at.mod;
	CHECK(load_empty(&w, "other"));
	other = at.mod;
	CHECK_EQ(tn_ledger_drop(other, &first, id), -TN_EPERM);
	CHECK_EQ(tn_ledger_drop(mod, &second, id), -TN_ESTALE);
	CHECK_EQ(tn_ledger_drop(mod, &first, id + 100), -TN_ESTALE);
	CHECK_STR(at.trace, "");
	CHECK_EQ(tn_ledger_drop(mod, &first, id), 0);
	CHECK_STR(at.trace, "a");
	CHECK_EQ(tn_ledger_drop(mod, &first, id), -TN_ESTALE);
	CHECK_EQ(tn_ledger_count(mod, NULL), 1);
	/* its number is not given again */
	at.mod = mod;
	CHECK_EQ(add(0, &first), 0);
	CHECK(at.things[0].entry.id != id);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(world_unload(&w, other), 0);
	CHECK(world_close(&w));
}

/* Revoking one thing may give another back, and find that nothing is had. */
static void chain_revoke(struct tn_ledger_entry *entry)
{
	thing_revoke(entry);
	at.error = tn_ledger_drop(at.mod, &third, at.things[0].entry.id);
	CHECK_EQ(
	    tn_ledger_add(at.mod, &first, &at.more.entry, NULL), -TN_ESTALE);
	CHECK(resource_alloc(as_module(at.mod), 1) == NULL);
}

TEST(ledger, takes_nothing_more_while_it_is_revoked)
{
	static const struct tn_ledger_class chain = { .size = sizeof(chain),
		.abi = 1,
		.name = "chain",
		.order = 2,
		.detach = thing_detach,
		.revoke = chain_revoke };
	struct world w;

	CHECK(begin(&w));
	CHECK_EQ(tn_ledger_class_add(w.sys, &chain), 0);
	CHECK_EQ(add(0, &third), 0);
	CHECK_EQ(add(1, &chain), 0);
	CHECK_EQ(add(2, &third), 0);
	CHECK_EQ(world_unload(&w, at.mod), 0);
	CHECK_EQ(at.error, 0);
	CHECK_STR(at.trace, "-bac");
	CHECK(world_close(&w));
}

static int stop_at_once(void *arg, const struct tn_ledger_item *item)
{
	(void)item;
	++*(int *)arg;
	return 42;
}

TEST(ledger, classes_are_checked)
{
	struct tn_ledger_class bad = first;
	static const uint32_t own[] = { TN_LEDGER_TIMER, TN_LEDGER_WORK,
		TN_LEDGER_THREAD, TN_LEDGER_CALLBACK, TN_LEDGER_REFERENCE,
		TN_LEDGER_MEMORY };
	struct tn_ledger_class many[16];
	struct world w;

	CHECK(begin(&w));
	CHECK_EQ(tn_ledger_class_add(w.sys, &first), 0);
	CHECK_EQ(tn_ledger_class_add(w.sys, &bad), -TN_EEXIST);
	bad.size--;
	CHECK_EQ(tn_ledger_class_add(w.sys, &bad), -TN_EINVAL);
	bad = first;
	bad.abi = 2;
	CHECK_EQ(tn_ledger_class_add(w.sys, &bad), -TN_EINVAL);
	bad = first;
	bad.revoke = NULL;
	CHECK_EQ(tn_ledger_class_add(w.sys, &bad), -TN_EINVAL);
	bad = first;
	CHECK_EQ(add(0, &bad), -TN_EINVAL);
	/* The engine's, though it has not needed them yet. */
	for (unsigned i = 0; i < ARRAY_SIZE(own); i++) {
		bad.order = own[i];
		CHECK_EQ(tn_ledger_class_add(w.sys, &bad), -TN_EEXIST);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = first;
		many[i].order = 2000 + i;
		at.error = tn_ledger_class_add(w.sys, &many[i]);
	}
	CHECK_EQ(at.error, -TN_ENOSPC);
	CHECK_EQ(tn_ledger_class_add(w.sys, &first), 0);
	CHECK(tn_module_get(at.mod));
	tn_module_put(at.mod);
	CHECK_EQ(tn_unload(w.sys, at.mod, NULL), 0);
	CHECK_EQ(add(0, &first), -TN_ESTALE);
	CHECK_EQ(tn_ledger_count(at.mod, NULL), 0);
	CHECK_EQ(tn_ledger_each(at.mod, stop_at_once, &at.error), 0);
	CHECK_EQ(tn_module_forget(w.sys, at.mod), 0);
	CHECK(world_close(&w));
}

/* --- listing */

static int list_item(void *arg, const struct tn_ledger_item *item)
{
	char *text = arg;
	const size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%s%s: %s%s", n != 0 ? "; " : "",
	    item->type, item->text,
	    item->site == (const void *)note ? " here" : "");
	return 0;
}

TEST(ledger, lists_entries_exports_and_imports)
{
	struct author provider = author_new(isa_here()->machine, "giver");
	struct author user = author_new(isa_here()->machine, "taker");
	struct tn_module *giver, *taker, *holder;
	char text[256] = "";
	struct world w;
	int n = 0;

	author_export(
	    &provider, (struct author_export){ .name = "word",
			   .symbol = author_word(&provider, "word", 1) });
	author_pointer(&user, "p", object_undefined(user.o, "word"), 0);
	CHECK(begin(&w));
	holder = at.mod;
	CHECK_EQ(world_load(&w, provider.o, 0, &giver), 0);
	CHECK_EQ(world_load(&w, user.o, 0, &taker), 0);
	CHECK_EQ(tn_ledger_each(giver, list_item, text), 0);
	CHECK_STR(text, "export: word");
	text[0] = '\0';
	at.mod = taker;
	CHECK_EQ(add(0, &third), 0);
	CHECK_EQ(add(1, &first), 0);
	CHECK_EQ(tn_ledger_each(taker, list_item, text), 0);
	CHECK_STR(
	    text, "first: thing b here; third: thing a here; import: giver");
	CHECK_EQ(tn_ledger_each(taker, stop_at_once, &n), 42);
	CHECK_EQ(n, 1);
	CHECK_EQ(tn_ledger_each(giver, stop_at_once, &n), 42);
	CHECK_EQ(world_unload(&w, taker), 0);
	CHECK_EQ(world_unload(&w, giver), 0);
	author_free(&provider);
	author_free(&user);
	CHECK_EQ(world_unload(&w, holder), 0);
	CHECK(world_close(&w));
}

/* --- a failed init */

TEST(ledger, is_revoked_when_init_fails)
{
	struct author a = author_new(isa_here()->machine, "fails");
	struct tn_module *mod, *holder;
	struct world w;
	uint64_t before;

	PROVES("L17");
	author_jump(&a, "init_module", "t_init");
	CHECK(begin(&w));
	holder = at.mod;
	before = world_state(&w);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), -TN_EIO);
	CHECK_EQ(at.error, 0);
	CHECK(at.block[0] != NULL);
	CHECK_EQ(at.count, 5);
	CHECK_STR(at.trace, "dbca");
	CHECK_EQ(world_state(&w), before);
	CHECK_EQ(world_unload(&w, holder), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- memory */

TEST(ledger, memory_is_cleared_aligned_and_charged)
{
	static const size_t sizes[] = { 0, 1, 15, 64, 4096, 100000 };
	uint8_t *p[ARRAY_SIZE(sizes)];
	struct world w;

	CHECK(begin(&w));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		p[i] = resource_alloc(as_module(at.mod), sizes[i]);
		CHECK(p[i] != NULL && (uintptr_t)p[i] % 16 == 0);
		for (size_t k = 0; k < sizes[i]; k++)
			at.error |= p[i][k];
		memset(p[i], 0xff, sizes[i]);
	}
	CHECK_EQ(at.error, 0);
	CHECK_EQ(tn_ledger_count(at.mod, NULL), ARRAY_SIZE(sizes));
	CHECK(resource_alloc(as_module(at.mod), SIZE_MAX) == NULL);
	CHECK(resource_alloc(as_module(at.mod), SIZE_MAX - 63) == NULL);
	CHECK(resource_alloc(NULL, 1) == NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		CHECK_EQ(resource_free(as_module(at.mod), p[i]), 0);
	CHECK_EQ(resource_free(as_module(at.mod), NULL), 0);
	CHECK_EQ(resource_free(NULL, p[0]), -TN_EINVAL);
	CHECK_EQ(tn_ledger_count(at.mod, NULL), 0);
	CHECK_EQ(world_unload(&w, at.mod), 0);
	CHECK(world_close(&w));
}

static char log_text[256];

static void keep_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(log_text, sizeof(log_text), "%s", text);
}

TEST(ledger, memory_is_freed_once_and_by_its_owner)
{
	struct tn_module *owner, *other;
	char want[256];
	struct world w;
	char *p;

	CHECK(begin(&w));
	w.rig.port.log = keep_log;
	owner = at.mod;
	CHECK(load_empty(&w, "other"));
	other = at.mod;
	p = resource_alloc(as_module(owner), 32);
	CHECK(p != NULL);
	CHECK_EQ(resource_free(as_module(other), p), -TN_EPERM);
	snprintf(want, sizeof(want),
	    "other: kfree of 0x%lx, which is another module's",
	    (unsigned long)(uintptr_t)p);
	CHECK_STR(log_text, want);
	CHECK_EQ(resource_free(as_module(owner), p + 16), -TN_ESTALE);
	p[31] = 1; /* it is still there */
	CHECK_EQ(resource_free(as_module(owner), p), 0);
	CHECK_EQ(resource_free(as_module(owner), p), -TN_ESTALE);
	snprintf(want, sizeof(want),
	    "holder: kfree of 0x%lx, which is not allocated",
	    (unsigned long)(uintptr_t)p);
	CHECK_STR(log_text, want);
	CHECK(resource_alloc(as_module(other), 32) != NULL);
	CHECK_EQ(tn_unload(w.sys, other, NULL), 0);
	CHECK_STR(log_text, "other: took back 1 memory");
	CHECK_EQ(tn_module_forget(w.sys, other), 0);
	CHECK_EQ(world_unload(&w, owner), 0);
	CHECK(world_close(&w));
}

/* The table of numbers grows, or does not, and finds all of them. */
TEST(ledger, finds_thousands_with_and_without_memory_for_its_table)
{
	static void *p[5000];
	struct world w;

	for (int poor = 0; poor < 2; poor++) {
		CHECK(begin(&w));
		for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
			/* the second call would grow the table */
			rig_arm(&w.rig, poor ? 2 : 0);
			p[i] = resource_alloc(as_module(at.mod), 8);
			CHECK(p[i] != NULL);
		}
		rig_arm(&w.rig, 0);
		for (size_t i = 0; i < ARRAY_SIZE(p); i += 2)
			CHECK_EQ(resource_free(as_module(at.mod), p[i]), 0);
		CHECK_EQ(tn_ledger_count(at.mod, NULL), ARRAY_SIZE(p) / 2);
		CHECK_EQ(world_unload(&w, at.mod), 0);
		CHECK(world_close(&w));
	}
}

TEST(ledger, memory_fails_at_every_call)
{
	struct world w;
	uint64_t before;
	unsigned n;

	CHECK(begin(&w));
	before = world_state(&w);
	for (n = 1;; n++) {
		rig_arm(&w.rig, n);
		void *p = resource_alloc(as_module(at.mod), 8);
		const bool reached = w.rig.calls >= n;

		rig_arm(&w.rig, 0);
		CHECK_EQ(p == NULL, reached);
		CHECK_EQ(tn_ledger_count(at.mod, NULL), p != NULL);
		CHECK_EQ(resource_free(as_module(at.mod), p), 0);
		CHECK_EQ(world_state(&w), before);
		if (!reached)
			break;
	}
	CHECK_EQ(n, 2);
	CHECK_EQ(world_unload(&w, at.mod), 0);
	CHECK(world_close(&w));
}

/* Meanwhile another module may be the first to hold something of a class. */
static void adding_revoke(struct tn_ledger_entry *entry)
{
	thing_revoke(entry);
	at.error = tn_ledger_class_add(at.sys, &second);
}

TEST(ledger, tells_what_it_took_back_when_a_class_comes_meanwhile)
{
	static const struct tn_ledger_class adding = { .size = sizeof(adding),
		.abi = 1,
		.name = "adding",
		.order = 250,
		.revoke = adding_revoke };
	struct world w;

	memset(&at, 0, sizeof(at));
	CHECK(world_open(&w, NULL, 0));
	at.sys = w.sys;
	w.rig.port.log = keep_log;
	CHECK_EQ(tn_ledger_class_add(w.sys, &first), 0);
	CHECK_EQ(tn_ledger_class_add(w.sys, &adding), 0);
	CHECK_EQ(tn_ledger_class_add(w.sys, &third), 0);
	CHECK(load_empty(&w, "holder"));
	CHECK_EQ(add(0, &first), 0);
	CHECK_EQ(add(1, &adding), 0);
	CHECK_EQ(add(2, &adding), 0);
	CHECK_EQ(add(3, &third), 0);
	CHECK_EQ(tn_unload(w.sys, at.mod, NULL), 0);
	CHECK_EQ(at.error, 0);
	CHECK_STR(log_text, "holder: took back 1 first, 2 adding, 1 third");
	CHECK_EQ(tn_module_forget(w.sys, at.mod), 0);
	CHECK(world_close(&w));
}
