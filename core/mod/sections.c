/* SPDX-License-Identifier: MIT */
/*
 * Which input sections are loaded, and into which part of the image. The
 * rules are Linux's for module files: flags decide, and a few names stand for
 * what flags cannot say.
 */
#include "load.h"

#include <base/string.h>

#define MODINFO ".modinfo"

/* What a section's name says of it. */
enum role {
	ROLE_NONE,
	ROLE_INIT,       /* freed after init */
	ROLE_LEFT_OUT,   /* read by the engine, of no use in the image */
	ROLE_READ_ONLY,  /* written by the loader alone */
	ROLE_AFTER_INIT, /* read-only after init */
	ROLE_NEVER_RUN,  /* functions that nobody would call */
};

static unsigned part_of(const struct elf_shdr *sh, enum role role)
{
	const bool init = role == ROLE_INIT;

	if ((sh->sh_flags & SHF_EXECINSTR) != 0)
		return init ? TN_INIT_TEXT : TN_TEXT;
	if ((sh->sh_flags & SHF_WRITE) == 0)
		return init ? TN_INIT_RODATA : TN_RODATA;
	if (role == ROLE_AFTER_INIT)
		return TN_RO_AFTER_INIT;
	if (role == ROLE_READ_ONLY)
		return TN_RODATA;
	return init ? TN_INIT_DATA : TN_DATA;
}

static int fail_unsupported(struct tn_load *l, uint32_t i, const char *what)
{
	struct tn_diag *d = l->diag;

	(void)load_fail_section(l, TN_REASON_UNSUPPORTED, i);
	(void)str_copy(d->other, sizeof(d->other), what);
	return d->error;
}

/*
 * The role that its name gives section @i. Those with a whole name are
 * looked up by it later, so a second one would be lost without a word.
 */
static int take_role(
    struct tn_load *l, uint32_t i, const char *name, enum role *role)
{
	static const struct {
		const char *name;
		bool is_whole; /* else names begin with it */
		uint8_t role;
	} names[] = {
		{ ".init.", false, ROLE_INIT },
		{ MODINFO, true, ROLE_LEFT_OUT },
		{ "__versions", true, ROLE_LEFT_OUT },
		{ "__ksymtab", true, ROLE_NONE },
		{ "__ksymtab_gpl", true, ROLE_NONE },
		{ "__ksymtab_strings", true, ROLE_NONE },
		{ "__kcrctab", true, ROLE_NONE },
		{ "__kcrctab_gpl", true, ROLE_NONE },
		{ ".note.", false, ROLE_LEFT_OUT },
		{ ".data.rel.ro", false, ROLE_READ_ONLY },
		{ "__tenon_param", true, ROLE_READ_ONLY },
		{ ".preinit_array", false, ROLE_READ_ONLY },
		{ ".init_array", false, ROLE_READ_ONLY },
		{ ".fini_array", false, ROLE_READ_ONLY },
		{ ".data..ro_after_init", false, ROLE_AFTER_INIT },
		{ ".ctors", false, ROLE_NEVER_RUN },
		{ ".dtors", false, ROLE_NEVER_RUN },
	};
	*role = ROLE_NONE;
	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		if (names[k].is_whole ? !str_eq(name, names[k].name)
				      : !str_begins(name, names[k].name))
			continue;
		*role = (enum role)names[k].role;
		return names[k].is_whole && !l->offline &&
			       elf_section_find(&l->elf, name) != i
			   ? fail_unsupported(
				 l, i, "a second section of this name")
			   : 0;
	}
	return 0;
}

static bool is_function_table(const struct elf_shdr *sh)
{
	return sh->sh_type == SHT_INIT_ARRAY || sh->sh_type == SHT_FINI_ARRAY ||
	       sh->sh_type == SHT_PREINIT_ARRAY;
}

static int classify(struct tn_load *l, uint32_t i)
{
	const struct elf_shdr *sh = &l->elf.sections[i];
	const char *name = elf_section_name(&l->elf, i);
	struct section *sec = &l->sections[i];
	enum role role;
	int err;

	sec->part = NO_PART;
	/* .modinfo is read whatever its flags say, by everybody. */
	if (((sh->sh_flags & SHF_ALLOC) == 0 || sh->sh_type == SHT_NULL) &&
	    !str_eq(name, MODINFO))
		return 0;
	err = take_role(l, i, name, &role);
	if (err != 0 || role == ROLE_LEFT_OUT)
		return err;
	if ((sh->sh_flags & SHF_TLS) != 0)
		return fail_unsupported(l, i, "thread-local storage");
	if (role == ROLE_NEVER_RUN && !l->offline)
		return fail_unsupported(
		    l, i, "a table of constructors from before .init_array");
	if ((sh->sh_flags & SHF_COMPRESSED) != 0)
		return fail_unsupported(l, i, "a compressed loaded section");
	if ((sh->sh_flags & SHF_WRITE) != 0 &&
	    (sh->sh_flags & SHF_EXECINSTR) != 0) {
		(void)fail_unsupported(
		    l, i, "a section that is writable and executable");
		l->diag->reason = TN_REASON_WRITABLE_TEXT;
		return l->diag->error;
	}
	if (sh->sh_size > INT32_MAX)
		return fail_unsupported(l, i, "a section of 2 GiB or more");
	sec->part = (uint8_t)part_of(sh, role);
	if (is_function_table(sh) && sh->sh_size % 8 != 0)
		return fail_unsupported(
		    l, i, "a table that is no whole number of functions");
	if (sh->sh_type == SHT_FINI_ARRAY && sec->part >= TN_INIT_TEXT)
		return fail_unsupported(
		    l, i, "a destructor table that is freed after init");
	sec->size = sh->sh_size;
	return 0;
}

/* Ties a relocation table to the section that it changes. */
static int link_table(struct tn_load *l, uint32_t i)
{
	const struct elf_shdr *sh = &l->elf.sections[i];
	const uint32_t target = sh->sh_info;

	if (sh->sh_type != SHT_RELA && sh->sh_type != SHT_REL &&
	    sh->sh_type != SHT_RELR && sh->sh_type != SHT_CREL)
		return 0;
	if (target == 0 || target >= l->nsections ||
	    l->sections[target].part == NO_PART)
		return 0;
	if (sh->sh_type != SHT_RELA)
		return fail_unsupported(
		    l, i, "a relocation table that is not RELA (REL, CREL)");
	if (sh->sh_link != l->symtab.section)
		return fail_unsupported(
		    l, i, "a relocation table with another symbol table");
	if (l->sections[target].rela != 0)
		return fail_unsupported(
		    l, i, "a second relocation table for one section");
	if (l->elf.sections[target].sh_type == SHT_NOBITS)
		return fail_unsupported(
		    l, i, "a relocation table for a section without bytes");
	l->sections[target].rela = i;
	return 0;
}

int load_sections(struct tn_load *l)
{
	int err = 0;

	l->nsections = l->elf.nsections;
	l->sections = load_table(l, l->nsections, sizeof(*l->sections));
	if (l->sections == NULL)
		return l->diag->error;
	for (uint32_t i = 0; i < l->nsections && err == 0; i++)
		err = classify(l, i);
	for (uint32_t i = 1; i < l->nsections && err == 0; i++)
		err = link_table(l, i);
	return err;
}
