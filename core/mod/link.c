/* SPDX-License-Identifier: MIT */
/*
 * Linking offline: the stages of a load without a module at the end. The
 * struct tn_load lives on, so that the result can be asked about. The
 * questions are also answered about a load in progress, for listeners.
 */
#include "linked.h"

#include <base/string.h>

/* What tn_link makes. */
struct offline {
	struct tn_linked linked; /* first */
	struct tn_load load;
	struct tn_load_args args;
	bool is_counted; /* in sys->nlinked: the system cannot go */
};

static void count_linked(struct tn_system *sys, int step)
{
	sys->port->lock(sys->port->ctx);
	sys->nlinked += (unsigned)step;
	sys->port->unlock(sys->port->ctx);
}

int tn_link(struct tn_system *sys, const struct tn_load_args *args,
    struct tn_linked **out, struct tn_diag *diag)
{
	struct offline *o = port_alloc(sys->port, sizeof(*o));
	int err = -TN_EINVAL;

	if (o == NULL)
		return diag == NULL ? -TN_ENOMEM
				    : diag_fail_memory(
					  diag, TN_STAGE_SOURCE, sizeof(*o));
	o->linked.load = &o->load;
	if (load_begin(&o->load, sys, args, diag)) {
		o->args = *args;
		o->load.args = &o->args;
		load_go_offline(&o->load);
		err = load_source(&o->load);
	}
	if (err == 0)
		err = load_link(&o->load);
	if (err == 0) {
		count_linked(sys, 1);
		o->is_counted = true;
		*out = &o->linked;
	} else {
		tn_linked_free(&o->linked);
	}
	return err;
}

void tn_linked_free(struct tn_linked *linked)
{
	struct offline *o = (struct offline *)linked;
	const struct tn_port *port = o->load.port;

	if (o->is_counted)
		count_linked(o->load.sys, -1);
	load_release(&o->load);
	port_free(port, o, sizeof(*o));
}

void tn_linked_file(const struct tn_linked *linked, struct tn_linked_file *out)
{
	const struct elf_ehdr *eh = linked->load->elf.ehdr;

	*out = (struct tn_linked_file){
		.machine = eh->e_machine,
		.eflags = eh->e_flags,
		.is_shared = linked->load->is_dyn,
		.nsymbols = linked->load->symtab.n,
		.data = linked->load->bytes.p,
		.data_size = linked->load->bytes.n,
	};
}

const struct tn_image *tn_linked_image(const struct tn_linked *linked)
{
	return &linked->load->image;
}

/* ELF's words for what a part is. */
static uint64_t part_flags(unsigned kind)
{
	switch (kind) {
	case TN_TEXT:
	case TN_INIT_TEXT: return SHF_ALLOC | SHF_EXECINSTR;
	case TN_RODATA:
	case TN_INIT_RODATA: return SHF_ALLOC;
	default: return SHF_ALLOC | SHF_WRITE;
	}
}

static bool next_part(
    const struct tn_load *l, uint32_t *at, struct tn_linked_section *out)
{
	if (*at >= l->image.nparts)
		return false;
	const struct tn_part *p = &l->image.part[(*at)++];

	*out = (struct tn_linked_section){
		.name = ".tenon.part",
		.type = SHT_PROGBITS,
		.flags = part_flags(p->kind),
		.align = p->align,
		.addr = p->addr,
		.size = p->size,
		.bytes = p->write,
		.part = (enum tn_part_kind)p->kind,
	};
	return true;
}

bool tn_linked_section(
    const struct tn_linked *linked, uint32_t *at, struct tn_linked_section *out)
{
	const struct tn_load *l = linked->load;

	if (l->is_dyn)
		return next_part(l, at, out);
	for (uint32_t i = *at + 1; i < l->nsections; i++) {
		const struct section *sec = &l->sections[i];
		const struct elf_shdr *sh = &l->elf.sections[i];

		if (sec->part == NO_PART)
			continue;
		*at = i;
		*out = (struct tn_linked_section){
			.index = i,
			.name = elf_section_name(&l->elf, i),
			.type = sh->sh_type,
			.flags = sh->sh_flags,
			.align = sh->sh_addralign,
			.addr = sec->addr,
			.size = sec->size,
			.bytes = sh->sh_type == SHT_NOBITS ? NULL : sec->write,
			.part = (enum tn_part_kind)sec->part,
		};
		return true;
	}
	return false;
}

