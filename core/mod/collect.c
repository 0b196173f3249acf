/* SPDX-License-Identifier: MIT */
/*
 * What the finished image says of itself: entry points, constructors, and the
 * export tables (docs/module-format.md). Everything is read from the relocated
 * bytes and checked again: a relocation may have put any address there.
 */
#include "load.h"

#include <base/sort.h>
#include <base/string.h>
#include <elf/tables.h>

#include "metadata.h"

/* --- entry points */

/* init may be freed after it has run, the others stay. */
static int take_hook(
    struct tn_load *l, enum hook hook, uint64_t addr, const char *name)
{
	l->gen->hook[hook] = addr;
	return load_is_text(l, addr, hook != HOOK_INIT)
		   ? 0
		   : load_fail_import(l, TN_REASON_ENTRY, name, "");
}

static int take_entry(struct tn_load *l, enum hook hook, uint32_t symbol)
{
	return symbol == 0 ? 0
			   : take_hook(l, hook, l->symbols[symbol].value,
				 load_symbol_name(l, symbol));
}

static int fail_ops(struct tn_load *l, const char *what)
{
	return load_fail_other(l, TN_REASON_OPS, what);
}

/* struct module_ops of <tenon/module_ops.h>: two numbers, then functions. */
#define OPS_ABI  1u
#define OPS_HEAD 8u

static const char *const ops_names[HOOKS] = { "init", "start", "stop",
	"cleanup", "quiesce", "resume", "save_state", "restore_state" };

/* __tenon_module_ops is a pointer to the table, both in the image. */
static int take_ops(struct tn_load *l)
{
	const uint8_t *at =
	    load_image_at(l, l->symbols[l->ops_symbol].value, 8);
	uint64_t table = 0;
	uint32_t size;
	int err = 0;

	if (l->init_symbol != 0 || l->exit_symbol != 0)
		return fail_ops(l, "init_module or cleanup_module beside it");
	if (at != NULL) {
		table = get_le64(at);
		at = load_image_at(l, table, OPS_HEAD);
	}
	if (at == NULL)
		return fail_ops(l, "it lies outside the module");
	size = get_le32(at);
	if (get_le32(at + 4) != OPS_ABI)
		return fail_ops(l, "its abi is unknown");
	if (load_image_at(l, table, size) == NULL || size % 8 != 0 ||
	    size < OPS_HEAD)
		return fail_ops(l, "its size is wrong");
	for (unsigned i = 0; i < HOOKS && err == 0; i++) {
		if (size < OPS_HEAD + (i + 1) * 8)
			break;
		const uint64_t addr = get_le64(at + OPS_HEAD + (size_t)i * 8);

		if (addr != 0)
			err = take_hook(l, (enum hook)i, addr, ops_names[i]);
	}
	l->gen->has_ops = true;
	return err;
}

static int take_entries(struct tn_load *l)
{
	int err;

	if (l->ops_symbol != 0)
		return take_ops(l);
	err = take_entry(l, HOOK_INIT, l->init_symbol);
	return err != 0 ? err : take_entry(l, HOOK_EXIT, l->exit_symbol);
}

/* --- constructors and destructors */

struct array {
	uint32_t section;
	uint32_t priority;
};

/* ".init_array.00101" has priority 101; one without a number comes last. */
static uint32_t array_priority(const char *name)
{
	uint32_t n = 0;

	while (*name != '\0' && (*name < '0' || *name > '9'))
		name++;
	if (*name == '\0')
		return UINT32_MAX;
	for (; *name >= '0' && *name <= '9' && n < 65536; name++)
		n = n * 10 + (uint32_t)(*name - '0');
	return n;
}

static bool runs_before(const void *a, const void *b, const void *arg)
{
	const struct array *x = a, *y = b;

	(void)arg;
	return x->priority != y->priority ? x->priority < y->priority
					  : x->section < y->section;
}

static uint32_t find_arrays(struct tn_load *l, uint32_t type, struct array *out)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < l->nsections; i++)
		if (l->elf.sections[i].sh_type == type &&
		    l->sections[i].part != NO_PART)
			out[n++] = (struct array){ i,
				array_priority(elf_section_name(&l->elf, i)) };
	heap_sort(out, n, sizeof(*out), runs_before, NULL);
	return n;
}

static void add_ranges(struct tn_load *l, const struct array *arrays,
    uint32_t n, struct image_range *out)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct section *sec = &l->sections[arrays[i].section];

		out[i] = (struct image_range){ sec->addr, sec->size / 8 };
	}
}

