/* SPDX-License-Identifier: MIT */
/*
 * Holds other modules in every way there is. All calls that take and give stand
 * last in their functions, where compilers make them jumps: that must not make
 * somebody else the holder by the header's names.
 */
#include <tenon/module.h>

#define FAILS 5 /* EIO */

static unsigned long target;
module_param(target, ulong, 0444);
MODULE_PARM_DESC(target, "address of the module that init takes");
static unsigned int times = 1;
module_param(times, uint, 0444);
MODULE_PARM_DESC(times, "how often");
static bool fail;
module_param(fail, bool, 0444);
MODULE_PARM_DESC(fail, "init fails when it has");

TENON_IMPORTS_BEGIN

/* The symbols behind the names, as a file of other headers imports them. */
bool bare_try_get(struct module *module) __asm__("try_module_get");
void bare_get(struct module *module) __asm__("__module_get");
void bare_put(struct module *module) __asm__("module_put");

/* A program may offer it to modules: <tenon/interfaces.h>. */
int tn_handle_get(struct module *module, const char *holder, void *handle)
    __attribute__((weak));

bool keeper_take(struct module *module);
void keeper_give(struct module *module);
bool keeper_take_bare(struct module *module);
void keeper_give_bare(struct module *module);
int keeper_handle(struct module *module, void *handle);

TENON_IMPORTS_END

bool keeper_take(struct module *module)
{
	return try_module_get(module);
}
EXPORT_SYMBOL(keeper_take);

void keeper_give(struct module *module)
{
	module_put(module);
}
EXPORT_SYMBOL(keeper_give);

/* Keeps a call from becoming a jump: by a bare name its place counts. */
#define CALLED __asm__ volatile("" ::: "memory")

bool keeper_take_bare(struct module *module)
{
	const bool got = bare_try_get(module);

	if (got)
		bare_get(module);
	CALLED;
	return got;
}
EXPORT_SYMBOL(keeper_take_bare);

void keeper_give_bare(struct module *module)
{
	bare_put(module);
	CALLED;
}
EXPORT_SYMBOL(keeper_give_bare);

int keeper_handle(struct module *module, void *handle)
{
	/* On the stack, where it is gone when the handle is shown. */
	char name[] = "a keeper's own name";
	const int err =
	    tn_handle_get != NULL ? tn_handle_get(module, name, handle) : -38;

	CALLED;
	return err;
}
EXPORT_SYMBOL(keeper_handle);

static int __init keeper_init(void)
{
	struct module *module = (struct module *)target;

	for (unsigned int i = 0; i < times && module != NULL; i++)
		if (!try_module_get(module))
			return -FAILS;
	return fail ? -FAILS : 0;
}
module_init(keeper_init);

static void __exit keeper_exit(void)
{
}
module_exit(keeper_exit);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("takes references and gives none back");
