/* SPDX-License-Identifier: MIT */
/*
 * Systems for tests: see world.h. Files are handed to the engine as blocks of
 * exactly their size, so that a sanitizer sees a read behind the end.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include <test/test.h>

static bool start(struct world *w, const struct tn_config *wanted)
{
	struct tn_config config = *wanted;

	config.size = sizeof(config);
	config.abi = 1;
	config.seed = 0x5eed;
	tn_diag_init(&w->diag);
	return tn_system_create(&w->rig.port, &config, &w->sys) == 0;
}

/* The first module makes the registry's table, which then stays. */
static bool warm(struct world *w)
{
	struct author a = author_new(isa_here()->machine, "first");
	struct tn_module *mod;
	const bool ok =
	    world_load(w, a.o, 0, &mod) == 0 && world_unload(w, mod) == 0;

	author_free(&a);
	return ok;
}

bool world_open_with(struct world *w, const struct tn_config *config)
{
	const struct host_port_config standard = { 0 };

	memset(w, 0, sizeof(*w));
	if (host_port_create(&standard, &w->host) != 0)
		return false;
	rig_over(&w->rig, host_port_table(w->host));
	w->rig.image_limit = 64u << 20;
	return start(w, config) && warm(w);
}

bool world_open(struct world *w, const struct tn_export *exports, size_t n)
{
	const struct tn_config config = { .exports = exports, .nexports = n };

	return world_open_with(w, &config);
}

static int say_nothing(const char *format, ...)
{
	(void)format;
	return 0;
}

bool world_open_guaranteed(struct world *w)
{
	const size_t n = tn_guaranteed_count;
	struct tn_export *e = malloc(n * sizeof(*e));
	bool ok;

	if (e == NULL)
		abort();
	memcpy(e, tn_guaranteed, n * sizeof(*e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(e[i].name, "printk") == 0)
			e[i].addr = (const void *)&say_nothing;
	ok = world_open(w, e, n);
	w->guaranteed = e;
	return ok;
}

bool world_offline(
    struct world *w, uint64_t at, const struct tn_export *exports, size_t n)
{
	memset(w, 0, sizeof(*w));
	const struct tn_config config = { .exports = exports, .nexports = n };

	rig_offline(&w->rig, at);
	w->rig.image_limit = 64u << 20;
	return start(w, &config);
}

bool world_close(struct world *w)
{
	const struct rig_held none = { 0 };
	bool clean;

	tn_diag_fini(&w->diag);
	free(w->copy);
	clean = tn_system_destroy(w->sys) == 0 &&
		rig_same(rig_held(&w->rig), none) && w->rig.misuse == NULL;
	free(w->guaranteed);
	if (clean && w->host != NULL)
		host_port_destroy(w->host);
	return clean;
}

static void *exact_copy(struct span bytes)
{
	void *p = malloc(bytes.n != 0 ? bytes.n : 1);

	if (p == NULL)
		abort();
	if (bytes.n != 0)
		memcpy(p, bytes.p, bytes.n);
	return p;
}

static struct tn_load_args load_args(
    const void *data, size_t size, unsigned flags)
{
	return (struct tn_load_args){
		.size = sizeof(struct tn_load_args),
		.flags = flags,
		.data = data,
		.data_size = size,
	};
}

int world_load_bytes(
    struct world *w, struct span bytes, unsigned flags, struct tn_module **mod)
{
	void *copy = exact_copy(bytes);
	const struct tn_load_args args = load_args(copy, bytes.n, flags);
	int err;

	tn_diag_fini(&w->diag);
	err = tn_load(w->sys, &args, mod, &w->diag);
	free(copy);
	return err;
}

int world_load(
    struct world *w, struct object *o, unsigned flags, struct tn_module **mod)
{
	return world_load_bytes(w, object_file(o), flags, mod);
}

int world_unload(struct world *w, struct tn_module *mod)
{
	int err;

	tn_diag_fini(&w->diag);
	err = tn_unload(w->sys, mod, &w->diag);
	return err != 0 ? err : tn_module_forget(w->sys, mod);
}

int world_link_bytes(
    struct world *w, struct span bytes, struct tn_linked **linked)
{
	free(w->copy);
	w->copy = exact_copy(bytes);
	const struct tn_load_args args = load_args(w->copy, bytes.n, 0);

	tn_diag_fini(&w->diag);
	return tn_link(w->sys, &args, linked, &w->diag);
}

int world_link(struct world *w, struct object *o, struct tn_linked **linked)
{
	return world_link_bytes(w, object_file(o), linked);
}

/* --- what has changed */

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
}

