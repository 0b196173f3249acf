/* SPDX-License-Identifier: MIT */
/*
 * The rest of a module's file as C: name= and depends=, __versions, the note
 * and the CRCs of its exports, in the layouts of docs/module-format.md.
 */
#include "modpost.h"

#include <stdlib.h>
#include <string.h>

#include <kmod/clean.h>
#include <tenon/depend.h>
#include <tenon/engine.h>

#define MAX_DEPENDS 256

/* Names of modules, each once, in the order in which they were found. */
struct depends {
	char name[MAX_DEPENDS][NAME_LIMIT + 1];
	size_t n;
};

static bool depends_add(
    struct modpost *mp, struct depends *d, const char *name, size_t len)
{
	if (len == 0 || len > NAME_LIMIT || d->n == MAX_DEPENDS) {
		mp_fail(mp, "'%.*s' cannot be a dependency", (int)len, name);
		return false;
	}
	for (size_t i = 0; i < d->n; i++)
		if (strlen(d->name[i]) == len &&
		    memcmp(d->name[i], name, len) == 0)
			return true;
	memcpy(d->name[d->n], name, len);
	d->name[d->n++][len] = '\0';
	return true;
}

/*
 * "provider >= 1.2 < 2, ?log": the names; an optional one is no dependency for
 * tools that know Linux's keys only, but one that is better loaded before.
 */
static bool depends_add_declared(struct modpost *mp, struct depends *all,
    struct depends *optional, const char *text)
{
	struct tn_depend d;

	/* that it is well-formed has been checked */
	while (tn_depend_next(&text, &d) > 0)
		if (!depends_add(mp, d.optional ? optional : all, d.name,
			strlen(d.name)))
			return false;
	return true;
}

static bool depends_collect(
    struct modpost *mp, struct depends *d, struct depends *optional)
{
	struct span rest = mp->object.modinfo;
	const char *text;

	for (size_t i = 0; i < mp->object.nimports; i++) {
		const struct known *k = mp->object.imports[i].from;

		if (k != NULL && strcmp(k->module, CORE) != 0 &&
		    !depends_add(mp, d, k->module, strlen(k->module)))
			return false;
	}
	while ((text = mp_modinfo_next(&rest, "tenon.depends")) != NULL)
		if (!depends_add_declared(mp, d, optional, text))
			return false;
	return true;
}

static void write_names(FILE *out, const struct depends *d, char between)
{
	for (size_t i = 0; i < d->n; i++) {
		if (i != 0)
			fputc(between, out);
		fputs(d->name[i], out);
	}
}

static bool write_modinfo(struct modpost *mp, FILE *out)
{
	struct depends *d = calloc(2, sizeof(*d));
	bool ok = false;

	if (d == NULL) {
		mp_fail(mp, "out of memory");
		return false;
	}
	if (depends_collect(mp, &d[0], &d[1])) {
		fprintf(out, "MODULE_INFO(name, \"%s\");\n", mp->name);
		fprintf(out, "MODULE_INFO(depends, \"");
		write_names(out, &d[0], ',');
		fprintf(out, "\");\n");
		if (d[1].n != 0) {
			fprintf(out, "MODULE_INFO(softdep, \"pre: ");
			write_names(out, &d[1], ' ');
			fprintf(out, "\");\n");
		}
		fprintf(out, "\n");
		ok = true;
	}
	free(d);
	return ok;
}

static bool is_versioned(const struct import *im)
{
	return im->from != NULL && im->from->crc != 0;
}

static void write_versions(struct modpost *mp, FILE *out)
{
	const struct object *obj = &mp->object;
	size_t n = 0;

	for (size_t i = 0; i < obj->nimports; i++) {
		const struct import *im = &obj->imports[i];

		if (!is_versioned(im))
			continue;
		if (strlen(im->name) > NAME_LIMIT) {
			clean_print(stderr,
			    "modpost: %s: warning: '%s' is too long a name for a version\n",
			    mp->name, im->name);
			continue;
		}
		if (n++ == 0)
			fprintf(out,
			    "static const struct {\n"
			    "\tuint64_t crc;\n"
			    "\tchar name[56];\n"
			    "} versions[] __attribute__((section(\"__versions\"), used,\n"
			    "    aligned(8))) = {\n");
		fprintf(
		    out, "\t{ 0x%08x, \"%s\" },\n", im->from->crc, im->name);
	}
	if (n != 0)
		fprintf(out, "};\n\n");
}

static void write_note(const struct modpost *mp, FILE *out)
{
	fprintf(out,
	    "__asm__(\".pushsection .note.tenon, \\\"a\\\", %%note\\n\\t\"\n"
	    "\t\".balign 4\\n\\t\"\n"
	    "\t\".long 6, 16, 1\\n\\t\"\n"
	    "\t\".asciz \\\"Tenon\\\"\\n\\t\"\n"
	    "\t\".balign 4\\n\\t\"\n"
	    "\t\".long 1, %u, %u, %u\\n\\t\"\n"
	    "\t\".popsection\\n\");\n",
	    mp->profile, TN_ABI_MAJOR, TN_ABI_MINOR);
}

/* Entry i belongs to entry i of the export table: written in its order. */
static void write_crcs(const struct modpost *mp, FILE *out)
{
	for (size_t i = 0; i < mp->object.nexports; i++) {
		const struct export *e = &mp->object.exports[i];

		if (!e->has_crc)
			continue;
		fprintf(out,
		    "\n__asm__(\".pushsection __kcrctab%s, \\\"a\\\", %%progbits\\n\\t\"\n"
		    "\t\".balign 4\\n\"\n"
		    "\t\"__crc_%s:\\n\\t\"\n"
		    "\t\".long 0x%08x\\n\\t\"\n"
		    "\t\".popsection\\n\");\n",
		    e->gpl ? "_gpl" : "", e->name, e->crc);
	}
}

bool mp_write_module(struct modpost *mp, FILE *out)
{
	fprintf(out, "/* Made by tenon modpost. */\n"
		     "#include <tenon/module.h>\n\n");
	if (!write_modinfo(mp, out))
		return false;
	write_versions(mp, out);
	write_note(mp, out);
	write_crcs(mp, out);
	return true;
}

void mp_write_symvers(const struct modpost *mp, FILE *out)
{
	for (size_t i = 0; i < mp->object.nexports; i++) {
		const struct export *e = &mp->object.exports[i];

		fprintf(out, "0x%08x\t%s\t%s\tEXPORT_SYMBOL%s\t%s\n",
		    e->has_crc ? e->crc : 0, e->name, mp->name,
		    e->gpl ? "_GPL" : "", e->ns);
	}
}
