/* SPDX-License-Identifier: MIT */
/*
 * Notes (gABI chapter 5, "Note Section"; 4-byte padding, as GNU tools write
 * it in ELF64 too) and .modinfo (Linux's NUL-separated key=value strings).
 */
#include <elf/tables.h>

#include <base/overflow.h>
#include <base/string.h>

static bool take(struct span *rest, uint64_t size, struct span *out)
{
	const uint64_t padded = align_up(size, 4);

	if (!span_sub(*rest, 0, size, out))
		return false;
	const size_t step = padded < rest->n ? (size_t)padded : rest->n;

	rest->p += step;
	rest->n -= step;
	return true;
}

bool elf_note_next(struct span *rest, struct elf_note *note)
{
	struct span head;

	if (!take(rest, sizeof(struct elf_nhdr), &head))
		return false;
	note->type = get_le32(head.p + 8);
	return take(rest, get_le32(head.p), &note->name) &&
	       take(rest, get_le32(head.p + 4), &note->desc);
}

static size_t entry_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '\0')
		n++;
	return n;
}

bool elf_modinfo_next(struct span *rest, const char **entry)
{
	while (rest->n != 0 && *rest->p == '\0') {
		rest->p++;
		rest->n--;
	}
	const size_t n = entry_length(*rest);

	if (n == rest->n)
		return false; /* nothing left, or a string without its NUL */
	*entry = (const char *)rest->p;
	rest->p += n + 1;
	rest->n -= n + 1;
	return true;
}

const char *elf_modinfo_get(struct span modinfo, const char *key)
{
	const size_t n = str_len(key);
	const char *entry;

	while (elf_modinfo_next(&modinfo, &entry))
		if (str_begins(entry, key) && entry[n] == '=')
			return entry + n + 1;
	return NULL;
}
