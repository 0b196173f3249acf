/* SPDX-License-Identifier: MIT */
/*
 * Symbols of an object, by libdw: symvers/types.h. They are listed once, at
 * the opening, and found by their names.
 */
#include <symvers/types.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include <tenon/err.h>

#include "describe.h"

struct symbol {
	const char *name;
	Dwarf_Die die;
};

struct types {
	Dwfl *dwfl;
	struct symbol *symbols; /* sorted by name */
	size_t n;
};

static int fail(char why[TYPES_WHY_MAX], const char *path, const char *what)
{
	(void)snprintf(why, TYPES_WHY_MAX, "%s: %s", path, what);
	return -TN_ENOENT;
}

/* The name that the linker sees; NULL: none that others can. */
static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute a;
	const char *name;

	if (!die_has_flag(die, DW_AT_external) ||
	    dwarf_hasattr(die, DW_AT_declaration))
		return NULL;
	name =
	    dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &a));
	return name != NULL ? name : dwarf_diename(die);
}

static int add(struct types *types, Dwarf_Die *die)
{
	const char *name = linkage_name(die);
	struct symbol *more;

	if (name == NULL)
		return 0;
	/* room doubles at each power of two */
	if ((types->n & (types->n - 1)) == 0) {
		more = realloc(types->symbols,
		    (types->n != 0 ? types->n * 2 : 1) * sizeof(*more));
		if (more == NULL)
			return -TN_ENOMEM;
		types->symbols = more;
	}
	types->symbols[types->n++] =
	    (struct symbol){ .name = name, .die = *die };
	return 0;
}

static int add_unit(struct types *types, Dwarf_Die *unit)
{
	Dwarf_Die die;
	int err = 0;
	int end = dwarf_child(unit, &die);

	for (; end == 0 && err == 0; end = dwarf_siblingof(&die, &die))
		if (dwarf_tag(&die) == DW_TAG_subprogram ||
		    dwarf_tag(&die) == DW_TAG_variable)
			err = add(types, &die);
	return err;
}

static int by_name(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int list_symbols(
    struct types *types, Dwfl_Module *module, bool *has_units)
{
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;
	int err = 0;

	while (err == 0 &&
	       (unit = dwfl_module_nextcu(module, unit, &bias)) != NULL) {
		*has_units = true;
		err = add_unit(types, unit);
	}
	if (types->n != 0)
		qsort(
		    types->symbols, types->n, sizeof(*types->symbols), by_name);
	return err;
}

static int read_file(struct types *types, const char *path,
    struct types_file file, char why[TYPES_WHY_MAX])
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl_Module *module;
	bool has_units = false;
	int err;

	types->dwfl = dwfl_begin(&callbacks);
	if (types->dwfl == NULL)
		return -TN_ENOMEM;
	/* Of a path libdw maps the file, and whoever cuts that then ends us. */
	module = dwfl_report_offline_memory(
	    types->dwfl, path, path, file.data, file.size);
	if (module == NULL)
		return fail(why, path, dwfl_errmsg(-1));
	(void)dwfl_report_end(types->dwfl, NULL, NULL);
	err = list_symbols(types, module, &has_units);
	if (err == 0 && !has_units)
		return fail(
		    why, path, "has no debug information (compile with -g)");
	return err;
}

int types_open(const char *path, struct types_file file, struct types **out,
    char why[TYPES_WHY_MAX])
{
	struct types *types = calloc(1, sizeof(*types));
	int err = -TN_ENOMEM;

	(void)snprintf(why, TYPES_WHY_MAX, "%s: no memory", path);
	if (types == NULL)
		return err;
	err = read_file(types, path, file, why);
	if (err != 0) {
		types_close(types);
		return err;
	}
	*out = types;
	return 0;
}

void types_close(struct types *types)
{
	if (types == NULL)
		return;
	if (types->dwfl != NULL)
		dwfl_end(types->dwfl);
	free(types->symbols);
	free(types);
}

int types_describe(struct types *types, const char *name, FILE *out)
{
	const struct symbol key = { .name = name };
	struct symbol *symbol = NULL;

	if (types->n != 0)
		symbol = bsearch(
		    &key, types->symbols, types->n, sizeof(key), by_name);
	return symbol != NULL ? describe(&symbol->die, out) : -TN_ENOENT;
}
