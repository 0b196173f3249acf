/* SPDX-License-Identifier: MIT */
/*
 * Linking a module for a worker: see link.h. A system of the engine lives for
 * the time of one link; what is kept of it is the image's bytes, its symbols
 * and the functions that are called at its start and end.
 */
#include "link.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <base/span.h>
#include <elf/abi.h>
#include <elf/dynamic.h>
#include <elf/tables.h>
#include <host/machine.h>
#include <tenon/link.h>

#include "place.h"

/* --- symbols */

/* Names with a dollar mark what is code and what is data (AAELF64, psABI). */
static bool is_wanted(const struct tn_linked_symbol *s)
{
	const unsigned type = s->info & 0xf;

	return *s->name != '\0' && *s->name != '$' &&
	       (s->section != 0 || s->is_absolute) &&
	       (type == STT_FUNC || type == STT_NOTYPE || type == STT_OBJECT);
}

static int by_name(const void *a, const void *b)
{
	const struct image_symbol *x = a, *y = b;
	const int order = strcmp(x->name, y->name);

	/* Global ones first: a search finds the first. */
	return order ? order : (int)y->is_global - (int)x->is_global;
}

static int take_symbols(struct image *img, const struct tn_linked *linked)
{
	struct tn_linked_symbol s;
	size_t n = 0, bytes = 1;
	char *name;

	for (uint32_t i = 1; tn_linked_symbol(linked, i, &s); i++) {
		n += is_wanted(&s);
		bytes += is_wanted(&s) ? strlen(s.name) + 1 : 0;
	}
	img->symbols = calloc(n + 1, sizeof(*img->symbols));
	img->names = malloc(bytes);
	if (!img->symbols || !img->names)
		return -TN_ENOMEM;
	name = img->names;
	for (uint32_t i = 1; tn_linked_symbol(linked, i, &s); i++) {
		if (!is_wanted(&s))
			continue;
		bytes = strlen(s.name) + 1;
		memcpy(name, s.name, bytes);
		img->symbols[img->nsymbols++] = (struct image_symbol){
			.name = name,
			.addr = s.value,
			.is_function = (s.info & 0xf) != STT_OBJECT,
			.is_global = s.info >> 4 != STB_LOCAL,
		};
		name += bytes;
	}
	qsort(img->symbols, img->nsymbols, sizeof(*img->symbols), by_name);
	return 0;
}

