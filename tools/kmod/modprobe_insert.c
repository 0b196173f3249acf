/* SPDX-License-Identifier: MIT */
/* Loading, or showing what would be loaded. See modprobe.h. */
#include "modprobe.h"

#include <stdio.h>
#include <string.h>

#include <tenon/err.h>

static bool is_present(struct modprobe *mp, struct module *m)
{
	const int state = modprobe_state(mp, m, NULL);

	return state == BACKEND_LIVE || state == BACKEND_BUILTIN;
}

static void show_action(struct modprobe *mp, const struct action *a)
{
	struct module *m = a->step->module;

	if (mp->o.explain || mp->o.json)
		modprobe_explain(mp, a);
	else if (a->command != NULL)
		printf("install %s %s\n", a->command, a->options);
	else if (module_is_builtin(&mp->catalog, m))
		printf("builtin %s\n", m->name);
	else if (m->path != NULL)
		printf("insmod %s %s\n", m->path, a->options);
}

static int insert_file(struct modprobe *mp, const struct action *a)
{
	const struct module *m = a->step->module;
	struct backend_insert what = {
		.name = m->name,
		.path = m->path,
		.params = a->options,
	};

	if (m->path == NULL)
		return -TN_ENOENT;
	if (mp->o.ignore_versions)
		what.flags |= BACKEND_IGNORE_VERSIONS;
	if (mp->o.ignore_vermagic)
		what.flags |= BACKEND_IGNORE_VERMAGIC;
	return mp->ops->insert(mp->be, &what, &mp->why);
}

static int do_action(struct modprobe *mp, const struct action *a)
{
	if (mp->show)
		show_action(mp, a);
	if (mp->o.dry_run)
		return 0;
	if (a->command != NULL)
		return modprobe_run_command(
		    mp, a->step->module, CONFIG_INSTALL, a->options);
	return insert_file(mp, a);
}

/* One step of the plan for @wanted. 0 goes on. */
static int do_step(struct modprobe *mp, const struct plan_step *s,
    const struct module *wanted, const char *options)
{
	struct action a = { .step = s, .wanted = wanted };
	struct module *m = s->module;
	int err = module_look_up(&mp->catalog, m);

	if (err)
		return err;
	if (!mp->o.depends && is_present(mp, m))
		return m == wanted && mp->o.first_time ? -TN_EEXIST : 0;
	a.options =
	    module_options(&mp->catalog, m, m == wanted ? options : NULL);
	if (a.options == NULL)
		return -TN_ENOMEM;
	if (!m->bare)
		a.command = module_command(&mp->catalog, m, CONFIG_INSTALL);
	err = do_action(mp, &a);
	if (err == -TN_EEXIST && m == wanted && mp->o.first_time)
		return err;
	/* others may have loaded it meanwhile; a soft dependency may fail */
	return err == -TN_EEXIST || !m->required ? 0 : err;
}

/*
 * One of the modules that a name stands for. Blacklisted ones are left out:
 * behind an alias always, by their own names with -b.
 */
static int insert_module(
    struct modprobe *mp, struct module *m, const char *options)
{
	struct plan plan;
	int err;

	if ((m->alias != NULL || mp->o.blacklist) &&
	    config_is_blacklisted(&mp->catalog.config, m->name))
		return 0;
	if (!mp->o.depends && is_present(mp, m))
		return mp->o.first_time ? -TN_EEXIST : 0;
	err = probe_plan(&plan, &mp->catalog, m, mp->o.bare);
	for (const struct plan_step *s = plan.first; err == 0 && s != NULL;
	     s = s->next)
		err = do_step(mp, s, m, options);
	return err;
}

static void tell(struct modprobe *mp, const struct module *m, int err)
{
	const char *why = strerror(-err);

	if (err == -TN_EEXIST)
		why = "Module already in kernel";
	else if (mp->why.text[0] != '\0')
		why = mp->why.text;
	else if (err == -TN_ENOENT && m->path == NULL)
		why = "there is no file of it";
	else if (err == -TN_ENOENT)
		why =
		    "Unknown symbol in module, or unknown parameter (see dmesg)";
	report(&mp->report, REPORT_ERROR, "could not insert '%s': %s", m->name,
	    why);
}

int modprobe_insert(struct modprobe *mp, const char *name, const char *options)
{
	struct found *f;
	int err = catalog_find(&mp->catalog, name, &f);

	if (err == -TN_ENOMEM)
		return err;
	if (err != 0 || f == NULL) {
		report(&mp->report, mp->o.all ? REPORT_WARNING : REPORT_FATAL,
		    "Module %s not found in directory %s", name,
		    mp->catalog.dir);
		return -TN_ENOENT;
	}
	for (; err == 0 && f != NULL; f = f->next) {
		if (mp->o.resolve) {
			modprobe_show_found(mp, name, f->module);
			continue;
		}
		mp->why.text[0] = '\0';
		err = insert_module(mp, f->module, options);
		if (err && err != -TN_ENOMEM)
			tell(mp, f->module, err);
	}
	return err;
}
