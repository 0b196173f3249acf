/* SPDX-License-Identifier: MIT */
/*
 * depmod(8): from a tree of module files to modules.dep and its like. The
 * stages are those of depmod.h; this file puts them in their order.
 */
#include "depmod.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <kmod/applets.h>
#include <tenon/err.h>

#include "depmod_json.h"
#include "depmod_text.h"

#define EXPORTS  FROM(FACTS_EXPORTS)
#define ALIASES  FROM(FACTS_ALIASES)
#define SOFTDEPS FROM(FACTS_SOFTDEPS)

// clang-format off
const struct depmod_output depmod_outputs[DEPMOD_OUTPUTS] = {
	{ "modules.dep", depmod_text_dep, false, FROM_SYMBOLS },
	{ "modules.dep.bin", depmod_index_dep, true, FROM_SYMBOLS },
	{ "modules.alias", depmod_text_alias, false, ALIASES },
	{ "modules.alias.bin", depmod_index_alias, true, ALIASES },
	{ "modules.softdep", depmod_text_softdep, false, SOFTDEPS },
	{ "modules.symbols", depmod_text_symbols, false, EXPORTS },
	{ "modules.symbols.bin", depmod_index_symbols, true, EXPORTS },
	{ "modules.builtin.bin", depmod_index_builtin, true, FROM_LISTS },
	{ "modules.builtin.alias.bin", depmod_index_builtin_alias, true,
	    FROM_LISTS },
	{ "modules.devname", depmod_text_devname, false, ALIASES },
};
// clang-format on

static uint64_t random_seed(void)
{
	uint64_t seed = (uintptr_t)&seed ^ (uint64_t)getpid() << 32;

	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	return seed;
}

/* What does not depend on modules. */
static int prepare(struct depmod *d)
{
	const struct depmod_options *o = &d->options;
	struct buffer folder = { 0 };
	struct depmod_config_for what;

	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	d->started = now.tv_sec * 1000000000ll + now.tv_nsec;
	d->seed = random_seed();
	if (o->errsyms)
		d->options.cache = NULL; /* it does not hold what -e wants */
	buffer_text(&folder, o->base);
	buffer_text(&folder, "/lib/modules/");
	buffer_text(&folder, o->release);
	if (!folder.failed)
		d->folder = arena_text(&d->arena, folder.p, folder.n);
	buffer_free(&folder);
	if (d->folder == NULL)
		return -TN_ENOMEM;
	what = (struct depmod_config_for){ d->folder, o->release, o->configs };
	return depmod_config_load(&d->config, &d->arena, &what, &d->report);
}

void depmod_open_folder(struct depmod *d)
{
	if (d->dir < 0)
		d->dir = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* From the command line to modules with their facts. */
static int gather(struct depmod *d)
{
	int err = depmod_walk(d);

	depmod_open_folder(d);
	depmod_cache_load(d);
	if (!err)
		err = depmod_order(d);
	if (!err)
		err = depmod_scan(d);
	return err;
}

/* From facts to lines. */
static int connect_all(struct depmod *d)
{
	int err = depmod_resolve(d);

	if (!err)
		err = depmod_rank(d);
	if (!err)
		err = depmod_make_lines(d);
	return err;
}

/* From facts to files: those that follow from what has changed. */
static int produce(struct depmod *d)
{
	int err = (d->changed & FROM_SYMBOLS) != 0 ? connect_all(d) : 0;

	if (!err && d->options.json) {
		depmod_json(d);
		return 0;
	}
	if (!err)
		err = depmod_put(d);
	if (!err && !d->options.show)
		err = depmod_cache_save(d);
	return err;
}

static int run(struct depmod *d)
{
	bool is_newer = true;
	int err = prepare(d);

	if (!err && d->options.if_newer) {
		if (d->options.show)
			return 0;
		err = depmod_is_newer(d, &is_newer);
		if (!err && !is_newer)
			return 0;
	}
	if (!err)
		err = gather(d);
	if (err)
		return err;
	d->changed = depmod_cache_changed(d);
	return d->changed == 0 ? depmod_cache_renew(d) : produce(d);
}

static void release(struct depmod *d)
{
	for (unsigned i = 0; i < d->nscans; i++)
		modscan_fini(&d->scans[i]);
	names_free(&d->symbols);
	depmod_cache_free(&d->cache);
	buffer_free(&d->lines);
	buffer_free(&d->found);
	if (d->dir >= 0)
		(void)close(d->dir);
	arena_free(&d->arena);
}

int depmod_main(int argc, char **argv)
{
	struct depmod d = { .dir = -1 };
	int err;

	/* a file that may not grow is an error of write(2), then */
	(void)signal(SIGXFSZ, SIG_IGN);
	report_open(&d.report, "depmod", REPORT_WARNING, false);
	switch (depmod_options_parse(argc, argv, &d.options, &d.report)) {
	case DEPMOD_DONE: return EXIT_SUCCESS;
	case DEPMOD_WRONG: return EXIT_FAILURE;
	case DEPMOD_WRITE: break;
	}
	err = run(&d);
	if (err == -TN_ENOMEM)
		report(&d.report, REPORT_FATAL, "no memory");
	release(&d);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		report(&d.report, REPORT_FATAL, "standard output: %m");
		err = -TN_EIO;
	}
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
