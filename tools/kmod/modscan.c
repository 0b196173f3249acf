/* SPDX-License-Identifier: MIT */
/*
 * What a module file tells depmod: see modscan.h.
 *
 *	exports    symbols __crc_NAME, or else the strings of __ksymtab_strings
 *	imports    undefined symbols, and what only __versions names
 *	aliases    alias=TEXT of .modinfo; soft dependencies: softdep=TEXT
 */
#include "modscan.h"

#include <string.h>

#include <tenon/err.h>

#include "names.h"

#define CRC_PREFIX    "__crc_"
#define CRC_LENGTH    (sizeof(CRC_PREFIX) - 1)
#define VERSION_ENTRY 64u /* of __versions: CRC and name */
#define VERSION_CRC   8u
#define VERSION_NAME  56u

int modscan_init(struct modscan *s, uint64_t seed, bool detailed)
{
	*s = (struct modscan){ .seed = seed, .detailed = detailed };
	return modread_init(&s->read);
}

void modscan_fini(struct modscan *s)
{
	modread_fini(&s->read);
	arena_free(&s->arena);
	buffer_free(&s->texts);
	buffer_free(&s->hashes);
	buffer_free(&s->details);
	buffer_free(&s->seen);
}

/* --- collecting */

static void add_text(
    struct modscan *s, enum facts_kind kind, const char *text, size_t n)
{
	buffer_add(&s->texts, text, n);
	buffer_char(&s->texts, '\0');
	s->facts.n[kind]++;
}

struct name {
	const char *text;
	size_t length;
	uint32_t hash;
};

static struct name name_hashed(const struct modscan *s, const char *text)
{
	struct name name = { .text = text };

	name.hash = (uint32_t)hash_name_length(text, s->seed, &name.length);
	return name;
}

static void add_symbol(struct modscan *s, enum facts_kind kind,
    struct name name, const struct symbol_detail *detail)
{
	add_text(s, kind, name.text, name.length);
	buffer_add(&s->hashes, &name.hash, sizeof(name.hash));
	if (s->detailed)
		buffer_add(&s->details, detail, sizeof(*detail));
}

/* What comes is of this kind. */
static void begin(struct modscan *s, enum facts_kind kind)
{
	s->facts.at[kind] = (uint32_t)s->texts.n;
}

/* --- symbol tables */

struct symbols {
	struct span table, names; /* the names end with a NUL */
	size_t n;
	struct modread_sections sections;
};

static struct elf_sym symbol_at(const struct symbols *y, size_t i)
{
	struct elf_sym sym;

	memcpy(&sym, y->table.p + i * sizeof(sym), sizeof(sym));
	return sym;
}

static int bad(struct modscan *s, const char *what, uint64_t at)
{
	s->read.why = (struct modread_why){ what, at };
	return -TN_EINVAL;
}

/* -TN_ENOENT: the file has no symbols. */
static int symbols_open(struct modscan *s, struct symbols *y)
{
	int err = modread_section(&s->read, &y->sections, ".strtab", &y->names);

	if (!err)
		err = modread_section(
		    &s->read, &y->sections, ".symtab", &y->table);
	if (err)
		return err;
	if (y->names.n == 0 || y->names.p[y->names.n - 1] != '\0')
		return bad(s, "has symbol names without an end", y->names.n);
	if (y->table.n % sizeof(struct elf_sym) != 0)
		return bad(s, "has a symbol table of odd size", y->table.n);
	y->n = y->table.n / sizeof(struct elf_sym);
	return 0;
}

/* --- exports */

/* The CRC that @sym stands for: its value, or the word in its section. */
static uint64_t crc_of(
    struct modscan *s, const struct symbols *y, const struct elf_sym *sym)
{
	struct elf_shdr sh;
	struct span section, word;