bool tn_linked_extra(const struct tn_linked *linked, enum tn_linked_extra which,
    struct tn_linked_section *out)
{
	const struct tn_load *l = linked->load;

	*out =
	    (struct tn_linked_section){ .type = SHT_PROGBITS, .part = TN_DATA };
	switch (which) {
	case TN_LINKED_STUBS:
		out->name = ".tenon.stubs";
		out->part = TN_TEXT;
		out->align = l->machine->stub_align;
		out->addr = l->stubs_addr;
		out->size = (uint64_t)l->nstubs * l->machine->stub_size;
		out->bytes = l->stubs_write;
		break;
	case TN_LINKED_GOT:
		out->name = ".tenon.got";
		out->align = 8;
		out->addr = l->cells_addr;
		out->size = (uint64_t)l->ncells * 8;
		out->bytes = l->cells_write;
		break;
	default:
		out->name = ".tenon.common";
		out->type = SHT_NOBITS;
		out->align = l->common_align;
		out->addr = l->common_addr;
		out->size = l->common_size;
		break;
	}
	out->flags = part_flags(out->part);
	return out->size != 0;
}

bool tn_linked_ref(
    const struct tn_linked *linked, uint32_t i, struct tn_linked_ref *out)
{
	const struct tn_load *l = linked->load;

	if (i >= l->nrefs)
		return false;
	const struct ref *ref = &l->refs[i];

	out->symbol = load_symbol_name(l, ref->symbol);
	if (*out->symbol == '\0') {
		load_symbol_label(
		    l, ref->symbol, out->label, sizeof(out->label));
		out->symbol = out->label;
	}
	out->addend = ref->addend;
	out->cell_addr =
	    (ref->flags & REF_CELL) != 0 ? ref_cell_addr(l, ref) : 0;
	out->stub_addr =
	    (ref->flags & REF_STUB) != 0 ? ref_stub_addr(l, ref) : 0;
	return true;
}

bool tn_linked_symbol(
    const struct tn_linked *linked, uint32_t i, struct tn_linked_symbol *out)
{
	const struct tn_load *l = linked->load;

	if (i >= l->symtab.n)
		return false;
	const struct elf_sym *s = &l->symtab.syms[i];

	*out = (struct tn_linked_symbol){
		.name = load_symbol_name(l, i),
		.value = l->symbols[i].value,
		.size = s->st_size,
		.info = s->st_info,
		.other = s->st_other,
		.is_common = s->st_shndx == SHN_COMMON,
		.is_absolute = s->st_shndx == SHN_ABS,
	};
	if (!elf_symtab_is_reserved(&l->symtab, i))
		out->section = elf_symtab_section(&l->symtab, i);
	if (!l->is_dyn && out->section != 0 && out->section < l->nsections) {
		const struct section *sec = &l->sections[out->section];

		/* what has been deleted inside of it makes it shorter */
		out->size = shrink_map(l, sec, s->st_value + s->st_size) -
			    shrink_map(l, sec, s->st_value);
	}
	return true;
}

bool tn_linked_shrink(const struct tn_linked *linked, uint32_t section,
    uint32_t i, uint64_t *offset, uint64_t *count)
{
	const struct tn_load *l = linked->load;

	if (l->is_dyn || section >= l->nsections ||
	    i >= l->sections[section].nshrink)
		return false;
	const struct shrink *s = &l->shrinks[l->sections[section].shrink + i];

	*offset = s->at;
	*count = s->count;
	return true;
}

void tn_linked_relaxed(const struct tn_linked *linked,
    void (*fn)(void *arg, uint32_t section, uint64_t offset, const char *type),
    void *arg)
{
	const struct tn_load *l = linked->load;

	for (uint32_t i = 1; !l->is_dyn && i < l->nsections; i++) {
		const struct rela_table t = load_rela(l, i);

		for (uint32_t j = 0; j < t.n; j++) {
			const struct elf_rela *r = &t.rela[j];
			const uint32_t type = elf_rela_type(r);
			const struct reloc_howto *how =
			    reloc_find(l->machine, type);

			if (reloc_is_got(how) &&
			    ref_is_direct(refs_known(l, elf_rela_sym(r),
				reloc_ref_addend(l, how, r))))
				fn(arg, i, r->r_offset,
				    reloc_name(l->machine, type));
		}
	}
}
