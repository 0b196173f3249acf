/* SPDX-License-Identifier: MIT */
/* Unloading, or showing what would be unloaded. See modprobe.h. */
#include "modprobe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tenon/err.h>

#define PAUSE_MAX_MS 256 /* so late at most it is noticed */

static int remove_module(struct modprobe *mp, struct module *m);

static long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Asks again, at growing intervals, while it is in use. */
static int remove_patiently(
    struct modprobe *mp, const struct module *m, unsigned flags)
{
	const long begun = now_ms();
	long pause = 1;

	for (;;) {
		const int err =
		    mp->ops->remove(mp->be, m->name, flags, &mp->why);
		const long left = begun + mp->o.wait_ms - now_ms();
		struct timespec ts;

		if ((err != -TN_EAGAIN && err != -TN_EBUSY) || left <= 0)
			return err;
		pause = pause < left ? pause : left;
		ts.tv_sec = pause / 1000;
		ts.tv_nsec = pause % 1000 * 1000000;
		(void)nanosleep(&ts, NULL);
		if (pause < PAUSE_MAX_MS)
			pause *= 2;
	}
}

static int remove_one(struct modprobe *mp, const struct module *m)
{
	const bool force = mp->o.ignore_versions && mp->o.ignore_vermagic;
	int err;

	if (mp->show)
		printf("rmmod %s\n", m->name);
	if (mp->o.dry_run)
		return 0;
	mp->why.text[0] = '\0';
	err = remove_patiently(mp, m, force ? BACKEND_FORCE : 0);
	if (err == -TN_ENOENT && !mp->o.first_time)
		return 0;
	if (err)
		report(&mp->report, REPORT_ERROR, "could not remove '%s': %s",
		    m->name,
		    mp->why.text[0] != '\0' ? mp->why.text : strerror(-err));
	return err;
}

/* What is soft may fail. */
static int remove_names(struct modprobe *mp, const struct config_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		struct found *f;
		int err = catalog_find(&mp->catalog, names->names[i], &f);

		for (; err == 0 && f != NULL; f = f->next) {
			const int soft = remove_module(mp, f->module);

			if (soft == -TN_ENOMEM || mp->stopped)
				return soft;
		}
		if (err == -TN_ENOMEM)
			return err;
	}
	return 0;
}

/* Gathers the names of those who use a module. */
struct holders {
	struct arena *arena;
	char *names; /* "a,b"; NULL: not asked */
	int err;
};

static bool see_holders(const struct backend_module *bm, void *arg)
{
	struct holders *h = arg;

	h->names = arena_text(h->arena, bm->holders, strlen(bm->holders));
	h->err = h->names != NULL ? 0 : -TN_ENOMEM;
	return true;
}

static int remove_holders(struct modprobe *mp, struct module *m)
{
	struct holders h = { .arena = &mp->catalog.arena };
	char *rest, *name;
	int err = mp->ops->state(mp->be, m->name, see_holders, &h);

	if (err < 0)
		return err;
	rest = h.names;
	for (err = h.err; err == 0 && (name = strsep(&rest, ", ")) != NULL;) {
		struct module *holder = NULL;

		if (*name == '\0')
			continue;
		err = catalog_find_name(&mp->catalog, name, &holder);
		if (err == 0 && holder != NULL)
			err = remove_module(mp, holder);
	}
	return err;
}

/*
 * Is there something to remove? 1: yes, as always with -D; 0: no, and that is
 * fine, as for what is built in and was not asked for itself.
 */
static int check_present(struct modprobe *mp, struct module *m)
{
	if (mp->o.depends)
		return 1;
	switch (modprobe_state(mp, m, NULL)) {
	case BACKEND_BUILTIN:
		if (m != mp->asked)
			return 0;
		modprobe_fatal(mp, "Module %s is builtin.", m->name);
		return -TN_ENOENT;
	case BACKEND_LIVE:
	case BACKEND_COMING:
	case BACKEND_GOING: return 1;
	default: break;
	}
	if (!mp->o.first_time)
		return 0;
	modprobe_fatal(mp, "Module %s is not in kernel.", m->name);
	return -TN_ENOENT;
}

static int check_unused(struct modprobe *mp, struct module *m)
{
	int64_t refs = 0;

	(void)modprobe_state(mp, m, &refs);
	if (refs <= 0 || mp->o.depends || mp->o.wait_ms > 0)
		return 0;
	modprobe_fatal(mp, "Module %s is in use.", m->name);
	return -TN_EBUSY;
}

/* What it needed goes, too, if nobody else uses it. */
static int remove_unused(struct modprobe *mp, struct module *m)
{
	int err = module_look_up(&mp->catalog, m);

	/* Once, in this order, as kmod does: what one of them alone has used
	   stays when it comes before its user. */
	for (size_t i = 0; err == 0 && i < m->nneeds; i++) {
		struct module *need = m->needs[i];
		int64_t refs = -1;
		const int state = modprobe_state(mp, need, &refs);

		if (state == BACKEND_LIVE && refs == 0)
			(void)remove_one(mp, need); /* it has told why */
	}
	return err;
}

static int remove_itself(
    struct modprobe *mp, struct module *m, const char *command)
{
	int err;

	if (mp->o.remove_holders) {
		err = remove_holders(mp, m);
		if (err)
			return err;
	}
	if (command != NULL) {
		if (mp->show)
			printf("remove %s\n", command);
		return mp->o.dry_run
			   ? 0
			   : modprobe_run_command(mp, m, CONFIG_REMOVE, "");
	}
	err = check_unused(mp, m);
	return err ? err : remove_one(mp, m);
}

/* Between its soft dependencies, if there is something to remove. */
static int remove_between(struct modprobe *mp, struct module *m)
{
	static const struct config_entry none;
	const struct config_entry *soft = NULL;
	const char *command = NULL;
	int err;

	if (!mp->o.bare) {
		soft =
		    config_match(&mp->catalog.config, CONFIG_SOFTDEP, m->name);
		command = module_command(&mp->catalog, m, CONFIG_REMOVE);
	}
	if (soft == NULL)
		soft = &none;
	if (command == NULL) {
		err = check_present(mp, m);
		if (err <= 0)
			return err;
	}
	err = remove_names(mp, &soft->post);
	if (err == 0)
		err = remove_itself(mp, m, command);
	if (err == 0)
		err = remove_names(mp, &soft->pre);
	return err ? err : remove_unused(mp, m);
}

/*
 * Recursion: through soft dependencies and holders, none of which may lead
 * back to a module that is being removed.
 */
static int remove_module(struct modprobe *mp, struct module *m)
{
	int err;

	if (m->visited) {
		modprobe_fatal(mp,
		    "Module %s and those that are removed with it go round in a circle.",
		    m->name);
		return -TN_ELOOP;
	}
	m->visited = true;
	err = remove_between(mp, m);
	m->visited = false;
	return err;
}

int modprobe_remove(struct modprobe *mp, const char *name)
{
	struct found *f;
	int err = catalog_find(&mp->catalog, name, &f);

	if (err == -TN_ENOMEM)
		return err;
	if (err != 0 || f == NULL) {
		modprobe_fatal(mp, "Module %s not found.", name);
		return -TN_ENOENT;
	}
	for (; err == 0 && f != NULL; f = f->next) {
		mp->asked = f->module;
		err = remove_module(mp, f->module);
	}
	return err;
}
