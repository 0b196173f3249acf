/* SPDX-License-Identifier: MIT */
/*
 * What one module file says of symbols: the versions that it wants of others'
 * (__versions), and those that it exports with theirs. A line each.
 */
#include "modprobe.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <tenon/err.h>

#include "modname.h"
#include "modscan.h"

/* An entry of __versions: a CRC and a name that fills the rest. */
#define ENTRY     64u
#define ENTRY_CRC 8u

static void show(uint64_t crc, const char *name, size_t n)
{
	printf("0x%08" PRIx64 "\t%.*s\n", crc, (int)n, name);
}

/* Only files have symbols; a name in the tree is none. */
static bool is_file(struct modprobe *mp, const char *path)
{
	struct stat st;

	if (modname_is_file(path) && stat(path, &st) == 0 &&
	    S_ISREG(st.st_mode))
		return true;
	report(&mp->report, REPORT_FATAL, "Module %s not found.", path);
	return false;
}

static int tell(struct modprobe *mp, const char *what, const char *path,
    int err, const struct modread_why *why)
{
	char text[MODREAD_WHY_TEXT];

	if (err == -TN_ENOMEM)
		return err;
	if (why->what != NULL)
		report(&mp->report, REPORT_FATAL,
		    "could not get %s of %s: %s: it %s", what, path,
		    strerror(-err), modread_why_text(why, text));
	else
		report(&mp->report, REPORT_FATAL, "could not get %s of %s: %s",
		    what, path, strerror(-err));
	return err;
}

static void show_entries(struct span s)
{
	for (; s.n >= ENTRY; s.p += ENTRY, s.n -= ENTRY) {
		const char *name = (const char *)s.p + ENTRY_CRC;

		show(get_le64(s.p), name, strnlen(name, ENTRY - ENTRY_CRC));
	}
}

static int show_open_versions(struct modread *r)
{
	struct modread_sections sections;
	struct span entries;
	int err = modread_sections(r, &sections);

	if (err == 0)
		err = modread_section(r, &sections, "__versions", &entries);
	if (err == 0)
		show_entries(entries);
	return err;
}

int modprobe_show_versions(struct modprobe *mp, const char *path)
{
	struct modread r;
	int err;

	if (!is_file(mp, path))
		return -TN_ENOENT;
	err = modread_init(&r);
	if (err)
		return err;
	err = modread_open(&r, AT_FDCWD, path);
	if (err == 0) {
		err = show_open_versions(&r);
		modread_close(&r);
	}
	if (err)
		err = tell(mp, "modversions", path, err, &r.why);
	modread_fini(&r);
	return err;
}

static void show_facts(const struct facts *f)
{
	const char *name = facts_first(f, FACTS_EXPORTS);

	for (uint32_t i = 0; i < f->n[FACTS_EXPORTS]; i++) {
		show(f->details[i].crc, name, strlen(name));
		name = facts_next(name);
	}
}

int modprobe_show_exports(struct modprobe *mp, const char *path)
{
	struct modscan scan;
	struct facts facts = { 0 };
	int err;

	if (!is_file(mp, path))
		return -TN_ENOENT;
	err = modscan_init(&scan, 0, true);
	if (err == 0)
		err = modscan_file(&scan, AT_FDCWD, path, &facts);
	if (err == 0 && facts.n[FACTS_EXPORTS] == 0)
		err = -TN_ENOENT; /* kmod's status, too */
	if (err)
		err = tell(mp, "symbols", path, err, &scan.read.why);
	if (err != -TN_ENOMEM && facts.n[FACTS_EXPORTS] != 0) {
		show_facts(&facts);
		err = 0; /* damage elsewhere in the file has been told */
	}
	modscan_fini(&scan);
	return err;
}
