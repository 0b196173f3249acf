/* SPDX-License-Identifier: MIT */
/*
 * Everything for which a loader would refuse the module, found when it is
 * built: licence, unresolved imports with the nearest names, namespaces,
 * exports that are no exports. All of it is reported, not only the first.
 */
#include "modpost.h"

#include <string.h>

#include <base/distance.h>
#include <tenon/depend.h>
#include <tenon/engine.h>
#include <tenon/registry.h>

static bool is_gpl_compatible(const char *license)
{
	static const char *const compatible[] = { "GPL", "GPL v2",
		"GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL",
		"Dual MPL/GPL" };

	for (size_t i = 0; i < ARRAY_SIZE(compatible); i++)
		if (strcmp(license, compatible[i]) == 0)
			return true;
	return false;
}

/* All licences must be compatible; none at all is not. */
static bool check_license(struct modpost *mp)
{
	struct span rest = mp->object.modinfo;
	const char *license = mp_modinfo_next(&rest, "license");
	bool compatible = license != NULL;

	if (license == NULL)
		mp_complain(mp, "MODULE_LICENSE is missing");
	for (; license != NULL; license = mp_modinfo_next(&rest, "license"))
		compatible = compatible && is_gpl_compatible(license);
	return compatible;
}

static bool imports_namespace(const struct modpost *mp, const char *ns)
{
	struct span rest = mp->object.modinfo;
	const char *imported;

	while ((imported = mp_modinfo_next(&rest, "import_ns")) != NULL)
		if (strcmp(imported, ns) == 0)
			return true;
	return false;
}

static const char *nearest(const struct modpost *mp, const char *name)
{
	unsigned best = str_distance_limit(name);
	const char *found = NULL;

	for (size_t i = 0; i < mp->nknown; i++) {
		const unsigned d = str_distance(name, mp->known[i].name);

		if (d < best) {
			best = d;
			found = mp->known[i].name;
		}
	}
	return found;
}

/* The symbols of a process are not known here: hosted modules may miss some. */
static void check_missing(struct modpost *mp, const struct import *im)
{
	if (im->weak || mp->profile == TN_PROFILE_HOSTED)
		return;
	const char *near = nearest(mp, im->name);

	if (near != NULL)
		mp_complain(
		    mp, "'%s' is undefined (nearest: %s)", im->name, near);
	else
		mp_complain(mp, "'%s' is undefined", im->name);
}

static void check_import(
    struct modpost *mp, const struct import *im, bool gpl_compatible)
{
	const struct known *k = im->from;

	if (k->gpl && !gpl_compatible)
		mp_complain(mp, "'%s' of %s is for GPL-compatible modules only",
		    k->name, k->module);
	if (*k->ns != '\0' && !imports_namespace(mp, k->ns))
		mp_complain(mp,
		    "'%s' is in namespace %s, which is not imported", k->name,
		    k->ns);
}

static void check_export(struct modpost *mp, size_t i)
{
	const struct export *e = &mp->object.exports[i];
	const struct known *other = mp_known_find(mp, e->name);

	if (!e->global)
		mp_complain(mp,
		    "'%s' is exported but is no global symbol of it", e->name);
	if (mp->crc_from != NULL && !e->has_crc)
		mp_complain(mp, "'%s' has no CRC in %s", e->name, mp->crc_from);
	if (other != NULL)
		mp_complain(mp, "'%s' is exported by %s already", e->name,
		    other->module);
	for (size_t k = 0; k < i; k++)
		if (strcmp(mp->object.exports[k].name, e->name) == 0)
			mp_complain(mp, "'%s' is exported twice", e->name);
}

static void check_depends(struct modpost *mp)
{
	struct span rest = mp->object.modinfo;
	const char *text;
	struct tn_depend d;
	int more;

	while ((text = mp_modinfo_next(&rest, "tenon.depends")) != NULL) {
		while ((more = tn_depend_next(&text, &d)) > 0)
			;
		if (more < 0)
			mp_fail(mp, "malformed dependency: %s", text);
	}
}

/* "essential, driver" */
static void check_flags(struct modpost *mp)
{
	struct span rest = mp->object.modinfo;
	const char *text;

	while ((text = mp_modinfo_next(&rest, "tenon.flags")) != NULL) {
		while (*(text += strspn(text, ", ")) != '\0') {
			const size_t n = strcspn(text, ", ");

			if (tn_module_flag(text, n) == 0)
				mp_complain(mp, "'%.*s' is no flag of a module",
				    (int)n, text);
			text += n;
		}
	}
}

/* "symbol:advice" of an export */
static void check_deprecated(struct modpost *mp)
{
	struct span rest = mp->object.modinfo;
	const char *text;

	while ((text = mp_modinfo_next(&rest, "tenon.deprecated")) != NULL) {
		const size_t n = strcspn(text, ":");
		bool found = false;

		for (size_t i = 0; i < mp->object.nexports && !found; i++)
			found =
			    strlen(mp->object.exports[i].name) == n &&
			    memcmp(mp->object.exports[i].name, text, n) == 0;
		if (!found)
			mp_complain(mp, "'%.*s' is deprecated but no export",
			    (int)n, text);
	}
}

void mp_check_all(struct modpost *mp)
{
	const bool gpl_compatible = check_license(mp);

	for (size_t i = 0; i < mp->object.nimports; i++) {
		const struct import *im = &mp->object.imports[i];

		if (im->from == NULL)
			check_missing(mp, im);
		else
			check_import(mp, im, gpl_compatible);
	}
	for (size_t i = 0; i < mp->object.nexports; i++)
		check_export(mp, i);
	check_depends(mp);
	check_flags(mp);
	check_deprecated(mp);
}
