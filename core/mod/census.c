/* SPDX-License-Identifier: MIT */
/*
 * Which interfaces there are and who provides them: for lists and reports.
 */
#include "interface.h"

/* --- looking */

static uint32_t list_length(const struct list *l)
{
	const struct list *pos;
	uint32_t n = 0;

	list_for_each (pos, l)
		n++;
	return n;
}

static struct tn_interface_info info_of(const struct interface *iface)
{
	const struct provision *p = iface->primary;

	return (struct tn_interface_info){
		.name = iface->name,
		.flags = iface->flags,
		.version = p != NULL ? p->version : 0,
		.primary = p != NULL && p->owner != NULL ? p->owner->mod : NULL,
		.provided = p != NULL,
		.nproviders = list_length(&iface->provisions),
		.nbonds = list_length(&iface->bonds),
	};
}

int tn_interface_info(
    struct tn_system *sys, const char *name, struct tn_interface_info *info)
{
	const struct interface *iface;

	registry_lock(sys);
	iface = interface_find(sys, name);
	if (iface != NULL)
		*info = info_of(iface);
	registry_unlock(sys);
	return iface != NULL ? 0 : -TN_ENOENT;
}

int tn_interface_providers(struct tn_system *sys, const char *name,
    int (*fn)(void *arg, const struct tn_module *provider, bool primary),
    void *arg)
{
	const struct interface *iface;
	const struct list *pos;
	int stop = 0;

	registry_lock_to_read(sys);
	iface = interface_find(sys, name);
	if (iface != NULL) {
		list_for_each (pos, &iface->provisions) {
			const struct provision *p = provision_at(pos);

			stop = fn(arg, p->owner != NULL ? p->owner->mod : NULL,
			    p == iface->primary);
			if (stop != 0)
				break;
		}
	}
	registry_unlock_read(sys);
	return stop;
}

struct visit {
	int (*fn)(void *arg, const struct tn_interface_info *info);
	void *arg;
	int stop;
};

static bool visit(void *arg, struct index_key *key)
{
	struct visit *v = arg;
	const struct tn_interface_info info =
	    info_of(CONTAINER_OF(key, struct interface, key));

	v->stop = v->fn(v->arg, &info);
	return v->stop == 0;
}

int tn_interface_each(struct tn_system *sys,
    int (*fn)(void *arg, const struct tn_interface_info *info), void *arg)
{
	struct visit v = { fn, arg, 0 };

	registry_lock_to_read(sys);
	index_each(&sys->interfaces, visit, &v);
	registry_unlock_read(sys);
	return v.stop;
}