	if (sym->st_shndx == SHN_ABS || sym->st_shndx == SHN_UNDEF)
		return sym->st_value;
	if (sym->st_shndx >= y->sections.n)
		return UINT64_MAX;
	memcpy(
	    &sh, y->sections.headers + sym->st_shndx * sizeof(sh), sizeof(sh));
	if (!span_sub(s->read.bytes, sh.sh_offset, sh.sh_size, &section) ||
	    !span_sub(section, sym->st_value, 4, &word) ||
	    modread_bytes(&s->read, sh.sh_offset + sym->st_value, 4, &word) !=
		0)
		return UINT64_MAX;
	return get_le32(word.p);
}

static void export_by_crc(
    struct modscan *s, const struct symbols *y, size_t i, const char *name)
{
	const struct elf_sym sym = symbol_at(y, i);
	struct symbol_detail detail = { 0 };

	if (s->detailed)
		detail.crc = crc_of(s, y, &sym);
	add_symbol(
	    s, FACTS_EXPORTS, name_hashed(s, name + CRC_LENGTH), &detail);
}

static int scan_crcs(struct modscan *s, const struct symbols *y)
{
	for (size_t i = 1; i < y->n; i++) {
		const uint8_t *const p =
		    y->table.p + i * sizeof(struct elf_sym);
		const uint32_t at = get_le32(p);

		if (at >= y->names.n)
			return bad(
			    s, "has a symbol name outside its table", at);
		if (strncmp((const char *)y->names.p + at, CRC_PREFIX,
			CRC_LENGTH) == 0)
			export_by_crc(s, y, i, (const char *)y->names.p + at);
	}
	return 0;
}

/* Strings with any number of NULs between; what has no end is no string. */
static const char *next_string(struct span *rest, size_t *length)
{
	while (rest->n != 0 && *rest->p == '\0') {
		rest->p++;
		rest->n--;
	}
	const char *const text = (const char *)rest->p;
	const uint8_t *const end =
	    rest->n != 0 ? memchr(rest->p, '\0', rest->n) : NULL;

	if (end == NULL)
		return NULL;
	*length = (size_t)(end - rest->p);
	rest->p += *length + 1;
	rest->n -= *length + 1;
	return text;
}

static int scan_strings(struct modscan *s, const struct symbols *y)
{
	static const struct symbol_detail none;
	struct span rest;
	const char *name;
	size_t n;
	int err =
	    modread_section(&s->read, &y->sections, "__ksymtab_strings", &rest);

	if (err)
		return err == -TN_ENOENT ? 0 : err;
	while ((name = next_string(&rest, &n)) != NULL)
		add_symbol(s, FACTS_EXPORTS, name_hashed(s, name), &none);
	return 0;
}

/* --- imports */

/* An entry of __versions that a hash leads to. */
struct version_slot {
	uint32_t hash;
	uint32_t entry; /* its number, and 1; 0: free */
	bool is_used;   /* by an undefined symbol */
};

struct versions {
	struct span entries;
	size_t n;
	struct version_slot *slots;
	size_t mask;
};

/* NULL: the entry has no end. */
static const char *version_name(const struct versions *v, size_t i)
{
	const uint8_t *const entry = v->entries.p + i * VERSION_ENTRY;

	if (memchr(entry + VERSION_CRC, '\0', VERSION_NAME) == NULL)
		return NULL;
	return (const char *)entry + VERSION_CRC;
}

/* The slot of @name, or the free one where it would be. */
static struct version_slot *version_slot(
    const struct versions *v, const char *name, uint32_t hash)
{
	size_t i = hash;

	for (;; i++) {
		struct version_slot *const slot = &v->slots[i & v->mask];

		if (slot->entry == 0)
			return slot;
		if (slot->hash == hash &&
		    strcmp(version_name(v, slot->entry - 1), name) == 0)
			return slot;
	}
}

/*
 * Of entries with one name the first one counts. After -TN_EINVAL and so on
 * there are none; after -TN_ENOMEM not even slots.
 */
