/* SPDX-License-Identifier: MIT */
/*
 * Parameters: the records of __tenon_param, the line that a load brings, and
 * setting and reading them at run time.
 *
 * Records stay where they are: in read-only memory of the image, checked once
 * after it has been sealed, when nobody can change them any more. What is
 * checked is that each address in a record lies in a part of the image that
 * lives, and may be written, as long as the permissions promise.
 *
 * tn_system.param_lock keeps settings and readings apart. It protects the
 * texts of all generations, and is held for one parameter at a time, and while
 * the process forks. No callback runs with it held; it is the innermost one.
 */
#include "param.h"

#include <base/distance.h>
#include <base/string.h>
#include <elf/tables.h>

#include "load.h"
#include "metadata.h"
#include "param_value.h"

#define PERM_ALL    0777u
#define PERM_WRITE  0222u
#define PERM_OTHERS 0002u

#define NAME_MAX_SIZE 64 /* with its NUL */
#define PARAMS_MAX    1024

/* --- records against their image */

/* A word without what parts words, in memory that nobody writes. */
static bool name_is_sound(const struct tn_image *img, const char *name)
{
	const struct tn_part *part = image_part_with(img, (uintptr_t)name, 1);
	size_t room;

	/* Linkers may put constants into the segment of text. */
	if (part == NULL || (part->kind != TN_RODATA && part->kind != TN_TEXT))
		return false;
	room = part->size - (size_t)((uintptr_t)name - part->addr);
	room = room < NAME_MAX_SIZE ? room : NAME_MAX_SIZE;
	for (size_t i = 0; i < room; i++) {
		if (name[i] == '\0')
			return i != 0;
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '=' ||
		    name[i] == '"')
			return false;
	}
	return false;
}

/* May the parameter lie there, as long as its permissions let it be used? */
static bool place_is_sound(const struct tn_image *img,
    const struct tenon_param *p, const void *at, uint64_t size)
{
	const struct tn_part *part = image_part_with(img, (uintptr_t)at, size);

	if (part == NULL)
		return false;
	switch (part->kind) {
	case TN_DATA: return true;
	case TN_RO_AFTER_INIT: return (p->perm & PERM_WRITE) == 0;
	case TN_INIT_DATA: return p->perm == 0;
	default: return false;
	}
}

/* What is wrong with the record, or NULL. */
static const char *record_fault(
    const struct tn_image *img, const struct tenon_param *p)
{
	const unsigned size = param_type_size(p->type);

	if (size == 0)
		return "type";
	if (p->size != size)
		return "size of an element";
	if ((p->perm & ~PERM_ALL) != 0 || (p->perm & PERM_OTHERS) != 0)
		return "permissions";
	if ((p->flags & ~(TENON_PARAM_ARRAY | TENON_PARAM_RANGE)) != 0 ||
	    ((p->flags & TENON_PARAM_RANGE) != 0 &&
		!param_is_number(p->type)) ||
	    (param_is_array(p) && p->type == TENON_PARAM_string))
		return "flags";
	if (p->reserved != 0)
		return "reserved field";
	if (p->capacity == 0 || (p->capacity != 1 && !param_is_array(p) &&
				    p->type != TENON_PARAM_string))
		return "room";
	if (!name_is_sound(img, p->name))
		return "name";
	if ((uintptr_t)p->value % size != 0 ||
	    !place_is_sound(img, p, p->value, (uint64_t)p->capacity * size))
		return "variable";
	if (p->count != NULL &&
	    ((uintptr_t)p->count % sizeof(*p->count) != 0 ||
		!place_is_sound(img, p, p->count, sizeof(*p->count))))
		return "counter";
	return NULL;
}

static int fail_record(
    struct tn_load *l, uint32_t section, uint64_t offset, const char *fault)
{
	(void)load_fail_section(l, TN_REASON_BAD_PARAM, section);
	l->diag->offset = offset;
	(void)str_copy(l->diag->other, sizeof(l->diag->other), fault);
	return l->diag->error;
}

static int check_records(struct tn_load *l, uint32_t section)
{
	const struct tenon_param *p = l->gen->params;

	for (uint32_t i = 0; i < l->gen->nparams; i++) {
		const char *fault = record_fault(&l->image, &p[i]);

		if (fault != NULL)
			return fail_record(l, section, i * sizeof(*p), fault);
	}
	return 0;
}