static int take_arrays(struct tn_load *l)
{
	const uint32_t max = l->nsections;
	struct generation *gen = l->gen;
	struct array *a = load_table(l, 2 * (uint64_t)max, sizeof(*a));

	if (a == NULL)
		return l->diag->error;
	uint32_t ninit = find_arrays(l, SHT_PREINIT_ARRAY, a);

	ninit += find_arrays(l, SHT_INIT_ARRAY, a + ninit);
	const uint32_t nfini = find_arrays(l, SHT_FINI_ARRAY, a + ninit);

	if (ninit + nfini != 0) {
		gen->arrays =
		    load_memory(l, (ninit + nfini) * sizeof(*gen->arrays));
		if (gen->arrays != NULL) {
			add_ranges(l, a, ninit + nfini, gen->arrays);
			gen->ninit_arrays = ninit;
			gen->nfini_arrays = nfini;
		}
	}
	tables_drop(&l->tables, a);
	return ninit + nfini == 0 || gen->arrays != NULL ? 0 : l->diag->error;
}

/* --- exports */

/* One table: its entries, and CRCs in the same order when there are any. */
struct table {
	uint64_t addr;        /* of the entries */
	const uint8_t *bytes; /* theirs, readable before the image is sealed */
	uint32_t section;
	uint32_t n;
	uint32_t flags;
	uint32_t entry_size; /* 12: three PREL32 words; 24: three addresses */
	const uint8_t *crcs;
};

static int fail_table(struct tn_load *l, const struct table *t, uint64_t at)
{
	(void)load_fail_section(l, TN_REASON_BAD_EXPORT, t->section);
	l->diag->offset = at;
	return l->diag->error;
}

static int open_table(
    struct tn_load *l, const char *name, const char *crc_name, struct table *t)
{
	const uint32_t i = elf_section_find(&l->elf, name);
	const uint32_t c = elf_section_find(&l->elf, crc_name);
	const struct section *entries = &l->sections[i];

	t->section = i;
	if (i == 0 || entries->part == NO_PART)
		return 0;
	t->addr = entries->addr;
	t->bytes = entries->write;
	t->entry_size = l->machine->prel_exports ? 12 : 24;
	const uint64_t n = entries->size / t->entry_size;

	if (l->elf.sections[i].sh_type == SHT_NOBITS ||
	    entries->size % t->entry_size != 0 || n > EXPORT_MAX)
		return fail_table(l, t, entries->size);
	t->n = (uint32_t)n;
	if (c == 0 || l->sections[c].part == NO_PART)
		return 0;
	if (l->sections[c].size != n * 4)
		return fail_table(l, t, 0);
	t->crcs = l->sections[c].write;
	return 0;
}

/* Word @field (0 value, 1 name, 2 namespace) of entry @i: an address or 0. */
static inline uint64_t entry_word(
    const struct table *t, uint32_t i, unsigned field)
{
	const uint64_t at = (uint64_t)i * t->entry_size;
	const uint64_t place = at + (uint64_t)field * 4;

	if (t->entry_size == 24)
		return get_le64(t->bytes + at + (size_t)field * 8);
	const int32_t delta = (int32_t)get_le32(t->bytes + place);

	return delta == 0 ? 0 : t->addr + place + (uint64_t)(int64_t)delta;
}

/* Where names may lie: up to the last NUL of the section of export strings. */
struct strings {
	uint64_t addr;
	uint64_t size;        /* its last byte is a NUL, or it is 0 */
	const uint8_t *bytes; /* readable before the image is sealed */
};

static struct strings find_strings(const struct tn_load *l)
{
	const uint32_t i = elf_section_find(&l->elf, "__ksymtab_strings");
	const struct section *sec = &l->sections[i];
	struct strings s = { 0, 0, NULL };

	/* Names are hashed again later: nobody may write them. */
	if (i == 0 || sec->part != TN_RODATA)
		return s;
	s.addr = sec->addr;
	s.size = sec->size;
	s.bytes = sec->write;
	while (s.size != 0 && s.bytes[s.size - 1] != '\0')
		s.size--;
	return s;
}

/* Does a string begin at @addr, and is it not empty? */
static bool is_string(struct strings s, uint64_t addr)
{
	return addr - s.addr < s.size && s.bytes[addr - s.addr] != '\0';
}

/* One that begins inside of another: so may all others, in the longest. */
static int count_name(struct tn_load *l, struct strings s, uint64_t addr)
{
	const uint8_t *name = s.bytes + (addr - s.addr);

	return addr == s.addr || name[-1] == '\0'
		   ? 0
		   : load_count_name(l, str_len((const char *)name));
}