static int versions_open(struct modscan *s,
    const struct modread_sections *sections, struct versions *v)
{
	size_t room = 16;
	const int err =
	    modread_section(&s->read, sections, "__versions", &v->entries);

	v->n = err ? 0 : v->entries.n / VERSION_ENTRY;
	while (room < 2 * v->n)
		room *= 2;
	s->seen.n = 0;
	v->slots = (void *)buffer_room(&s->seen, room * sizeof(*v->slots));
	if (v->slots == NULL)
		return -TN_ENOMEM;
	memset(v->slots, 0, room * sizeof(*v->slots));
	v->mask = room - 1;
	for (uint32_t i = 0; i < v->n; i++) {
		const char *const name = version_name(v, i);
		const uint32_t hash =
		    name != NULL ? names_hash(name, s->seed) : 0;
		struct version_slot *const slot =
		    name != NULL ? version_slot(v, name, hash) : NULL;

		if (slot != NULL && slot->entry == 0)
			*slot = (struct version_slot){ hash, i + 1, false };
	}
	return err == -TN_ENOENT ? 0 : err;
}

static uint64_t version_crc(const struct versions *v, size_t i)
{
	return get_le64(v->entries.p + i * VERSION_ENTRY);
}

static void add_undefined(struct modscan *s, const struct symbols *y,
    const struct versions *v, const struct elf_sym *sym)
{
	const char *const name = (const char *)y->names.p + sym->st_name;
	struct symbol_detail detail = { 0 };
	const struct name hashed = name_hashed(s, name);
	struct version_slot *const slot = version_slot(v, name, hashed.hash);

	if (slot->entry != 0) {
		slot->is_used = true;
		detail.crc = version_crc(v, slot->entry - 1);
	}
	detail.is_weak = elf_sym_bind(sym) == STB_WEAK;
	add_symbol(s, FACTS_IMPORTS, hashed, &detail);
}

static int scan_undefined(
    struct modscan *s, const struct symbols *y, const struct versions *v)
{
	for (size_t i = 1; i < y->n; i++) {
		const struct elf_sym sym = symbol_at(y, i);

		if (sym.st_shndx != SHN_UNDEF)
			continue;
		if (sym.st_name >= y->names.n)
			return bad(s, "has a symbol name outside its table",
			    sym.st_name);
		if (y->names.p[sym.st_name] != '\0')
			add_undefined(s, y, v, &sym);
	}
	return 0;
}

/* What is versioned without being undefined: "module_layout" mostly. */
static void scan_other_versions(struct modscan *s, const struct versions *v)
{
	for (size_t i = 0; i < v->n; i++) {
		const char *const name = version_name(v, i);
		struct symbol_detail detail = { 0 };

		if (name == NULL)
			continue;
		const struct name hashed = name_hashed(s, name);
		const struct version_slot *const slot =
		    version_slot(v, name, hashed.hash);

		if (slot->entry == i + 1 && slot->is_used)
			continue;
		detail.crc = version_crc(v, i);
		add_symbol(s, FACTS_IMPORTS, hashed, &detail);
	}
}

/* --- .modinfo */

static void scan_key(struct modscan *s, struct span modinfo, const char *key,
    enum facts_kind kind)
{
	const size_t length = strlen(key);
	const char *text;
	size_t n;

	while ((text = next_string(&modinfo, &n)) != NULL) {
		if (n < length || memcmp(text, key, length) != 0)
			continue;
		if (n == length)
			add_text(s, kind, "", 0);
		else if (text[length] == '=')
			add_text(s, kind, text + length + 1, n - length - 1);
	}
}

static int scan_modinfo(
    struct modscan *s, const struct modread_sections *sections)
{
	struct span modinfo;
	int err = modread_section(&s->read, sections, ".modinfo", &modinfo);

	if (err)
		modinfo = (struct span){ NULL, 0 };
	begin(s, FACTS_ALIASES);
	scan_key(s, modinfo, "alias", FACTS_ALIASES);
	begin(s, FACTS_SOFTDEPS);
	scan_key(s, modinfo, "softdep", FACTS_SOFTDEPS);
	return err == -TN_ENOENT ? 0 : err;
}

/* --- a file */

