/* SPDX-License-Identifier: MIT */
/*
 * From addresses to symbols: among exports, among all functions, in many
 * modules, in init text.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tenon/inspect.h>
#include <test/test.h>

#include "../module.h"
#include "functions.h"

static const struct tn_config keeping = { .flags = TN_CONFIG_KEEP_SYMBOLS };

/* --- names */

static void check_functions(
    struct world *w, struct tn_module *mod, const char *prefix, unsigned n)
{
	struct tn_location at;
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s%u", prefix, i);
		const uint64_t addr = address(mod, name);

		CHECK(addr != 0);
		CHECK_EQ(tn_symbolize(w->sys, addr, &at), 0);
		CHECK_STR(at.symbol, name);
		CHECK_EQ(at.offset, 0);
		CHECK(at.module == mod);
		CHECK(at.size != 0);
		if (at.size > 1) {
			CHECK_EQ(tn_symbolize(w->sys, addr + 1, &at), 0);
			CHECK_STR(at.symbol, name);
			CHECK_EQ(at.offset, 1);
		}
	}
}

TEST(symbolize, finds_exports_in_whatever_order_they_stand)
{
	static const unsigned counts[] = { 1, 2, 7, 40, 41, 100 };
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct author a = functions("many", "f", counts[i]);
		struct tn_module *mod;

		author_export(&a, (struct author_export){ .name = "datum",
				      .symbol = author_word(&a, "datum", 7) });
		CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
		check_functions(&w, mod, "f", counts[i]);
		CHECK_EQ(*(uint64_t *)world_object(mod, "datum"), 7);
		CHECK_EQ(world_unload(&w, mod), 0);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* The last of those at one address, whether they are ordered yet or not. */
TEST(symbolize, exports_of_one_address_have_one_name)
{
	struct author a = functions("many", "f", 100);
	const uint32_t twin = author_return(&a, "twin");
	struct tn_location at;
	struct tn_module *mod;
	struct world w;
	char name[32];

	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "twin%u", i);
		author_export(
		    &a, (struct author_export){ .name = name, .symbol = twin });
	}
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	for (unsigned state = 0; state < 2; state++) {
		mod->gen->exports->order->state =
		    state == 0 ? EXPORTS_BEING_ORDERED : EXPORTS_UNORDERED;
		CHECK_EQ(tn_symbolize(w.sys, address(mod, "twin7"), &at), 0);
		CHECK_STR(at.symbol, "twin59");
	}
	CHECK_EQ(mod->gen->exports->order->state, EXPORTS_ORDERED);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Kept as a list they would be gigabytes. */
TEST(symbolize, kept_names_are_in_proportion_to_the_file)
{
	struct author a = author_new(isa_here()->machine, "greedy");
	struct tn_module *mod;
	uint32_t first;
	struct world w;
	char name[20000], other[8];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	first = author_return(&a, name);
	for (unsigned i = 1; i < 500; i++) {
		snprintf(other, sizeof(other), "f%u", i);
		(void)author_return(&a, other);
	}
	CHECK(world_open_with(&w, &keeping));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	for (unsigned i = 1; i < 500; i++)
		object_sym(a.o, first + i)->st_name =
		    object_sym(a.o, first)->st_name;
	CHECK_EQ(world_load_bytes(&w, object_bytes(a.o), 0, &mod), -TN_EFBIG);
	CHECK_EQ(w.diag.reason, TN_REASON_LIMIT);
	author_free(&a);
	CHECK(world_close(&w));
}