static int set_namespace(struct tn_load *l, struct strings strings,
    struct export_block *b, uint32_t i, uint64_t addr)
{
	if (addr == 0)
		return 0;
	if (addr - strings.addr >= strings.size)
		return -TN_ENOEXEC;
	if (!is_string(strings, addr))
		return 0; /* "" is no namespace either */
	if (b->ns == NULL) {
		b->ns = load_memory(l, b->n * sizeof(*b->ns));
		if (b->ns == NULL)
			return l->diag->error;
	}
	b->ns[i] = (const char *)(uintptr_t)addr;
	return 0;
}

/* In a part that stays, or just behind one: a label may end a table. */
static bool is_resident(const struct tn_load *l, uint64_t addr)
{
	for (unsigned i = 0; i < l->image.nparts; i++) {
		const struct tn_part *p = &l->image.part[i];

		if (p->kind < TN_INIT_TEXT && p->size != 0 &&
		    addr - p->addr <= p->size)
			return true;
	}
	return false;
}

static int add_exports(struct tn_load *l, const struct table *table,
    struct export_block *b, uint32_t first)
{
	const struct strings strings = find_strings(l);
	const struct table t = *table; /* cannot be what the stores change */

	for (uint32_t i = 0; i < t.n; i++) {
		const uint64_t name = entry_word(&t, i, 1);
		struct export_record *rec = &b->records[first + i];
		int err;

		rec->name = (const char *)(uintptr_t)name;
		rec->value = entry_word(&t, i, 0);
		rec->crc =
		    t.crcs != NULL ? get_le32(t.crcs + (size_t)i * 4) : 0;
		rec->position = (first + i) & EXPORT_MAX;
		rec->flags = t.flags & 0xff;
		if (!is_string(strings, name) || !is_resident(l, rec->value))
			return fail_table(l, table, (uint64_t)i * t.entry_size);
		err = set_namespace(
		    l, strings, b, first + i, entry_word(&t, i, 2));
		if (err == -TN_ENOEXEC)
			return fail_table(l, table, (uint64_t)i * t.entry_size);
		if (err == 0)
			err = count_name(l, strings, name);
		if (err != 0)
			return err;
	}
	return 0;
}

/* Tells whether the records stand in the order of their addresses. */
static bool is_ordered(const struct export_block *b)
{
	uint32_t i = 1;

	while (i < b->n && b->records[i - 1].value <= b->records[i].value)
		i++;
	return i >= b->n;
}

/* Mostly they do, as compilers write them where they are defined. */
static int prepare_order(struct tn_load *l, struct export_block *b)
{
	if (is_ordered(b))
		return 0;
	b->order = load_memory(l, export_order_size(b->n));
	return b->order != NULL ? 0 : l->diag->error;
}

static int take_exports(struct tn_load *l)
{
	struct table plain = { .flags = 0 };
	struct table gpl = { .flags = TN_EXPORT_GPL };
	struct export_block *b;
	int err;

	err = open_table(l, "__ksymtab", "__kcrctab", &plain);
	if (err == 0)
		err = open_table(l, "__ksymtab_gpl", "__kcrctab_gpl", &gpl);
	if (err != 0 || plain.n + gpl.n == 0)
		return err;
	if (plain.n + gpl.n > EXPORT_MAX)
		return fail_table(l, &gpl, 0);
	b = load_memory(l, export_block_size(plain.n + gpl.n));
	if (b == NULL)
		return l->diag->error;
	l->gen->exports = b;
	b->owner = l->mod;
	b->n = plain.n + gpl.n;
	err = add_exports(l, &plain, b, 0);
	if (err == 0)
		err = add_exports(l, &gpl, b, plain.n);
	return err != 0 ? err : prepare_order(l, b);
}

int load_collect(struct tn_load *l)
{
	struct generation *gen = l->gen;
	int err;

	l->stage = TN_STAGE_PUBLISH;
	gen->profile = l->profile;
	gen->ncells = l->ncells;
	gen->nstubs = l->nstubs;
	gen->nrelocs = l->nrelocs;
	gen->taints = (l->is_gpl ? 0 : TN_TAINT_PROPRIETARY) |
		      (l->profile != TN_PROFILE_NONE ? 0 : TN_TAINT_UNMARKED);
	err = load_metadata(l);
	if (err == 0)
		err = take_entries(l);
	if (err != 0 || l->is_dyn)
		return err;
	err = take_arrays(l);
	if (err == 0)
		err = take_exports(l);
	return err;
}
