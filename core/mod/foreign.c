/* SPDX-License-Identifier: MIT */
/*
 * Modules of another shape: see <tenon/foreign.h>.
 *
 * Such a load is a load like any other, with two stages exchanged: the bytes of
 * a shared object are not copied but mapped by the caller, and the entry points
 * are the caller's functions, which the hooks of the generation lead to. What
 * is mapped elsewhere is described by the same parts, so that names, parameters
 * and addresses are found in it, but the port is never asked about it.
 */
#include "foreign.h"

#include <base/format.h>
#include <base/string.h>

#include "deprecated.h"
#include "load.h"

#define FOREIGN_ABI 1u

struct tn_foreign_load {
	struct tn_load *load;
};

/* --- what the caller's functions say */

int tn_foreign_fail(struct tn_foreign_load *load, int error,
    enum tn_reason reason, const char *other)
{
	(void)load_fail_other(load->load, reason, other);
	return load->load->diag->error = error;
}

void tn_foreign_note(struct tn_foreign_load *load, const char *text)
{
	load_note(load->load, text);
}

int tn_foreign_needs(struct tn_foreign_load *load, struct tn_module *provider)
{
	struct tn_load *l = load->load;
	int err;

	registry_lock(l->sys);
	do
		err = load_hold_locked(l, provider);
	while (err == LOAD_MUST_WAIT);
	registry_unlock(l->sys);
	return err;
}

/* --- references */

bool tn_foreign_get(struct tn_module *mod)
{
	return tn_target_get(&mod->target);
}

void tn_foreign_put(struct tn_module *mod)
{
	tn_target_put(&mod->target);
}

/* --- mapping */

static enum tn_part_kind kind_of(uint32_t flags)
{
	if ((flags & PF_X) != 0)
		return TN_TEXT;
	return (flags & PF_W) != 0 ? TN_DATA : TN_RODATA;
}

/* The parts of an image that lies where @base says; those of a port have
   pages, these have the bytes of their segments. */
static int describe(struct tn_load *l, uint64_t base)
{
	for (uint32_t i = 0; i < l->elf.nsegments; i++) {
		const struct elf_phdr *ph = &l->elf.segments[i];

		if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
			continue;
		if (l->image.nparts == TN_MAX_PARTS)
			return load_fail_other(
			    l, TN_REASON_UNSUPPORTED, "so many segments");
		l->image.part[l->image.nparts++] = (struct tn_part){
			.kind = (uint8_t)kind_of(ph->p_flags),
			.size = (size_t)ph->p_memsz,
			.addr = base + ph->p_vaddr,
		};
	}
	return 0;
}

/* Has the table of this section been mapped, where its header says? */
static bool is_mapped(
    const struct tn_load *l, uint64_t base, const struct elf_shdr *sh)
{
	return sh->sh_addr != 0 && image_part_with(&l->image,
				       base + sh->sh_addr, sh->sh_size) != NULL;
}

/* For tn_module_symbol. A dynamic linker does not read section headers. */
static int keep_symbols(struct tn_load *l, uint64_t base)
{
	const struct elf_shdr *tab = &l->elf.sections[l->symtab.section];

	if (l->symtab.n == 0 || tab->sh_addr % 8 != 0 ||
	    !is_mapped(l, base, tab) ||
	    !is_mapped(l, base, &l->elf.sections[tab->sh_link]))
		return 0;
	return dyn_keep(l, base + tab->sh_addr,
	    base + l->elf.sections[tab->sh_link].sh_addr);
}

static int map(struct tn_load *l)
{
	const struct tn_foreign *f = l->shape->foreign;
	struct tn_foreign_image image = { 0, 0 };
	struct tn_foreign_load self = { l };
	int err;

	l->stage = TN_STAGE_ALLOC;
	err = f->map(f->ctx, &self, l->bytes.p, l->bytes.n, &image);
	if (err != 0)
		return err;
	l->gen->foreign = f;
	l->gen->is_mapped = true;
	l->gen->base = image.base;
	l->table = image.table;
	err = describe(l, image.base);
	return err != 0 ? err : keep_symbols(l, image.base);
}

/* --- entry points */

static int run_init(struct tn_module *mod)
{
	const struct tn_foreign *f = mod->gen->foreign;

	return f->init(f->ctx);
}

static void run_exit(struct tn_module *mod)
{
	const struct tn_foreign *f = mod->gen->foreign;

	f->exit(f->ctx);
}

static int fail_table(struct tn_load *l)
{
	const struct tn_foreign *f = l->shape->foreign;
	char what[128];

	(void)text_format(what, sizeof(what),
	    "a %s that is no object of %lu bytes", f->symbol,
	    (unsigned long)f->table_size);
	return load_fail_other(l, TN_REASON_UNSUPPORTED, what);
}

/* The symbol's address in an object that the engine has linked, if any. */
static int find_table(struct tn_load *l)
{
	const struct tn_foreign *f = l->shape->foreign;

	for (uint32_t i = 1; i < l->symtab.n; i++) {
		const struct elf_sym *s = &l->symtab.syms[i];

		if (s->st_shndx == SHN_UNDEF || elf_sym_bind(s) == STB_LOCAL ||
		    (l->symbols[i].flags & SYM_UNUSABLE) != 0 ||
		    !str_eq(load_symbol_name(l, i), f->symbol))
			continue;
		l->table = l->symbols[i].value;
		return elf_sym_type(s) == STT_OBJECT &&
			       s->st_size >= f->table_size
			   ? 0
			   : fail_table(l);
	}
	return 0;
}

static int take(struct tn_load *l)
{
	const struct tn_foreign *f = l->shape->foreign;
	struct tn_foreign_load self = { l };
	struct generation *gen = l->gen;

	if (gen->hook[HOOK_INIT] != 0 || gen->hook[HOOK_EXIT] != 0)
		return load_fail_other(l, TN_REASON_OPS,
		    "init_module or cleanup_module beside a foreign table");
	const int err = gen->is_mapped ? 0 : find_table(l);

	if (err != 0)
		return err;
	/* Of another image that this one needs, or of the program, is none. */
	if (l->table == 0 || image_part_with(&l->image, l->table, 1) == NULL)
		return load_fail_import(l, TN_REASON_NO_TABLE, f->symbol, "");
	if (image_part_with(&l->image, l->table, f->table_size) == NULL)
		return fail_table(l);
	gen->foreign = f;
	gen->has_ops = true;
	gen->hook[HOOK_INIT] = (uintptr_t)run_init;
	gen->hook[HOOK_EXIT] = (uintptr_t)run_exit;
	if (gen->is_mapped)
		gen->taints = 0; /* these bits are about module files */
	return f->take(f->ctx, &self, l->mod, (void *)(uintptr_t)l->table);
}

/* --- the call */

int tn_load_foreign(struct tn_system *sys, const struct tn_load_args *args,
    const struct tn_foreign *foreign, struct tn_module **out,
    struct tn_diag *diag)
{
	const struct load_shape shape = { foreign, map, take };

	if (foreign->size == sizeof(*foreign) && foreign->abi == FOREIGN_ABI)
		return load_run(sys, args, &shape, out, diag);
	return diag != NULL
		   ? diag_fail(diag, TN_STAGE_SOURCE, TN_REASON_BAD_ARGUMENT,
			 "", "size or abi of struct tn_foreign")
		   : -TN_EINVAL;
}
