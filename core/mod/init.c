/* SPDX-License-Identifier: MIT */
/*
 * Running a module's code around its life: constructors and init, exit and
 * destructors. No lock of the engine is held here: init may load modules.
 */
#include "module.h"

#include <base/span.h>

typedef void array_fn(void);
typedef int init_fn(void);

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
	if (gen->dt_fini != 0)
		run(gen->dt_fini);
}

int generation_run_init(struct generation *gen, struct tn_diag *d)
{
	int ret = 0;

	gen->started = true;
	if (gen->dt_init != 0)
		run(gen->dt_init);
	for (unsigned i = 0; i < gen->ninit_arrays; i++)
		run_forward(&gen->arrays[i]);
	if (gen->init != 0)
		ret = ((init_fn *)(uintptr_t)gen->init)();
	if (ret == 0)
		return 0;
	/*
	 * As in Linux exit is not called. Constructors have run, so their
	 * destructors do. A positive value is no error number.
	 */
	run_destructors(gen);
	tn_diag_fini(d);
	d->error = ret < 0 ? ret : -TN_EINVAL;
	d->stage = TN_STAGE_INIT;
	d->reason = TN_REASON_INIT_FAILED;
	d->value = (uint64_t)(int64_t)ret;
	__builtin_memcpy(d->module, gen->mod->name, sizeof(d->module));
	return d->error;
}

void generation_run_exit(struct generation *gen)
{
	if (!gen->started)
		return; /* loaded with TN_LOAD_NO_INIT */
	if (gen->exit != 0)
		run(gen->exit);
	run_destructors(gen);
}
