/* SPDX-License-Identifier: MIT */
/*
 * What modules provide, by name: provides.h.
 */
#include "provides.h"

#include <base/string.h>

#include "depend.h"
#include "module.h"

/* The words of @list, behind the @n of @out when it has room; the new @n. */
static uint32_t take(const char *list, struct provides *out, uint32_t n)
{
	struct tn_depend d;

	for (; tn_depend_next(&list, &d) > 0; n++)
		if (out != NULL)
			(void)str_copy(
			    out->at[n].name, sizeof(out->at[n].name), d.name);
	return n;
}

/* Aliases with wildcards are for those who look for files, not for the engine. */
static bool is_one_name(const char *alias)
{
	struct tn_depend d;

	return tn_depend_next(&alias, &d) > 0 && *alias == '\0' &&
	       !d.optional && d.length == 0;
}

/* The words of @modinfo, into @out when it has room; how many there are. */
static uint32_t read_words(struct span modinfo, struct provides *out)
{
	struct span rest = modinfo;
	const char *list;
	uint32_t n = 0;

	while ((list = modinfo_next(&rest, "tenon.provides=")) != NULL)
		n = take(list, out, n);
	while ((list = modinfo_next(&modinfo, "alias=")) != NULL)
		if (is_one_name(list))
			n = take(list, out, n);
	return n;
}

static size_t size_of(uint32_t n)
{
	return sizeof(struct provides) + n * sizeof(struct provided);
}

int provides_read(const struct tn_port *port, struct span modinfo, void *owner,
    struct provides **out)
{
	const uint32_t n = read_words(modinfo, NULL);
	struct provides *p;

	*out = NULL;
	if (n == 0)
		return 0;
	p = port_alloc(port, size_of(n));
	if (p == NULL)
		return -TN_ENOMEM;
	p->n = read_words(modinfo, p);
	for (uint32_t i = 0; i < n; i++) {
		p->at[i].key.name = p->at[i].name;
		p->at[i].owner = owner;
		list_init(&p->at[i].same);
	}
	*out = p;
	return 0;
}

void provides_free(const struct tn_port *port, struct provides *p)
{
	if (p != NULL)
		port_free(port, p, size_of(p->n));
}

int provides_add(struct index *ix, struct provides *p)
{
	if (p == NULL)
		return 0;
	if (index_reserve(ix, p->n) != 0)
		return -TN_ENOMEM;
	for (uint32_t i = 0; i < p->n; i++) {
		struct provided *first =
		    (struct provided *)index_insert(ix, &p->at[i].key);

		if (first != NULL) /* before it in the ring is at its end */
			list_add(&first->same, &p->at[i].same);
	}
	return 0;
}

void provides_remove(struct index *ix, struct provides *p)
{
	for (uint32_t i = 0; p != NULL && i < p->n; i++) {
		struct provided *word = &p->at[i];
		struct provided *next =
		    CONTAINER_OF(word->same.next, struct provided, same);

		if (provides_find(ix, word->name) == word) {
			index_remove(ix, &word->key);
			if (next != word)
				(void)index_insert(ix, &next->key);
		}
		list_del(&word->same);
	}
}

bool provides_lists(const struct provides *p, const char *word)
{
	for (uint32_t i = 0; p != NULL && i < p->n; i++)
		if (str_eq(p->at[i].name, word))
			return true;
	return false;
}

struct provided *provides_find(const struct index *ix, const char *name)
{
	return (struct provided *)index_find(ix, name);
}

REQUIRES(registry_role)
static struct tn_module *pin_locked(struct tn_system *sys, const char *name)
{
	struct provided *const first = provides_find(&sys->provides, name);
	struct provided *word = first;

	while (word != NULL && !module_pin(word->owner)) {
		word = CONTAINER_OF(word->same.next, struct provided, same);
		if (word == first)
			word = NULL;
	}
	return word != NULL ? word->owner : NULL;
}

struct tn_module *provides_pin(struct tn_system *sys, const char *name)
{
	struct tn_module *mod;

	registry_lock(sys);
	mod = pin_locked(sys, name);
	registry_unlock(sys);
	return mod;
}