/* As in a handler that has interrupted the thread that orders them. */
TEST(symbolize, finds_exports_while_they_are_being_ordered)
{
	struct author a = functions("many", "f", 100);
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	_Atomic uint32_t *state = &mod->gen->exports->order->state;

	CHECK_EQ(*state, EXPORTS_UNORDERED);
	*state = EXPORTS_BEING_ORDERED;
	check_functions(&w, mod, "f", 100);
	CHECK_EQ(*state, EXPORTS_BEING_ORDERED);
	*state = EXPORTS_UNORDERED;
	check_functions(&w, mod, "f", 100);
	CHECK_EQ(*state, EXPORTS_ORDERED);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(symbolize, knows_only_code_of_loaded_modules)
{
	struct author a = functions("one", "f", 3);
	struct tn_module *mod;
	struct tn_location at;
	uint64_t text, addr;
	struct world w;
	size_t size;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_module_part(mod, TN_TEXT, &text, &size);
	addr = address(mod, "f1");
	CHECK_EQ(tn_symbolize(w.sys, text - 1, &at), -TN_ENOENT);
	CHECK_EQ(tn_symbolize(w.sys, text + size, &at), -TN_ENOENT);
	CHECK_EQ(tn_symbolize(w.sys, 0, &at), -TN_ENOENT);
	CHECK_EQ(tn_symbolize(w.sys, UINT64_MAX, &at), -TN_ENOENT);
	CHECK_EQ(tn_symbolize(w.sys, text + size - 1, &at), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_STR(at.module_name, "one"); /* its record has been freed */
	CHECK_EQ(tn_symbolize(w.sys, addr, &at), -TN_ENOENT);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Without an export before it an address is told from the start of text. */
TEST(symbolize, names_the_module_where_no_symbol_is_known)
{
	struct author a = author_new(isa_here()->machine, "quiet");
	struct tn_module *mod;
	struct tn_location at;
	uint64_t text;
	struct world w;
	size_t size;

	(void)author_return(&a, "unexported");
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_module_part(mod, TN_TEXT, &text, &size);
	CHECK_EQ(tn_symbolize(w.sys, text, &at), 0);
	CHECK_STR(at.symbol, "");
	CHECK_EQ(at.offset, 0);
	CHECK_EQ(at.size, size);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

static uint32_t local_function(
    struct author *a, const char *name, uint64_t size)
{
	const uint64_t at = isa_return(a->o, a->text);
	const uint32_t sym = object_symbol(
	    a->o, name, OBJECT_SYM(STB_LOCAL, STT_FUNC), a->text, at);

	object_symbol_size(a->o, sym, size);
	return sym;
}

TEST(symbolize, keeps_local_functions_with_their_sizes_on_request)
{
	struct author a = author_new(isa_here()->machine, "kept");
	struct tn_module *mod;
	struct tn_location at;
	struct tn_origin from;
	uint64_t text;
	struct world w;
	size_t size;

	local_function(&a, "first", 1);
	const uint64_t second = object_size(a.o, a.text);

	local_function(&a, "second", 0);
	object_symbol(a.o, "$x", OBJECT_SYM(STB_LOCAL, STT_NOTYPE), a.text, 0);
	CHECK(world_open_with(&w, &keeping));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_module_part(mod, TN_TEXT, &text, &size);
	CHECK_EQ(tn_symbolize(w.sys, text, &at), 0);
	CHECK_STR(at.symbol, "first");
	CHECK_EQ(at.size, 1);
	CHECK(at.exact);
	if (second > 1) { /* behind the end of it, before the next */
		CHECK_EQ(tn_symbolize(w.sys, text + 1, &at), 0);
		CHECK_STR(at.symbol, "");
		CHECK_EQ(at.offset, 1);
	}
	CHECK_EQ(tn_symbolize(w.sys, text + second, &at), 0);
	CHECK_STR(at.symbol, "second");
	CHECK(!at.exact);
	CHECK_EQ(at.size, size - second);
	CHECK_EQ(tn_symbolize_origin(w.sys, text + second, &from), 0);
	CHECK_STR(from.section, ".text");
	CHECK_STR(from.path, "");
	CHECK_EQ(from.offset, second);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(tn_symbolize_origin(w.sys, text, &from), -TN_ENOENT);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(symbolize, keeps_no_sections_unless_asked)
{
	struct author a = functions("plain", "f", 1);
	struct tn_module *mod;
	struct tn_origin from;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(
	    tn_symbolize_origin(w.sys, address(mod, "f0"), &from), -TN_ENOENT);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- many modules */

#define MANY 400

struct crowd {
	struct world w;
	struct tn_module *mod[MANY];
	uint64_t addr[MANY];
};

static void load_numbered(struct crowd *c, unsigned i)
{
	struct author a;
	char name[32], prefix[32];

	snprintf(name, sizeof(name), "mod%u", i);
	snprintf(prefix, sizeof(prefix), "m%u_", i);
	a = functions(name, prefix, 2);
	CHECK_EQ(world_load(&c->w, a.o, 0, &c->mod[i]), 0);
	snprintf(name, sizeof(name), "m%u_1", i);
	c->addr[i] = address(c->mod[i], name);
	author_free(&a);
}

static void check_all(struct crowd *c, unsigned step)
{
	struct tn_location at;
	char name[32];

	for (unsigned i = 0; i < MANY; i++) {
		const int err = tn_symbolize(c->w.sys, c->addr[i], &at);

		if (i % step != 0) {
			CHECK(err != 0 || at.module != c->mod[i]);
			continue;
		}
		snprintf(name, sizeof(name), "m%u_1", i);
		CHECK_EQ(err, 0);
		CHECK_STR(at.symbol, name);
		CHECK(at.module == c->mod[i]);
	}
}

struct walk {
	uint64_t last;
	unsigned n;
};

static int step_on(void *arg, const char *name, uint64_t addr, uint64_t size)
{
	struct walk *walk = arg;

	if (name[0] == '\0' || addr < walk->last)
		return 1;
	walk->last = addr + size;
	walk->n++;
	return 0;
}

TEST(symbolize, index_splits_and_shrinks_with_its_modules)
{
	static struct crowd c;
	struct walk walk = { 0, 0 };

	CHECK(world_open(&c.w, NULL, 0));
	for (unsigned i = 0; i < MANY; i++)
		load_numbered(&c, i);
	check_all(&c, 1);
	CHECK_EQ(tn_symbolize_each(c.w.sys, step_on, &walk), 0);
	CHECK_EQ(walk.n, MANY);
	for (unsigned i = 0; i < MANY; i++)
		if (i % 3 != 0)
			CHECK_EQ(tn_unload(c.w.sys, c.mod[i], NULL), 0);
	check_all(&c, 3);
	for (unsigned i = 0; i < MANY; i++)
		if (i % 3 != 0)
			load_numbered(&c, i);
	check_all(&c, 1);
	for (unsigned i = MANY; i-- > 0;)
		CHECK_EQ(tn_unload(c.w.sys, c.mod[i], NULL), 0);
	walk = (struct walk){ 0, 0 };
	CHECK_EQ(tn_symbolize_each(c.w.sys, step_on, &walk), 0);
	CHECK_EQ(walk.n, 0);
	CHECK(world_close(&c.w));
}

/* Unloads what it is told of, and half of the others before they are. */
static int unload_told(
    void *arg, const char *name, uint64_t addr, uint64_t size)
{
	struct crowd *c = arg;
	struct tn_location at;

	(void)size;
	if (!EXPECT(tn_symbolize(c->w.sys, addr, &at) == 0) ||
	    !EXPECT(strcmp(at.module_name, name) == 0))
		return 1;
	(void)EXPECT(tn_unload(c->w.sys, at.module, NULL) == 0);
	for (unsigned i = 0; i < MANY - 1; i += 2)
		if (c->mod[i] == at.module)
			(void)tn_unload(c->w.sys, c->mod[i + 1], NULL);
	return 0;
}

TEST(symbolize, texts_may_go_while_each_is_told)
{
	static struct crowd c;
	struct walk walk = { 0, 0 };

	alarm(60); /* a wait for the walk is a failure */
	CHECK(world_open(&c.w, NULL, 0));
	for (unsigned i = 0; i < MANY; i++)
		load_numbered(&c, i);
	CHECK_EQ(tn_symbolize_each(c.w.sys, unload_told, &c), 0);
	CHECK_EQ(tn_symbolize_each(c.w.sys, step_on, &walk), 0);
	CHECK_EQ(walk.n, 0);
	CHECK(world_close(&c.w));
	alarm(0);
}

/* The load of module @i fails at each call, and then does not. */
static void load_at_last(struct crowd *c, unsigned i)
{
	struct author a;
	char name[32];

	snprintf(name, sizeof(name), "mod%u", i);
	a = functions(name, "again", 2);
	for (unsigned n = 1;; n++) {
		const uint64_t before = world_state(&c->w);

		rig_arm(&c->w.rig, n);
		const int err = world_load(&c->w, a.o, 0, &c->mod[i]);

		if (c->w.rig.calls < n)
			break;
		rig_arm(&c->w.rig, 0);
		CHECK(err < 0);
		tn_diag_fini(&c->w.diag);
		CHECK_EQ(world_state(&c->w), before);
	}
	rig_arm(&c->w.rig, 0);
	CHECK_EQ(tn_unload(c->w.sys, c->mod[i], NULL), 0);
	author_free(&a);
	load_numbered(c, i);
}

/* A leaf has 42 ranges: memory is short before, while and after it splits. */
TEST(symbolize, index_splits_and_shrinks_when_memory_is_short)
{
	static struct crowd c;
	struct walk walk = { 0, 0 };

	CHECK(world_open(&c.w, NULL, 0));
	for (unsigned i = 0; i < 90; i++) {
		if ((i >= 40 && i < 46) || i > 80)
			load_at_last(&c, i);
		else
			load_numbered(&c, i);
	}
	CHECK_EQ(tn_symbolize_each(c.w.sys, step_on, &walk), 0);
	CHECK_EQ(walk.n, 90);
	/* Leaves become empty and stay: what asks for memory gets none. */
	for (unsigned i = 0; i < 90; i++) {
		rig_arm(&c.w.rig, 1);
		CHECK_EQ(tn_unload(c.w.sys, c.mod[i], NULL), 0);
	}
	rig_arm(&c.w.rig, 0);
	for (unsigned i = 0; i < 90; i++)
		load_numbered(&c, i);
	walk = (struct walk){ 0, 0 };
	CHECK_EQ(tn_symbolize_each(c.w.sys, step_on, &walk), 0);
	CHECK_EQ(walk.n, 90);
	for (unsigned i = 90; i-- > 0;)
		CHECK_EQ(tn_unload(c.w.sys, c.mod[i], NULL), 0);
	CHECK(c.w.rig.misuse == NULL);
	CHECK(world_close(&c.w));
}

TEST(symbolize, last_unloaded_module_is_remembered)
{
	struct author a = functions("gone", "f", 1);
	char name[TN_MODULE_NAME_MAX];
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_last_unloaded(w.sys, name);
	CHECK_STR(name, "first"); /* of the world */
	CHECK_EQ(world_unload(&w, mod), 0);
	tn_last_unloaded(w.sys, name);
	CHECK_STR(name, "gone");
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- init text */

static struct world *init_world;
static unsigned ranges_in_init;

static int in_init(void)
{
	struct walk walk = { 0, 0 };

	(void)tn_symbolize_each(init_world->sys, step_on, &walk);
	ranges_in_init = walk.n;
	return 0;
}

TEST(symbolize, init_text_is_known_until_it_is_freed)
{
	static const struct tn_export exports[] = { WORLD_EXPORT(in_init) };
	struct author a = author_new(isa_here()->machine, "starts");
	struct walk walk = { 0, 0 };
	struct tn_module *mod;
	struct world w;
	uint64_t at;

	const uint32_t text = object_section(
	    a.o, ".init.text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);

	at = isa_jump(a.o, text, object_undefined(a.o, "in_init"));
	object_symbol(
	    a.o, "init_module", OBJECT_SYM(STB_GLOBAL, STT_FUNC), text, at);
	author_return(&a, "cleanup_module");
	CHECK(world_open(&w, exports, 1));
	init_world = &w;
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(ranges_in_init, 2);
	CHECK_EQ(tn_symbolize_each(w.sys, step_on, &walk), 0);
	CHECK_EQ(walk.n, 1);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

static int look_at_start(
    void *arg, const char *name, uint64_t addr, uint64_t size)
{
	struct tn_location at;

	(void)name;
	*(unsigned *)arg += 1;
	return !EXPECT(tn_symbolize(init_world->sys, addr, &at) == 0) ||
	       !EXPECT(at.symbol[0] == '\0') || !EXPECT(at.offset == 0) ||
	       !EXPECT(at.size == size);
}

static int look_in_init(void)
{
	ranges_in_init = 0;
	return tn_symbolize_each(
	    init_world->sys, look_at_start, &ranges_in_init);
}

/* Each text begins with a function of no name; one lies behind the other. */
static void check_starts(const struct tn_config *config)
{
	static const struct tn_export exports[] = { WORLD_EXPORT(
	    look_in_init) };
	struct author a = author_new(isa_here()->machine, "starts");
	struct tn_config with = *config;
	struct tn_module *mod;
	struct world w;
	uint64_t at;

	const uint32_t text = object_section(
	    a.o, ".init.text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);

	(void)isa_return(a.o, a.text);
	author_export(&a, (struct author_export){
			      .name = "f", .symbol = author_return(&a, "f") });
	(void)isa_return(a.o, text);
	at = isa_jump(a.o, text, object_undefined(a.o, "look_in_init"));
	object_symbol(
	    a.o, "init_module", OBJECT_SYM(STB_GLOBAL, STT_FUNC), text, at);
	author_return(&a, "cleanup_module");
	with.exports = exports;
	with.nexports = 1;
	CHECK(world_open_with(&w, &with));
	init_world = &w;
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(ranges_in_init, 2);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(symbolize, no_text_begins_with_what_another_one_ends_with)
{
	check_starts(&keeping);
	check_starts(&(const struct tn_config){ 0 });
}