/* Where the table of records is, and whether it may lie there. */
struct table {
	uint64_t addr, size;
	bool is_sound;
};

static struct table find_table(const struct tn_load *l, uint32_t i)
{
	const struct elf_shdr *sh = &l->elf.sections[i];
	struct table t = { 0, 0, false };

	if (l->gen->is_mapped) {
		/* The dynamic linker has relocated it, and made it read-only
		   without a word in the program headers about this part. */
		t.addr = l->gen->base + sh->sh_addr;
		t.size = sh->sh_size;
		t.is_sound = (sh->sh_flags & SHF_ALLOC) != 0 &&
			     image_part_with(&l->image, t.addr, t.size) != NULL;
	} else if (l->sections[i].part != NO_PART) {
		t.addr = l->sections[i].addr;
		t.size = l->sections[i].size;
		t.is_sound =
		    l->image.part[l->sections[i].part].kind == TN_RODATA;
	}
	if (t.addr % _Alignof(struct tenon_param) != 0 ||
	    t.size % sizeof(struct tenon_param) != 0)
		t.is_sound = false;
	return t;
}

static int take_records(struct tn_load *l)
{
	const uint32_t i = l->is_dyn && !l->gen->is_mapped
			       ? 0
			       : elf_section_find(&l->elf, "__tenon_param");
	struct table t = { 0, 0, true };

	if (i != 0)
		t = find_table(l, i);
	if (t.size == 0)
		return 0;
	if (!t.is_sound)
		return fail_record(l, i, t.size, "table");
	if (t.size / sizeof(struct tenon_param) > PARAMS_MAX)
		return load_fail_limit(l, "parameters",
		    t.size / sizeof(struct tenon_param), PARAMS_MAX);
	l->gen->params = (const struct tenon_param *)(uintptr_t)t.addr;
	l->gen->nparams = (uint32_t)(t.size / sizeof(struct tenon_param));
	return check_records(l, i);
}

/* --- finding */

static char plain(char c)
{
	return (char)(c == '-' ? '_' : c);
}

static bool is_called(const struct tenon_param *p, struct span name)
{
	size_t i = 0;

	while (i < name.n && p->name[i] != '\0' &&
	       plain(p->name[i]) == plain((char)name.p[i]))
		i++;
	return i == name.n && p->name[i] == '\0';
}

/* The first one, as in Linux. @shown: of those that are. */
static const struct tenon_param *find(
    const struct generation *gen, struct span name, bool shown)
{
	for (uint32_t i = 0; i < gen->nparams; i++)
		if (is_called(&gen->params[i], name) &&
		    (!shown || gen->params[i].perm != 0))
			return &gen->params[i];
	return NULL;
}

static int fail_unknown(
    const struct param_scope *s, struct span name, bool shown)
{
	const struct generation *gen = s->gen;
	char text[NAME_MAX_SIZE];

	span_copy(text, sizeof(text), name);
	const int err = param_fail(s, TN_REASON_PARAM_UNKNOWN, text);
	unsigned best = str_distance_limit(text);

	for (uint32_t i = 0; i < gen->nparams; i++) {
		const char *have = gen->params[i].name;
		const unsigned d = str_distance(text, have);

		if (d >= best || (shown && gen->params[i].perm == 0))
			continue;
		best = d;
		(void)str_copy(s->diag->other, sizeof(s->diag->other), have);
	}
	return err;
}

/* --- the line of a load */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct word {
	struct span name, value;
};

/* Takes the next word from *@line; false when its quotes do not pair. */
static bool next_word(const char **line, struct word *w)
{
	const char *s = *line, *equals = NULL, *end;
	const bool quoted = *s == '"';
	bool in_quotes = quoted;

	s += quoted;
	for (end = s; *end != '\0' && (in_quotes || !is_space(*end)); end++) {
		if (*end == '=' && equals == NULL)
			equals = end;
		if (*end == '"')
			in_quotes = !in_quotes;
	}
	*line = end;
	if (quoted && end > s && end[-1] == '"')
		end--;
	*w = (struct word){ { (const uint8_t *)s, (size_t)(end - s) },
		{ NULL, 0 } };
	if (equals == NULL)
		return !in_quotes;
	w->name.n = (size_t)(equals - s);
	s = equals + 1;
	if (*s == '"' && s < end) {
		s++;
		if (end > s && end[-1] == '"')
			end--;
	}
	w->value = (struct span){ (const uint8_t *)s, (size_t)(end - s) };
	return !in_quotes;
}

