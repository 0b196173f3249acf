/* SPDX-License-Identifier: MIT */
/*
 * Running a module's code around its life: constructors and init, start and
 * stop, exit and destructors. No lock of the engine is held here: a module may
 * load others. Hooks of a module_ops are handed the module, those of Linux
 * nothing.
 */
#include "module.h"

#include <base/span.h>
#include <tenon/inspect.h>

typedef void array_fn(void);
typedef int init_fn(void);
typedef int hook_fn(struct tn_module *mod);
typedef void void_hook_fn(struct tn_module *mod);

static void run(uint64_t addr)
{
	((array_fn *)(uintptr_t)addr)();
}

/* Entries 0 and -1 are fillers of old tool chains (gABI, .init_array). */
static bool is_function(uint64_t addr)
{
	return addr != 0 && addr != UINT64_MAX;
}

/* A file need not have aligned its table. */
static void run_entry(const struct image_range *r, uint64_t i)
{
	const uint64_t fn =
	    get_le64((const uint8_t *)(uintptr_t)r->addr + i * 8);

	if (is_function(fn))
		run(fn);
}

static void run_forward(const struct image_range *r)
{
	for (uint64_t i = 0; i < r->count; i++)
		run_entry(r, i);
}

static void run_backward(const struct image_range *r)
{
	for (uint64_t i = r->count; i-- > 0;)
		run_entry(r, i);
}

/* Destructors run in the reverse order of the table (gABI). */
static void run_destructors(struct generation *gen)
{
	const struct image_range *fini = gen->arrays + gen->ninit_arrays;

	for (unsigned i = gen->nfini_arrays; i-- > 0;)
		run_backward(&fini[i]);
	if (gen->dynamic != NULL && gen->dynamic->fini != 0)
		run(gen->dynamic->fini);
}

/*
 * What tn_module_running tells. Hooks of one module run one at a time, so
 * nobody else writes it.
 */
void generation_enter(const struct generation *gen, enum hook hook)
{
	/* relaxed: nothing else is read by whoever looks */
	__atomic_store_n(
	    &gen->mod->running, (uint8_t)(hook + 1), __ATOMIC_RELAXED);
}

void generation_leave(const struct generation *gen)
{
	__atomic_store_n(&gen->mod->running, 0, __ATOMIC_RELAXED);
}

const char *tn_module_running(const struct tn_module *mod)
{
	static const char *const names[] = {
		[HOOK_INIT] = "init",
		[HOOK_START] = "start",
		[HOOK_STOP] = "stop",
		[HOOK_EXIT] = "exit",
		[HOOK_QUIESCE] = "quiesce",
		[HOOK_RESUME] = "resume",
		[HOOK_SAVE] = "save",
		[HOOK_RESTORE] = "restore",
	};
	const uint8_t hook = __atomic_load_n(&mod->running, __ATOMIC_RELAXED);

	return hook != 0 ? names[hook - 1] : NULL;
}

static int failed(const struct generation *gen, enum tn_reason reason,
    int result, struct tn_diag *d)
{
	(void)diag_fail(d, TN_STAGE_INIT, reason, gen->mod->name, "");
	return diag_result(d, result);
}

static int run_init(const struct generation *gen)
{
	const uint64_t init = gen->hook[HOOK_INIT];

	if (init == 0)
		return 0;
	return gen->has_ops ? ((hook_fn *)(uintptr_t)init)(gen->mod)
			    : ((init_fn *)(uintptr_t)init)();
}

/* As in Linux exit is not called after a failure. Constructors have run, so
   their destructors do. */
static int run_beginning(struct generation *gen)
{
	int ret;

	if (gen->dynamic != NULL && gen->dynamic->init != 0)
		run(gen->dynamic->init);
	for (unsigned i = 0; i < gen->ninit_arrays; i++)
		run_forward(&gen->arrays[i]);
	ret = run_init(gen);
	if (ret != 0)
		run_destructors(gen);
	return ret;
}

int generation_run_init(struct generation *gen, struct tn_diag *d)
{
	int ret;

	generation_enter(gen, HOOK_INIT);
	/* It is in the registry, where others look whether it is permanent. */
	registry_lock(gen->mod->sys);
	gen->started = true;
	registry_unlock(gen->mod->sys);
	ret = run_beginning(gen);
	generation_leave(gen);
	return ret == 0 ? 0 : failed(gen, TN_REASON_INIT_FAILED, ret, d);
}

int generation_run_hook(const struct generation *gen, enum hook hook,
    enum tn_reason reason, struct tn_diag *d)
{
	const uint64_t addr = gen->hook[hook];
	int ret;

	if (addr == 0 || !gen->started)
		return 0;
	generation_enter(gen, hook);
	ret = ((hook_fn *)(uintptr_t)addr)(gen->mod);
	generation_leave(gen);
	return ret == 0 ? 0 : failed(gen, reason, ret, d);
}

void generation_run_resume(const struct generation *gen)
{
	const uint64_t addr = gen->hook[HOOK_RESUME];

	if (addr == 0 || !gen->started)
		return;
	generation_enter(gen, HOOK_RESUME);
	((void_hook_fn *)(uintptr_t)addr)(gen->mod);
	generation_leave(gen);
}

static void run_cleanup(const struct generation *gen)
{
	const uint64_t addr = gen->hook[HOOK_EXIT];

	if (addr == 0)
		return;
	if (gen->has_ops)
		((void_hook_fn *)(uintptr_t)addr)(gen->mod);
	else
		run(addr);
}

void generation_run_exit(struct generation *gen)
{
	if (!gen->started)
		return; /* loaded with TN_LOAD_NO_INIT */
	generation_enter(gen, HOOK_EXIT);
	run_cleanup(gen);
	run_destructors(gen);
	generation_leave(gen);
}
