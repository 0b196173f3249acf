/* SPDX-License-Identifier: MIT */
/* The entries of a module. See modinfo.h. */
#include "modinfo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#include "modsig.h"

#define HEX_LINE 20 /* bytes of a signature in one line */

static int add(struct modinfo *mi, const struct modinfo_entry *e)
{
	struct modinfo_entries *all = &mi->entries;

	if (all->n == all->room) {
		const size_t room = all->room != 0 ? all->room * 2 : 256;
		struct modinfo_entry *grown =
		    realloc(all->e, room * sizeof(*grown));

		if (grown == NULL)
			return -TN_ENOMEM;
		all->e = grown;
		all->room = room;
	}
	all->e[all->n++] = *e;
	return 0;
}

static int add_text(
    struct modinfo *mi, const char *key, const char *value, size_t value_length)
{
	const struct modinfo_entry e = { key, strlen(key), value,
		value_length };

	return add(mi, &e);
}

/* "key=value" of @n bytes; without '=' the value is empty. */
static int add_pair(struct modinfo *mi, const char *text, size_t n)
{
	const char *equals = memchr(text, '=', n);
	const size_t key = equals != NULL ? (size_t)(equals - text) : n;
	const size_t skip = equals != NULL ? key + 1 : n;
	const struct modinfo_entry e = { text, key, text + skip, n - skip };

	return add(mi, &e);
}

/* Strings that NULs end; any number of these between. */
static int add_strings(struct modinfo *mi, struct span bytes)
{
	const char *p = (const char *)bytes.p, *end = p + bytes.n;
	int err = 0;

	while (p < end && err == 0) {
		const size_t n = strnlen(p, (size_t)(end - p));

		if (n != 0)
			err = add_pair(mi, p, n);
		p += n + 1;
	}
	return err;
}

/* --- signature */

static char *put_hex(char *out, struct span bytes, bool lines)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes.n; i++) {
		if (i != 0)
			*out++ = ':';
		if (i != 0 && lines && i % HEX_LINE == 0) {
			*out++ = '\n';
			*out++ = '\t';
			*out++ = '\t';
		}
		*out++ = digits[bytes.p[i] >> 4];
		*out++ = digits[bytes.p[i] & 15];
	}
	return out;
}

/* Room for @n bytes and their line ends. */
static bool hex_reserve(struct modinfo *mi, size_t n)
{
	const size_t room = n * 3 + n / HEX_LINE * 3 + 8;
	char *grown;

	if (room <= mi->hex_room)
		return true;
	grown = realloc(mi->hex, room);
	if (grown == NULL)
		return false;
	mi->hex = grown;
	mi->hex_room = room;
	return true;
}

static int add_modsig(struct modinfo *mi, const struct modsig *sig)
{
	char *key, *signature, *end;
	int err;

	if (!hex_reserve(mi, sig->key.n + sig->signature.n))
		return -TN_ENOMEM;
	key = mi->hex;
	signature = put_hex(key, sig->key, false);
	end = put_hex(signature, sig->signature, true);
	err = add_text(mi, "sig_id", sig->id, strlen(sig->id));
	if (err == 0)
		err = add_text(
		    mi, "signer", (const char *)sig->signer.p, sig->signer.n);
	if (err == 0)
		err = add_text(mi, "sig_key", key, (size_t)(signature - key));
	if (err == 0)
		err =
		    add_text(mi, "sig_hashalgo", sig->hash, strlen(sig->hash));
	return err ? err
		   : add_text(
			 mi, "signature", signature, (size_t)(end - signature));
}

/* What is no signature that can be read is passed over, as kmod does. */
static int add_signature(struct modinfo *mi)
{
	struct modread *r = &mi->reader;
	const size_t size = r->bytes.n;
	struct span trailer, bytes;
	struct modsig sig;
	uint64_t n;

	if (size < MODSIG_TRAILER ||
	    modread_bytes(r, size - MODSIG_TRAILER, MODSIG_TRAILER, &trailer))
		return 0;
	n = modsig_size(trailer);
	if (n == 0 || n > size || modread_bytes(r, size - n, n, &bytes) != 0 ||
	    !modsig_parse(bytes, &sig))
		return 0;
	return add_modsig(mi, &sig);
}

/* --- sources */

static int read_open_file(struct modinfo *mi)
{
	struct modread_sections sections;
	struct span strings;
	int err = modread_sections(&mi->reader, &sections);

	mi->entries.n = 0;
	if (err)
		return err;
	err = modread_section(&mi->reader, &sections, ".modinfo", &strings);
	if (err == 0)
		err = add_strings(mi, strings);
	return err ? err : add_signature(mi);
}

int modinfo_read_file(struct modinfo *mi, const char *path)
{
	int err = modread_open(&mi->reader, AT_FDCWD, path);

	if (err)
		return err;
	err = read_open_file(mi);
	if (err)
		modread_close(&mi->reader);
	return err;
}

static int read_builtin_file(struct modinfo *mi)
{
	const char *path;
	int err;

	if (mi->builtin_read)
		return 0;
	mi->builtin_read = true;
	path = catalog_path(&mi->catalog, "modules.builtin.modinfo");
	if (path == NULL)
		return -TN_ENOMEM;
	err = buffer_read(&mi->builtin, AT_FDCWD, path);
	if (err) /* what cannot be read is as good as not there */
		buffer_free(&mi->builtin);
	return err == -TN_ENOMEM ? err : 0;
}

int modinfo_read_builtin(struct modinfo *mi, const char *name)
{
	const size_t prefix = strlen(name);
	const char *p, *end;
	int err = read_builtin_file(mi);

	mi->entries.n = 0;
	if (err)
		return err;
	if (mi->builtin.p == NULL)
		return -TN_ENOENT;
	p = mi->builtin.p;
	for (end = p + mi->builtin.n; p < end && err == 0;) {
		const size_t n = strnlen(p, (size_t)(end - p));

		/* "MODULE.key=value"; a second one of that name is another */
		if (n > prefix && p[prefix] == '.' &&
		    memcmp(p, name, prefix) == 0)
			err = add_pair(mi, p + prefix + 1, n - prefix - 1);
		else if (mi->entries.n != 0)
			break;
		p += n + 1;
	}
	return err == 0 && mi->entries.n == 0 ? -TN_ENOSYS : err;
}

void modinfo_free(struct modinfo *mi)
{
	modread_fini(&mi->reader);
	catalog_close(&mi->catalog);
	free(mi->entries.e);
	buffer_free(&mi->builtin);
	free(mi->hex);
}