int params_set_line(const struct param_scope *s, const char *line)
{
	struct word w;
	int err = 0;

	while (err == 0) {
		while (is_space(*line))
			line++;
		if (*line == '\0')
			break;
		if (!next_word(&line, &w)) {
			err = diag_fail(s->diag, TN_STAGE_PARAMS,
			    TN_REASON_BAD_ARGUMENT, s->module,
			    "a quote in the parameters has no partner");
			break;
		}
		const struct param_setting set = { s,
			find(s->gen, w.name, false), w.value };

		err = set.param != NULL ? param_set(&set)
					: fail_unknown(s, w.name, false);
	}
	return err;
}

int load_params(struct tn_load *l)
{
	const struct param_scope s = { l->port, l->gen, l->diag, l->name };
	int err;

	l->stage = TN_STAGE_PARAMS;
	err = take_records(l);
	if (err == 0 && l->args->params != NULL)
		err = params_set_line(&s, l->args->params);
	return err;
}

/* --- at run time */

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, s != NULL ? str_len(s) : 0 };
}

int tn_param_each(struct tn_module *mod,
    int (*fn)(void *arg, const struct tn_param *param), void *arg)
{
	int stop = 0;

	if (!module_pin(mod))
		return -TN_ENOENT;
	for (uint32_t i = 0; i < mod->gen->nparams && stop == 0; i++) {
		const struct tenon_param *p = &mod->gen->params[i];
		const struct tn_param param = {
			.name = p->name,
			.help = metadata_of(mod->gen, "parm=", p->name),
			.type = (enum tn_param_type)p->type,
			.perm = p->perm,
			.is_array = param_is_array(p),
			.has_range = (p->flags & TENON_PARAM_RANGE) != 0,
			.capacity = p->capacity,
			.min = p->min,
			.max = p->max,
		};

		if (p->perm != 0)
			stop = fn(arg, &param);
	}
	module_unpin(mod);
	return stop;
}

int tn_param_get(
    struct tn_module *mod, const char *name, char *buf, size_t cap, size_t *len)
{
	struct text t = { buf, cap, 0 };
	const struct tenon_param *p;
	int err = -TN_ENOENT;

	if (cap != 0)
		buf[0] = '\0';
	/* A fork waits for the lock, so it finds no reference of this call. */
	params_lock(mod->sys);
	if (module_pin(mod)) {
		p = find(mod->gen, span_of(name), true);
		if (p != NULL)
			err = param_get(mod->gen, p, &t);
		module_unpin(mod);
	}
	params_unlock(mod->sys);
	if (err == 0)
		*len = t.len;
	return err;
}

static int set_shown(
    const struct param_scope *s, const char *name, const char *value)
{
	const struct param_setting set = { s, find(s->gen, span_of(name), true),
		span_of(value) };

	if (set.param == NULL)
		return fail_unknown(s, span_of(name), true);
	if ((set.param->perm & PERM_WRITE) == 0)
		return param_fail(
		    s, TN_REASON_PARAM_READ_ONLY, set.param->name);
	return param_set(&set);
}

static int fail_not_running(struct tn_diag *d, struct tn_module *mod)
{
	enum tn_state state;
	bool loaded;

	registry_lock(mod->sys);
	state = mod->state;
	loaded = mod->gen != NULL;
	registry_unlock(mod->sys);
	return diag_fail(d, TN_STAGE_PARAMS,
	    loaded ? TN_REASON_STATE : TN_REASON_NOT_LOADED,
	    loaded ? mod->name : "", loaded ? tn_state_name(state) : mod->name);
}

int tn_param_set(struct tn_module *mod, const char *name, const char *value,
    struct tn_diag *diag)
{
	struct tn_diag scratch = { 0 };
	struct param_scope s = { mod->sys->port, NULL,
		diag != NULL ? diag : &scratch, mod->name };
	int err = 0;

	/* The reference under the lock, as in tn_param_get. */
	params_lock(mod->sys);
	if (module_pin(mod)) {
		s.gen = mod->gen;
		err = set_shown(&s, name, value);
		module_unpin(mod);
	}
	params_unlock(mod->sys);
	return s.gen != NULL ? err : fail_not_running(s.diag, mod);
}
