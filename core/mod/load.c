/* SPDX-License-Identifier: MIT */
/*
 * Loading a module: the table of contents.
 *
 *   source -> check -> claim -> depends -> sections -> resolve -> scan ->
 *   layout -> alloc -> place -> copy -> relocate -> collect -> seal -> params
 *   -> publish -> init -> live
 *
 * The stages own nothing. All resources hang on struct tn_load until they are
 * handed to the module; load_release frees what is left, in every outcome.
 */
#include "load.h"

#include <base/string.h>

#include "depend.h"
#include "deprecated.h"
#include "event.h"
#include "foreign.h"
#include "hold.h"
#include "interface.h"
#include "keep.h"
#include "param.h"

typedef int stage_fn(struct tn_load *l);

static stage_fn *const object_stages[] = {
	load_sections,
	load_resolve,
	load_scan,
	load_layout,
	load_alloc,
	load_place,
	load_copy,
	load_relocate,
	NULL,
};

static stage_fn *const dynamic_stages[] = {
	load_resolve,
	dyn_layout,
	load_alloc,
	dyn_place,
	dyn_copy,
	dyn_relocate,
	NULL,
};

/* From the file's bytes to a linked image that nobody else can see. */
int load_link(struct tn_load *l)
{
	stage_fn *const *stage;
	int err = load_check(l);

	if (err == 0)
		err = load_claim(l);
	if (err == 0)
		err = load_depends(l);
	if (err == 0 && l->is_dyn && l->shape != NULL)
		return l->shape->map(l);
	stage = l->is_dyn ? dynamic_stages : object_stages;
	for (; err == 0 && *stage != NULL; stage++)
		err = (*stage)(l);
	return err;
}

/* What the port has handed out. */
static void release(const struct tn_port *port, struct tn_bytes *bytes)
{
	if (bytes->data != NULL)
		port->release(port->ctx, bytes);
}

void load_release(struct tn_load *l)
{
	const struct tn_port *port = l->port;

	index_fini(&l->version_index);
	index_fini(&l->ns_index);
	release(port, &l->unpacked);
	release(port, &l->file);
	if (l->has_image)
		port->image_free(port->ctx, &l->image);
	if (l->gen != NULL)
		generation_free(l->sys, l->gen, &l->activity);
	load_unclaim(l);
	tables_free(&l->tables);
	tn_diag_fini(&l->scratch);
}

/* Room for what the generation keeps of the image. */
static int keep_image(struct tn_load *l)
{
	l->gen->image = image_keep(l->port, &l->image);
	return l->gen->image != NULL ? 0
				     : load_fail_memory(l, sizeof(l->image));
}

/* The references are the generation's when it is published. */
static int keep_providers(struct tn_load *l)
{
	const struct activity *act = &l->activity;
	struct generation *gen = l->gen;

	if (act->nproviders == 0)
		return 0;
	gen->providers =
	    load_memory(l, act->nproviders * sizeof(*gen->providers));
	if (gen->providers == NULL)
		return l->diag->error;
	memcpy(gen->providers, act->providers,
	    act->nproviders * sizeof(*gen->providers));
	gen->nproviders = act->nproviders;
	return 0;
}

/* The generation takes over what it needs for its life. */
static void hand_over(struct tn_load *l)
{
	l->gen->mod = l->mod;
	image_pack(l->gen->image, &l->image);
	l->has_image = false;
}

static int seal(struct tn_load *l)
{
	const struct tn_port *port = l->port;
	int err;

	if (l->gen->is_mapped)
		return 0;
	l->stage = TN_STAGE_PROTECT;
	err = port->image_seal(port->ctx, &l->image);
	if (err == 0)
		return 0;
	return diag_result(load_fail(l, TN_REASON_PROTECT), err);
}

static size_t init_bytes(const struct tn_image *img)
{
	size_t n = 0;

	for (unsigned i = 0; i < img->nparts; i++)
		if (img->part[i].kind >= TN_INIT_TEXT)
			n += img->part[i].size;
	return n;
}

/* Init has run: protect what is read-only from now on, free the rest. */
static int finish(struct tn_load *l, struct generation *gen)
{
	const struct tn_port *port = l->port;
	struct tn_image img;

	if (gen->is_mapped)
		return 0;
	image_unpack(&img, gen->image);
	const size_t init = init_bytes(&img);

	if (init != 0)
		hold_leave_init(gen);
	port->lock(port->ctx);
	symbolize_drop_init(gen);
	port->unlock(port->ctx);
	const int err = port->image_finish(port->ctx, &img);

	/* It is in the registry, where others may look at it. */
	port->lock(port->ctx);
	image_pack(gen->image, &img);
	gen->init_bytes = (uint32_t)init; /* of less than 2 GiB */
	port->unlock(port->ctx);
	if (err == 0)
		return 0;
	l->stage = TN_STAGE_PROTECT;
	(void)diag_result(load_fail(l, TN_REASON_PROTECT), err);
	generation_run_exit(gen);
	return err;
}

static uint64_t now(const struct tn_load *l)
{
	return l->port->now_ns(l->port->ctx);
}

