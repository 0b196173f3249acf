/* SPDX-License-Identifier: MIT */
/*
 * What a module says of itself, and questions to the registry.
 *
 * The generation keeps a copy of .modinfo as it is: strings are found in it
 * when somebody asks, which is seldom, and cost no memory of their own.
 */
#include "metadata.h"

#include <base/string.h>
#include <elf/tables.h>
#include <tenon/registry.h>

#include "depend.h"
#include "deprecated.h"
#include "load.h"
#include "provides.h"

/* --- flags */

static const char *const flag_names[] = { "essential", "hot_reloadable",
	"userspace", "kernel_space", "driver", "filesystem", "scheduler",
	"allocator", "security", "experimental", "deprecated" };

const char *tn_module_flag_name(uint32_t flag)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (flag == 1u << i)
			return flag_names[i];
	return NULL;
}

uint32_t tn_module_flag(const char *name, size_t length)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (str_len(flag_names[i]) == length &&
		    memcmp(flag_names[i], name, length) == 0)
			return 1u << i;
	return 0;
}

/* "essential, driver"; one that we do not know is of a later engine. */
static uint32_t parse_flags(struct span modinfo)
{
	uint32_t flags = 0;
	const char *s;

	while ((s = modinfo_next(&modinfo, "tenon.flags=")) != NULL) {
		while (*s != '\0') {
			size_t n = 0;

			while (s[n] != '\0' && s[n] != ',' && s[n] != ' ')
				n++;
			flags |= tn_module_flag(s, n);
			s += n + (s[n] != '\0');
		}
	}
	return flags;
}

/* --- the copy */

const char *metadata_text(const struct generation *gen, const char *key)
{
	const char *s = elf_modinfo_get(gen->modinfo, key);

	return s != NULL ? s : "";
}

int load_metadata(struct tn_load *l)
{
	struct generation *gen = l->gen;
	void *copy;

	if (l->modinfo.n != 0) {
		copy = load_memory(l, l->modinfo.n);
		if (copy == NULL)
			return l->diag->error;
		memcpy(copy, l->modinfo.p, l->modinfo.n);
		gen->modinfo = (struct span){ copy, l->modinfo.n };
	}
	if (provides_read(l->port, gen->modinfo, l->mod, &gen->provides) != 0)
		return load_fail_memory(l, sizeof(struct provides));
	gen->flags = parse_flags(gen->modinfo);
	if ((gen->flags & TN_MODULE_DEPRECATED) != 0)
		load_note(l, "this module is deprecated");
	if ((gen->flags & TN_MODULE_EXPERIMENTAL) != 0)
		load_note(l, "this module is experimental");
	return 0;
}

void metadata_free(const struct tn_port *port, struct generation *gen)
{
	port_free(port, (void *)(uintptr_t)gen->modinfo.p, gen->modinfo.n);
	gen->modinfo = (struct span){ NULL, 0 };
	provides_free(port, gen->provides);
}

const char *metadata_of(
    const struct generation *gen, const char *key, const char *name)
{
	const size_t n = str_len(name);
	struct span rest = gen->modinfo;
	const char *s;

	while ((s = modinfo_next(&rest, key)) != NULL)
		if (str_begins(s, name) && s[n] == ':')
			return s + n + 1;
	return "";
}

/* --- questions */

int tn_module_metadata(struct tn_module *mod, struct tn_metadata *out)
{
	const struct generation *gen = mod->gen;
	const char *version;

	if (gen == NULL)
		return -TN_ENOENT;
	version = metadata_text(gen, "version");
	*out = (struct tn_metadata){
		.id = mod->id,
		.name = mod->name,
		.version = version,
		.description = metadata_text(gen, "description"),
		.author = metadata_text(gen, "author"),
		.license = metadata_text(gen, "license"),
		.flags = gen->flags,
	};
	(void)tn_version_parse(version, &out->parts); /* or 0 */
	return 0;
}

bool tn_module_provides(struct tn_module *mod, const char *what)
{
	return mod->gen != NULL && provides_lists(mod->gen->provides, what);
}

static bool fits(struct tn_module *mod, const struct tn_query *q)
{
	return (q->id == 0 || mod->id == q->id) &&
	       (mod->gen->flags & q->flags) == q->flags &&
	       (q->name == NULL || str_eq(mod->name, q->name)) &&
	       (q->provides == NULL || tn_module_provides(mod, q->provides));
}

struct search {
	const struct tn_query *query;
	const struct tn_module *provider;
	int (*fn)(void *arg, struct tn_module *mod);
	void *arg;
};

static int pass_fitting(void *arg, struct tn_module *mod)
{
	const struct search *s = arg;

	return fits(mod, s->query) ? s->fn(s->arg, mod) : 0;
}

int tn_module_query(struct tn_system *sys, const struct tn_query *query,
    int (*fn)(void *arg, struct tn_module *mod), void *arg)
{
	struct search s = { .query = query, .fn = fn, .arg = arg };

	return tn_module_each(sys, pass_fitting, &s);
}

static int pass_dependent(void *arg, struct tn_module *mod)
{
	const struct search *s = arg;

	for (uint32_t i = 0; i < mod->gen->nproviders; i++)
		if (mod->gen->providers[i] == s->provider)
			return s->fn(s->arg, mod);
	return 0;
}

int tn_module_dependents(struct tn_module *mod,
    int (*fn)(void *arg, struct tn_module *dependent), void *arg)
{
	struct search s = { .provider = mod, .fn = fn, .arg = arg };

	return tn_module_each(mod->sys, pass_dependent, &s);
}
