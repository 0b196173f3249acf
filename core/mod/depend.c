/* SPDX-License-Identifier: MIT */
/*
 * Dependencies by declaration: reading the list, and holding what it names
 * while a load goes on. The module so held is a provider like one whose
 * symbols are imported: it cannot be unloaded before its user.
 */
#include "depend.h"

#include <base/format.h>
#include <base/string.h>
#include <elf/tables.h>

#include "load.h"
#include "metadata.h"
#include "provides.h"
#include "semver.h"

/* --- the list */

/* As of a module, or with '/' as of an interface; '-' reads as '_'. */
static bool take_name(const char **s, char name[TN_MODULE_NAME_MAX])
{
	char plain[TN_MODULE_NAME_MAX];
	size_t n = 0;

	for (; !word_ends(**s); (*s)++) {
		if (n + 1 == TN_MODULE_NAME_MAX)
			return false;
		name[n] = **s;
		if (**s == '-')
			name[n] = '_';
		plain[n] = name[n];
		if (**s == '/')
			plain[n] = '_';
		n++;
	}
	name[n] = plain[n] = '\0';
	return module_name_is_sound(plain);
}

int tn_depend_next(const char **list, struct tn_depend *out)
{
	const char *s = blanks_skip(*list);

	while (*s == ',')
		s = blanks_skip(s + 1);
	*list = s;
	if (*s == '\0')
		return 0;
	out->optional = *s == '?';
	s = blanks_skip(s + out->optional);
	if (!take_name(&s, out->name))
		return -TN_EINVAL;
	s = blanks_skip(s);
	out->text = s;
	if (range_parse(&s, &out->range) != 0)
		return -TN_EINVAL;
	*list = s;
	while (s > out->text && (s[-1] == ' ' || s[-1] == '\t'))
		s--;
	out->length = (size_t)(s - out->text);
	return 1;
}

const char *modinfo_next(struct span *rest, const char *key)
{
	const char *entry;

	while (elf_modinfo_next(rest, &entry))
		if (str_begins(entry, key))
			return entry + str_len(key);
	return NULL;
}

/* --- holding */

int depend_fail(struct tn_load *l, const struct tn_depend *d,
    enum tn_reason reason, const char *present)
{
	struct tn_diag *diag = l->diag;

	(void)load_fail_other(l, reason, d->name);
	(void)text_format(diag->symbol, sizeof(diag->symbol), "%.*s",
	    (int)(d->length < sizeof(diag->symbol) ? d->length
						   : sizeof(diag->symbol)),
	    d->text);
	(void)str_copy(diag->section, sizeof(diag->section), present);
	return diag->error;
}

int depend_check(
    struct tn_load *l, const struct tn_depend *d, const char *present)
{
	enum tn_fit fit = TN_TOO_OLD;
	struct tn_version v;

	if (d->length == 0)
		return 0;
	if (tn_version_parse(present, &v))
		fit = tn_range_check(&d->range, &v);
	if (fit == TN_FITS)
		return 0;
	return depend_fail(l, d,
	    fit == TN_TOO_OLD ? TN_REASON_DEPENDS_OLD : TN_REASON_DEPENDS_NEW,
	    present);
}

/* The module of this name, or the first that provides it; registry lock. */
REQUIRES(registry_role)
static struct tn_module *find(struct tn_load *l, const struct tn_depend *d)
{
	struct tn_system *sys = l->sys;
	struct tn_module *mod = module_find_locked(sys, d->name);
	const struct provided *word;

	if (mod != NULL && mod->state > TN_STATE_REGISTERED)
		return mod;
	word = provides_find(&sys->provides, d->name);
	return word != NULL ? word->owner : NULL;
}

static int fail_self(struct tn_load *l)
{
	struct tn_diag *d = load_fail(l, TN_REASON_CYCLE);

	(void)text_format(
	    d->other, sizeof(d->other), "%s -> %s", l->name, l->name);
	d->value = 1;
	return d->error;
}

REQUIRES(registry_role)
static int hold_locked(struct tn_load *l, const struct tn_depend *d)
{
	struct tn_module *mod = find(l, d);
	int err;

	if (mod == l->mod && mod != NULL)
		return fail_self(l);
	if (mod == NULL)
		return d->optional
			   ? 0
			   : depend_fail(l, d, TN_REASON_DEPENDS_MISSING, "");
	err = load_hold_locked(l, mod);
	if (err != 0)
		return err;
	return depend_check(l, d, metadata_text(mod->gen, "version"));
}

/* Waiting for a module drops the lock: then it is looked up again. */
REQUIRES(registry_role)
static int hold(struct tn_load *l, const struct tn_depend *d)
{
	int err;

	do
		err = hold_locked(l, d);
	while (err == LOAD_MUST_WAIT);
	return err;
}

REQUIRES(registry_role)
static int hold_list(struct tn_load *l, const char *list)
{
	const char *all = list;
	struct tn_depend d;
	int more, err = 0;

	while (err == 0 && (more = tn_depend_next(&list, &d)) != 0)
		err = more > 0 ? hold(l, &d)
			       : load_fail_other(l, TN_REASON_BAD_DEPENDS, all);
	return err;
}

int load_depends(struct tn_load *l)
{
	struct span rest = l->modinfo;
	const char *list;
	int err = 0;

	if (l->offline)
		return 0;
	l->stage = TN_STAGE_DEPENDS;
	registry_lock(l->sys);
	while (
	    err == 0 && (list = modinfo_next(&rest, "tenon.depends=")) != NULL)
		err = hold_list(l, list);
	registry_unlock(l->sys);
	return err;
}