/* Forgets the symbols of a kind, which is the last one so far. */
static void forget(struct modscan *s, enum facts_kind kind)
{
	const size_t before =
	    kind == FACTS_IMPORTS ? s->facts.n[FACTS_EXPORTS] : 0;

	s->facts.n[kind] = 0;
	s->texts.n = s->facts.at[kind];
	s->hashes.n = before * sizeof(uint32_t);
	s->details.n = s->detailed ? before * sizeof(struct symbol_detail) : 0;
}

/* As kmod does: all by their CRCs, or else all by the strings. */
static int scan_exports(struct modscan *s, const struct symbols *y)
{
	const int err = scan_crcs(s, y);
	const struct modread_why why = s->read.why;

	if (!err && s->facts.n[FACTS_EXPORTS] != 0)
		return 0;
	forget(s, FACTS_EXPORTS);
	const int other = scan_strings(s, y);

	if (err)
		s->read.why = why;
	return err ? err : other;
}

/* Damaged versions are as none; of damaged symbols none counts. */
static int scan_imports(struct modscan *s, const struct symbols *y)
{
	struct versions v = { 0 };
	const int err = versions_open(s, &y->sections, &v);
	const struct modread_why why = s->read.why;

	if (v.slots == NULL)
		return err;
	const int other = scan_undefined(s, y, &v);

	if (other)
		forget(s, FACTS_IMPORTS);
	else
		scan_other_versions(s, &v);
	if (err)
		s->read.why = why;
	return err ? err : other;
}

/* The first error of several, but no memory before all; @why is its. */
struct first {
	int err;
	struct modread_why why;
};

static void note(struct first *first, const struct modscan *s, int err)
{
	if (err == 0 || err == -TN_ENOENT)
		return;
	if (first->err == 0 || err == -TN_ENOMEM)
		*first = (struct first){ err, s->read.why };
}

/* What is beside the damage counts as it does for kmod. */
static int scan_sections(
    struct modscan *s, const struct modread_sections *sections)
{
	struct symbols y = { .sections = *sections };
	struct first first = { 0 };
	const int none = symbols_open(s, &y);

	note(&first, s, none);
	note(&first, s, scan_exports(s, &y));
	begin(s, FACTS_IMPORTS);
	if (!none)
		note(&first, s, scan_imports(s, &y));
	note(&first, s, scan_modinfo(s, sections));
	s->read.why = first.why;
	return first.err;
}

/* Keeps what has been collected in the arena. */
static int keep(struct modscan *s, struct facts *out)
{
	struct facts *const f = &s->facts;
	const size_t sizes[] = { s->details.n, s->hashes.n, s->texts.n };
	char *place;

	if (s->texts.failed || s->hashes.failed || s->details.failed)
		return -TN_ENOMEM;
	if (s->texts.n > UINT32_MAX)
		return -TN_EFBIG;
	place = arena_alloc(&s->arena, sizes[0] + sizes[1] + sizes[2] + 1);
	if (place == NULL)
		return -TN_ENOMEM;
	if (sizes[0] != 0)
		memcpy(place, s->details.p, sizes[0]);
	if (sizes[1] != 0)
		memcpy(place + sizes[0], s->hashes.p, sizes[1]);
	if (sizes[2] != 0)
		memcpy(place + sizes[0] + sizes[1], s->texts.p, sizes[2]);
	f->details = s->detailed ? (const void *)place : NULL;
	f->hashes = (const void *)(place + sizes[0]);
	f->texts = place + sizes[0] + sizes[1];
	f->bytes = (uint32_t)sizes[2];
	*out = *f;
	return 0;
}

int modscan_file(
    struct modscan *s, int dir, const char *path, struct facts *out)
{
	struct modread_sections sections;
	int err, other;

	*out = (struct facts){ .texts = "" };
	s->facts = *out;
	s->texts.n = s->hashes.n = s->details.n = 0;
	err = modread_open(&s->read, dir, path);
	if (err)
		return err;
	err = modread_sections(&s->read, &sections);
	if (!err)
		err = scan_sections(s, &sections);
	modread_close(&s->read);
	other = keep(s, out);
	return err ? err : other;
}