/* A module whose start fails is cleaned up, not stopped. */
static int run_start(struct tn_load *l, struct tn_module *mod)
{
	int err;

	module_set_state(mod, TN_STATE_INITIALIZED);
	if ((l->args->flags & TN_LOAD_NO_START) != 0)
		return 0;
	err = generation_run_hook(
	    mod->gen, HOOK_START, TN_REASON_START_FAILED, l->diag);
	if (err != 0) {
		module_set_state(mod, TN_STATE_GOING);
		generation_run_exit(mod->gen);
	}
	return err;
}

static int start(struct tn_load *l, struct tn_module *mod)
{
	const uint64_t begin = now(l);
	int err = 0;

	if ((l->args->flags & TN_LOAD_NO_INIT) == 0)
		err = generation_run_init(mod->gen, l->diag);
	if (err == 0)
		err = finish(l, mod->gen);
	if (err == 0)
		err = run_start(l, mod);
	l->timing.init = now(l) - begin;
	if (err != 0)
		module_withdraw(mod);
	return err;
}

/* Everything up to a sealed image with its module record. */
static int prepare(struct tn_load *l)
{
	uint64_t t0 = now(l), t1;
	int err = load_source(l);

	t1 = now(l);
	l->timing.source = t1 - t0;
	if (err == 0)
		err = load_link(l);
	if (err == 0)
		err = load_collect(l);
	if (err == 0 && l->shape != NULL)
		err = l->shape->take(l);
	if (err == 0)
		err = load_keep(l);
	if (err == 0)
		err = keep_image(l);
	if (err == 0)
		err = keep_providers(l);
	t0 = now(l);
	l->timing.link = t0 - t1;
	if (err == 0)
		err = seal(l);
	l->timing.protect = now(l) - t0;
	if (err == 0)
		err = load_deprecated(l);
	if (err == 0)
		err = load_params(l);
	return err;
}

static int load(struct tn_load *l, struct tn_module **out)
{
	struct tn_module *mod;
	int err;

	/* What fails has to wait for readers, and would wait for itself. */
	if (gate_is_inside())
		return load_fail(l, TN_REASON_INSIDE)->error;
	if (!gate_can_synchronize())
		return load_fail(l, TN_REASON_NO_BARRIER)->error;
	l->gen = load_memory(l, sizeof(*l->gen));
	if (l->gen == NULL)
		return l->diag->error;
	interfaces_init(l->gen);
	l->gen->direct = (l->args->flags & TN_LOAD_DIRECT) != 0;
	err = prepare(l);
	if (err == LOAD_SHARED) {
		*out = l->shared;
		return 0;
	}
	if (err != 0)
		return err;
	hand_over(l);
	err = module_publish(l->gen, l->diag);
	if (err != 0)
		return err;
	mod = l->mod;
	l->gen = NULL;
	if (mod->gen->is_mapped)
		event_tell(l->sys, TN_EVENT_LOADED, mod);
	else
		event_loaded(l);
	err = start(l, mod);
	if (err != 0)
		return err;
	load_succeed(l, (l->args->flags & TN_LOAD_NO_START) != 0
			    ? TN_STATE_INITIALIZED
			    : TN_STATE_RUNNING);
	*out = mod;
	return 0;
}

#define LOAD_FLAGS                                                             \
	(TN_LOAD_UNMARKED | TN_LOAD_DIRECT | TN_LOAD_NO_RELAX |                \
	    TN_LOAD_NO_INIT | TN_LOAD_NO_IMPORTS | TN_LOAD_NO_START |          \
	    TN_LOAD_EXCLUSIVE)

bool load_begin(struct tn_load *l, struct tn_system *sys,
    const struct tn_load_args *args, struct tn_diag *diag)
{
	*l = (struct tn_load){
		.sys = sys,
		.port = sys->port,
		.args = args,
		.diag = diag != NULL ? diag : &l->scratch,
		.stage = TN_STAGE_SOURCE,
		.find_machine = reloc_machine_here,
		.relaxing = load_relaxing_here,
	};
	tables_init(&l->tables, sys->port);
	activity_init(&l->activity, sys);
	if (args->size == sizeof(*args) && (args->flags & ~LOAD_FLAGS) == 0)
		return true;
	(void)load_fail_other(
	    l, TN_REASON_BAD_ARGUMENT, "size or flags of struct tn_load_args");
	return false;
}

int load_run(struct tn_system *sys, const struct tn_load_args *args,
    const struct load_shape *shape, struct tn_module **out,
    struct tn_diag *diag)
{
	struct tn_load l;
	int err = -TN_EINVAL;

	if (load_begin(&l, sys, args, diag)) {
		l.shape = shape;
		err = load(&l, out);
	}
	load_release(&l);
	return err;
}

int tn_load(struct tn_system *sys, const struct tn_load_args *args,
    struct tn_module **out, struct tn_diag *diag)
{
	return load_run(sys, args, NULL, out, diag);
}

int tn_read(struct tn_system *sys, const struct tn_load_args *args,
    int (*fn)(void *arg, const void *data, size_t size), void *arg,
    struct tn_diag *diag)
{
	struct tn_load l;
	int err = -TN_EINVAL;

	if (load_begin(&l, sys, args, diag))
		err = load_source(&l);
	if (err == 0)
		err = fn(arg, l.bytes.p, l.bytes.n);
	load_release(&l);
	return err;
}
