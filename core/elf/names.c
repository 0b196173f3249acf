/* SPDX-License-Identifier: MIT */
/*
 * Hash tables of dynamic symbols (gABI chapter 5; DT_GNU_HASH as GNU ld makes
 * it). The table is the one that the symbols were counted by, so it names no
 * other; its extent is checked once, and no chain is followed for longer than
 * there are symbols.
 *
 *	DT_HASH      nbucket, nchain | bucket.. | chain: next symbol, by symbol
 *	DT_GNU_HASH  nbucket, first, nbloom, shift | bloom.. | bucket.. |
 *	             chain: hash of symbol first + i, bit 0: the last of it
 */
#include <elf/names.h>

#include <base/hash.h>

static uint32_t word(const uint8_t *table, uint32_t i)
{
	return get_le32(table + (size_t)i * 4);
}

/* --- opening */

static void open_table(struct elf_names *t, const struct elf_file *file,
    uint64_t addr, uint64_t head)
{
	const uint64_t buckets = (uint64_t)t->nbuckets * 4;
	const uint64_t chains = (uint64_t)(t->symtab.n - t->first) * 4;
	struct span s;

	if (t->first > t->symtab.n ||
	    !elf_image_bytes(file, addr, head + buckets + chains, &s)) {
		t->nbuckets = 0;
		return;
	}
	t->buckets = s.p + head;
	t->chains = s.p + head + buckets;
}

void elf_names_open(struct elf_names *names, const struct elf_file *file,
    const struct elf_dynamic *dyn)
{
	const bool gnu = dyn->hash_addr == 0;
	const uint64_t addr = gnu ? dyn->gnu_hash_addr : dyn->hash_addr;
	struct span s;

	*names = (struct elf_names){ .symtab = dyn->symtab, .is_gnu = gnu };
	if (addr == 0 || !elf_image_bytes(file, addr, gnu ? 16 : 8, &s))
		return;
	names->nbuckets = word(s.p, 0);
	names->first = gnu ? word(s.p, 1) : 0;
	open_table(
	    names, file, addr, gnu ? 16 + (uint64_t)word(s.p, 2) * 8 : 8);
}

/* --- finding */

/* What is looked for. */
struct name {
	const char *text;
	size_t length;
	uint32_t hash;
};

static bool is_called(
    const struct elf_names *t, uint32_t i, const struct name *name)
{
	const char *its = elf_symtab_name(&t->symtab, i);

	return its != NULL && hash_name_equals(its, name->text, name->length);
}

static struct name gnu_name(const char *text)
{
	struct name name = { text, 0, 5381 };

	for (; text[name.length] != '\0'; name.length++)
		name.hash = name.hash * 33 + (uint8_t)text[name.length];
	return name;
}

static uint32_t find_gnu(const struct elf_names *t, const char *text)
{
	const struct name name = gnu_name(text);
	uint32_t i = word(t->buckets, name.hash % t->nbuckets);

	for (; i >= t->first && i < t->symtab.n; i++) {
		const uint32_t its = word(t->chains, i - t->first);

		if ((its ^ name.hash) <= 1 && is_called(t, i, &name))
			return i;
		if ((its & 1) != 0)
			break;
	}
	return 0;
}

static struct name sysv_name(const char *text)
{
	struct name name = { text, 0, 0 };

	for (; text[name.length] != '\0'; name.length++) {
		const uint32_t h =
		    (name.hash << 4) + (uint8_t)text[name.length];

		name.hash = (h ^ ((h >> 24) & 0xf0)) & 0x0fffffff;
	}
	return name;
}

static uint32_t find_sysv(const struct elf_names *t, const char *text)
{
	const struct name name = sysv_name(text);
	uint32_t i = word(t->buckets, name.hash % t->nbuckets);

	for (uint32_t left = t->symtab.n; left > 0; left--) {
		if (i == 0 || i >= t->symtab.n || is_called(t, i, &name))
			break;
		i = word(t->chains, i);
	}
	return i;
}

const struct elf_sym *elf_names_find(
    const struct elf_names *names, const char *name)
{
	uint32_t i;

	if (names->nbuckets == 0)
		return NULL;
	i = names->is_gnu ? find_gnu(names, name) : find_sysv(names, name);
	return i != 0 && i < names->symtab.n ? &names->symtab.syms[i] : NULL;
}