/* The first of this name; nsymbols: none. */
static size_t lower_bound(const struct image *img, const char *name)
{
	size_t low = 0, high = img->nsymbols;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (strcmp(img->symbols[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct image_symbol *image_find(const struct image *img, const char *name)
{
	const size_t i = lower_bound(img, name);
	const struct image_symbol *s = &img->symbols[i];

	return i < img->nsymbols && s->is_global && strcmp(s->name, name) == 0
		   ? s
		   : NULL;
}

bool image_is_text(const struct image *img, uint64_t addr)
{
	for (unsigned i = 0; i < img->nparts; i++) {
		const struct image_part *p = &img->part[i];

		if ((p->prot & WIRE_X) != 0 && addr - p->addr < p->size)
			return true;
	}
	return false;
}

const struct image_symbol *image_at(const struct image *img, uint64_t addr)
{
	const struct image_symbol *best = NULL;

	for (size_t i = 0; i < img->nsymbols; i++) {
		const struct image_symbol *s = &img->symbols[i];

		if (s->is_function && s->addr <= addr &&
		    image_is_text(img, s->addr) &&
		    (!best || s->addr > best->addr))
			best = s;
	}
	return best && image_is_text(img, addr) ? best : NULL;
}

/* --- parts */

static uint32_t part_prot(unsigned kind)
{
	switch (kind) {
	case TN_TEXT:
	case TN_INIT_TEXT: return WIRE_R | WIRE_X;
	case TN_RODATA:
	case TN_INIT_RODATA: return WIRE_R;
	default:
		return WIRE_R | WIRE_W; /* init writes what is read-only later,
					    and is filtered already */
	}
}

static void take_parts(
    struct image *img, const struct tn_image *from, const struct place *place)
{
	const size_t page = place->port.page_size;

	img->base = place->base;
	img->size = place->nbytes;
	for (unsigned i = 0; i < from->nparts; i++) {
		const struct tn_part *p = &from->part[i];

		if (p->size == 0)
			continue;
		img->part[img->nparts++] = (struct image_part){
			.addr = p->addr,
			.size = (p->size + page - 1) & ~(page - 1),
			.offset = (size_t)(p->addr - place->base),
			.prot = part_prot(p->kind),
		};
	}
}

/* --- functions to call */

static bool append(uint64_t **list, size_t *n, uint64_t fn)
{
	uint64_t *more;

	/* Fillers of old tool chains (gABI, .init_array). */
	if (fn == 0 || fn == UINT64_MAX)
		return true;
	if ((*n & (*n - 1)) == 0) { /* a power of two: it is full */
		more = realloc(*list, (*n ? *n * 2 : 1) * sizeof(**list));
		if (!more)
			return false;
		*list = more;
	}
	(*list)[(*n)++] = fn;
	return true;
}

/* The entries of the array at @addr; false: no memory. */
static bool append_array(const struct image *img, uint64_t addr, uint64_t size,
    uint64_t **list, size_t *n)
{
	const uint64_t at = addr - img->base;
	bool ok = true;

	if (at > img->nbytes || size > img->nbytes - at)
		return true; /* the linker has checked it: not reached */
	for (uint64_t i = 0; i < size / 8 && ok; i++)
		ok = append(list, n, get_le64(img->bytes + at + i * 8));
	return ok;
}

static void reverse(uint64_t *list, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		const uint64_t other = list[n - 1 - i];

		list[n - 1 - i] = list[i];
		list[i] = other;
	}
}

/* ".init_array.00101" is 101; one without a number comes last. */
static unsigned long array_priority(const char *name)
{
	const char *digits = name + strcspn(name, "0123456789");

	return *digits ? strtoul(digits, NULL, 10) : ~0ul;
}

struct array {
	unsigned long priority;
	struct tn_linked_section section;
};

static int runs_before(const void *a, const void *b)
{
	const struct array *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->section.index < y->section.index ? -1 : 1;
}

/* The arrays of @type into @out, unless it is NULL; how many there are. */
static size_t find_arrays(
    const struct tn_linked *linked, uint32_t type, struct array *out)
{
	struct tn_linked_section s;
	uint32_t at = 0;
	size_t n = 0;

	while (tn_linked_section(linked, &at, &s)) {
		if (s.type != type)
			continue;
		if (out)
			out[n] = (struct array){ array_priority(s.name), s };
		n++;
	}
	return n;
}

static bool object_arrays(struct image *img, const struct tn_linked *linked,
    uint32_t type, uint64_t **list, size_t *nlist)
{
	const size_t n = find_arrays(linked, type, NULL);
	struct array *arrays = calloc(n + 1, sizeof(*arrays));
	bool ok = arrays != NULL;

	if (ok) {
		(void)find_arrays(linked, type, arrays);
		qsort(arrays, n, sizeof(*arrays), runs_before);
	}
	for (size_t i = 0; i < n && ok; i++)
		ok = append_array(img, arrays[i].section.addr,
		    arrays[i].section.size, list, nlist);
	free(arrays);
	return ok;
}

static bool object_functions(struct image *img, const struct tn_linked *linked)
{
	return object_arrays(img, linked, SHT_PREINIT_ARRAY, &img->starts,
		   &img->nstarts) &&
	       object_arrays(
		   img, linked, SHT_INIT_ARRAY, &img->starts, &img->nstarts) &&
	       object_arrays(
		   img, linked, SHT_FINI_ARRAY, &img->ends, &img->nends);
}

static int refuse(struct tn_diag *d, int err, enum tn_reason reason,
    const char *other, const char *symbol)
{
	tn_diag_init(d);
	d->error = err;
	d->stage = TN_STAGE_CHECK;
	d->reason = reason;
	strncpy(d->other, other, sizeof(d->other) - 1);
	strncpy(d->symbol, symbol, sizeof(d->symbol) - 1);
	return err;
}

static int refuse_needed(const struct elf_dynamic *dyn, struct tn_diag *diag)
{
	for (uint32_t i = 0; i < dyn->nentries; i++) {
		const struct elf_dyn *e = &dyn->entries[i];
		const char *name;

		if (e->d_tag != DT_NEEDED)
			continue;
		name = elf_dynamic_string(dyn, e->d_val);
		return refuse(diag, -TN_ENOENT, TN_REASON_NEEDED,
		    name ? name : "a library", "");
	}
	return 0;
}

static int shared_functions(struct image *img, const struct tn_linked *linked,
    const struct elf_file *file, struct tn_diag *diag)
{
	const uint64_t page = tn_linked_image(linked)->span_align;
	struct elf_where where;
	struct elf_dynamic dyn;
	uint64_t bias;
	int err;

	if (!elf_dynamic_open(file, &dyn, &where))
		return -TN_ENOEXEC; /* the linker has opened it: not reached */
	err = refuse_needed(&dyn, diag);
	if (err)
		return err;
	bias = img->base - (dyn.low & ~(page - 1));
	if (file->ehdr->e_entry != 0)
		img->entry = bias + file->ehdr->e_entry;
	if ((dyn.init != 0 &&
		!append(&img->starts, &img->nstarts, bias + dyn.init)) ||
	    !append_array(img, bias + dyn.init_array.addr, dyn.init_array.size,
		&img->starts, &img->nstarts) ||
	    (dyn.fini != 0 &&
		!append(&img->ends, &img->nends, bias + dyn.fini)) ||
	    !append_array(img, bias + dyn.fini_array.addr, dyn.fini_array.size,
		&img->ends, &img->nends))
		return -TN_ENOMEM;
	return 0;
}

/* The file's own name, or else that of the request. */
static void take_name(
    struct image *img, const struct elf_file *file, const char *fallback)
{
	static const char key[] = "name=";
	const uint32_t section = elf_section_find(file, ".modinfo");
	const char *name = fallback ? fallback : "";
	struct span rest = { NULL, 0 };
	const char *entry;

	if (section != 0)
		rest = elf_section_bytes(file, section);
	while (elf_modinfo_next(&rest, &entry))
		if (strncmp(entry, key, sizeof(key) - 1) == 0)
			name = entry + sizeof(key) - 1;
	memcpy(img->name, name, strnlen(name, sizeof(img->name) - 1));
}

static int take_functions(struct image *img, const struct tn_linked *linked,
    const char *name, struct tn_diag *diag)
{
	struct tn_linked_file info;
	struct elf_where where;
	struct elf_file file;
	int err;

	tn_linked_file(linked, &info);
	if (info.machine != host_machine.elf_machine)
		return refuse(diag, -TN_ENOEXEC, TN_REASON_MACHINE,
		    "another machine", "this one");
	if (!elf_open(&file, (struct span){ info.data, info.data_size },
		info.machine, &where))
		return -TN_ENOEXEC;
	take_name(img, &file, name);
	if (image_find(img, "__tenon_module_ops"))
		return refuse(diag, -TN_EOPNOTSUPP, TN_REASON_UNSUPPORTED,
		    "module_ops in a process of its own", "");
	if (info.is_shared)
		err = shared_functions(img, linked, &file, diag);
	else
		err = object_functions(img, linked) ? 0 : -TN_ENOMEM;
	reverse(img->ends, img->nends);
	return err;
}

/* --- all of it */

static int take(struct image *img, const struct tn_linked *linked,
    struct place *place, const char *name, struct tn_diag *diag)
{
	int err;

	take_parts(img, tn_linked_image(linked), place);
	img->bytes = place->bytes;
	img->nbytes = place->nbytes;
	place->bytes = NULL;
	err = take_symbols(img, linked);
	if (err == 0)
		err = take_functions(img, linked, name, diag);
	if (err == -TN_ENOMEM) {
		(void)refuse(diag, err, TN_REASON_NO_MEMORY, "", "");
		diag->value = img->nbytes;
	}
	return err;
}

/*
 * What the record owns goes with the system: of missing symbols the first
 * stays, by the words for imports that are not supported.
 */
static void disown(struct tn_diag *d)
{
	struct tn_diag kept = *d;

	if (d->missing && d->nmissing > 0) {
		strncpy(
		    kept.symbol, d->missing[0].symbol, sizeof(kept.symbol) - 1);
		kept.value = d->nmissing;
		strcpy(kept.other, "an imported symbol");
		kept.reason = TN_REASON_UNSUPPORTED;
	}
	kept.missing = NULL;
	kept.nmissing = 0;
	kept.holders = NULL;
	kept.nholders = 0;
	kept.owner = NULL;
	kept.memory = NULL;
	kept.memory_bytes = 0;
	tn_diag_fini(d);
	*d = kept;
}

int image_link(
    const struct image_request *req, struct image *out, struct tn_diag *diag)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.flags = req->flags,
		.name = req->name,
		.data = req->data,
		.data_size = req->size,
	};
	struct tn_config config = {
		.size = sizeof(config),
		.abi = 1,
		.exports = req->exports,
		.nexports = req->nexports,
	};
	struct tn_linked *linked;
	struct tn_system *sys;
	struct place place;
	int err;

	*out = (struct image){ 0 };
	(void)getrandom(&config.seed, sizeof(config.seed), GRND_NONBLOCK);
	place_init(&place, req->base, (size_t)sysconf(_SC_PAGESIZE));
	err = tn_system_create(&place.port, &config, &sys);
	if (err)
		return refuse(diag, err, TN_REASON_NO_MEMORY, "", "");
	err = tn_link(sys, &args, &linked, diag);
	disown(diag);
	if (err == 0) {
		err = take(out, linked, &place, req->name, diag);
		tn_linked_free(linked);
	}
	(void)tn_system_destroy(sys);
	if (err)
		image_free(out);
	return err;
}

void image_drop_bytes(struct image *img)
{
	free(img->bytes);
	img->bytes = NULL;
	img->nbytes = 0;
}

void image_free(struct image *img)
{
	image_drop_bytes(img);
	free(img->symbols);
	free(img->names);
	free(img->starts);
	free(img->ends);
	*img = (struct image){ 0 };
}