static int mix_module(void *arg, struct tn_module *mod)
{
	uint64_t *h = arg;
	struct tn_module_info info;

	tn_module_info(mod, &info);
	*h = mix(*h, (uintptr_t)mod);
	*h = mix(*h, info.refs);
	*h = mix(*h, info.state);
	return 0;
}

uint64_t world_state(struct world *w)
{
	const struct rig_held held = rig_held(&w->rig);
	uint64_t h = tn_symbol_count(w->sys);

	tn_module_each(w->sys, mix_module, &h);
	h = mix(h, (uint64_t)held.blocks);
	h = mix(h, (uint64_t)held.images);
	return mix(h, (uint64_t)held.files);
}

/* --- finding things */

void *world_object(struct tn_module *mod, const char *name)
{
	void *addr;

	return tn_module_symbol(mod, name, &addr) == 0 ? addr : NULL;
}

world_fn *world_function(struct tn_module *mod, const char *name)
{
	union {
		void *object;
		world_fn *function;
	} u = { .object = world_object(mod, name) };

	return u.function;
}

struct tn_linked_section world_section(
    const struct tn_linked *linked, const char *name)
{
	struct tn_linked_section s;
	uint32_t at = 0;

	while (tn_linked_section(linked, &at, &s))
		if (strcmp(s.name, name) == 0)
			return s;
	for (unsigned i = TN_LINKED_STUBS; i <= TN_LINKED_GOT; i++)
		if (tn_linked_extra(linked, (enum tn_linked_extra)i, &s) &&
		    strcmp(s.name, name) == 0)
			return s;
	return (struct tn_linked_section){ 0 };
}

uint64_t world_value(const struct tn_linked *linked, const char *name)
{
	struct tn_linked_symbol s;

	for (uint32_t i = 1; tn_linked_symbol(linked, i, &s); i++)
		if (strcmp(s.name, name) == 0)
			return s.value;
	return 0;
}

/* --- refusals */

static int try_file(struct world *w, struct span file)
{
	struct tn_module *mod;
	struct tn_linked *linked;
	int err;

	if (w->rig.world != NULL) {
		err = world_load_bytes(w, file, w->flags, &mod);
		if (err == 0)
			(void)world_unload(w, mod);
	} else {
		err = world_link_bytes(w, file, &linked);
		if (err == 0)
			tn_linked_free(linked);
	}
	return err;
}

bool world_refuses(struct world *w, struct span file, struct world_refusal want,
    const char *at, int line)
{
	const uint64_t before = world_state(w);
	const int err = try_file(w, file);
	char text[512];

	if (!test_expect_eq(err, -(int)want.error, at, line, "error number"))
		return false;
	if (!test_expect_eq(w->diag.error, err, at, line, "diag.error"))
		return false;
	tn_diag_text(&w->diag, text, sizeof(text));
	if (!test_expect_str(tn_reason_name(w->diag.reason), want.reason, at,
		line, "reason") ||
	    !test_expect_str(text, want.text, at, line, "sentence"))
		return false;
	tn_diag_fini(&w->diag);
	return test_expect(
		   world_state(w) == before, at, line, "nothing has changed") &&
	       test_expect(w->rig.misuse == NULL, at, line, "no misuse");
}
