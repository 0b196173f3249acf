/* SPDX-License-Identifier: MIT */
/*
 * __versions: the CRC of every import at the time when the module was built
 * (Linux, struct modversion_info; docs/module-format.md). The records are
 * indexed by name once, so that asking for each import is linear in total.
 * A record whose name does not end inside it is no record.
 */
#include "load.h"

#include <base/string.h>

#define NAME_OFFSET 8 /* behind the 64-bit CRC */
#define NAME_SIZE   56
#define RECORD_SIZE (NAME_OFFSET + NAME_SIZE)

static bool ends_inside(const uint8_t *record)
{
	return record[RECORD_SIZE - 1] == '\0';
}

int versions_open(struct tn_load *l)
{
	const size_t n = l->versions.n / RECORD_SIZE;

	if (n == 0)
		return 0;
	l->version_keys = load_table(l, n, sizeof(*l->version_keys));
	if (l->version_keys == NULL)
		return l->diag->error;
	index_init(&l->version_index, l->port, l->sys->config.seed);
	if (index_reserve(&l->version_index, n) != 0)
		return load_fail_memory(l, n);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *record = l->versions.p + i * RECORD_SIZE;
		struct version_key *key = &l->version_keys[i];

		if (!ends_inside(record))
			continue;
		key->key.name = (const char *)record + NAME_OFFSET;
		key->crc = get_le64(record);
		(void)index_insert(&l->version_index, &key->key);
	}
	return 0;
}

int versions_check(struct tn_load *l, const struct export_record *rec)
{
	const struct version_key *key;

	if (l->version_keys == NULL || rec->crc == 0)
		return 0;
	key = (const struct version_key *)index_find(
	    &l->version_index, rec->name);
	if (key == NULL || key->crc == rec->crc)
		return 0;
	(void)load_fail_import(l, TN_REASON_CRC, rec->name, "");
	l->diag->value = key->crc;
	l->diag->high = rec->crc;
	return l->diag->error;
}
