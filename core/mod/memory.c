/* SPDX-License-Identifier: MIT */
/*
 * Memory of modules: blocks with an entry of the ledger in front.
 *
 *   [ struct block, 64 bytes | what the module sees ... ]
 *
 * A block's number is the address that the module sees, so that giving back
 * looks the address up before it touches a byte: a pointer that is wrong, was
 * given back already or belongs to another module is refused and reported.
 */
#include <base/format.h>
#include <tenon/err.h>

#include "module.h"
#include "resource.h"

#define SENTENCE_MAX 192

struct block {
	struct tn_ledger_entry entry; /* first */
	size_t size;                  /* with this head */
};

/* What follows is aligned as the port's memory is. */
_Static_assert(sizeof(struct block) == 64, "keeps the alignment");

static void memory_revoke(struct tn_ledger_entry *entry)
{
	struct block *b = (struct block *)entry;

	port_free(ledger_owner(entry)->mod->sys->port, b, b->size);
}

static void memory_describe(
    const struct tn_ledger_entry *entry, char *text, size_t cap)
{
	const struct block *b = (const struct block *)entry;

	(void)text_format(text, cap, "%zu bytes at 0x%lx", b->size - sizeof(*b),
	    (unsigned long)entry->id);
}

static const struct tn_ledger_class memory_class = {
	.size = sizeof(memory_class),
	.abi = 1,
	.name = "memory",
	.order = TN_LEDGER_MEMORY,
	.revoke = memory_revoke,
	.describe = memory_describe,
};

void *tn_module_alloc(struct tn_module *mod, size_t size, const void *site)
{
	struct block *b;
	int err;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = port_alloc(mod->sys->port, size + sizeof(*b));
	if (b == NULL)
		return NULL;
	b->size = size + sizeof(*b);
	b->entry.type = &memory_class;
	b->entry.id = (uintptr_t)(b + 1);
	b->entry.site = site;
	ledger_lock(mod->sys);
	err = ledger_add_locked(mod->gen, &b->entry);
	ledger_unlock(mod->sys);
	if (err == 0)
		return b + 1;
	port_free(mod->sys->port, b, b->size);
	return NULL;
}

void *resource_alloc(struct module *owner, size_t size)
{
	struct tn_module *mod = resource_owner(owner);

	return mod != NULL
		   ? tn_module_alloc(mod, size, __builtin_return_address(0))
		   : NULL;
}

static void report(const struct tn_module *mod, const void *p, int err)
{
	const struct tn_port *port = mod->sys->port;
	char text[SENTENCE_MAX];

	(void)text_format(text, sizeof(text), "%s: kfree of 0x%lx, which is %s",
	    mod->name, (unsigned long)(uintptr_t)p,
	    err == -TN_EPERM ? "another module's" : "not allocated");
	port->log(port->ctx, TN_LOG_ERROR, text);
}

int tn_module_free(struct tn_module *mod, const void *p)
{
	int err;

	if (p == NULL)
		return 0;
	err = tn_ledger_drop(mod, &memory_class, (uintptr_t)p);
	if (err != 0)
		report(mod, p, err);
	return err;
}

int resource_free(struct module *owner, const void *p)
{
	struct tn_module *mod = resource_owner(owner);

	if (mod == NULL)
		return p == NULL ? 0 : -TN_EINVAL;
	return tn_module_free(mod, p);
}
