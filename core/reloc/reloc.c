/* SPDX-License-Identifier: MIT */
/*
 * The part of the encoders that is the same for all machines: finding a
 * machine and a row, the limits of a field, plain words, ULEB128 numbers, and
 * the way to the machine's own file. Nothing here has state; all tables are
 * constant.
 */
#include "encode.h"

static const struct reloc_machine *const machines[] = {
	&reloc_x86_64,
	&reloc_aarch64,
	&reloc_riscv64,
};

const char *reloc_machine_name(unsigned elf_machine)
{
	switch (elf_machine) {
	case EM_X86_64: return "x86_64";
	case EM_AARCH64: return "aarch64";
	case EM_RISCV: return "riscv64";
	default: return NULL;
	}
}

static const struct reloc_howto unknown = { .expr = RELOC_UNKNOWN, .align = 1 };

const struct reloc_machine *reloc_machine(unsigned elf_machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		if (machines[i]->elf_machine == elf_machine)
			return machines[i];
	}
	return NULL;
}

static const struct reloc_table *table_of(
    const struct reloc_machine *m, uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->tables); i++) {
		if (type - m->tables[i].first < m->tables[i].count)
			return &m->tables[i];
	}
	return NULL;
}

const struct reloc_howto *reloc_find_rare(
    const struct reloc_machine *m, uint32_t type)
{
	const struct reloc_table *t = table_of(m, type);

	return t ? &t->rows[type - t->first] : &unknown;
}

const char *reloc_name(const struct reloc_machine *m, uint32_t type)
{
	const struct reloc_table *t = table_of(m, type);
	const char *name;

	if (!t || t->rows[type - t->first].expr == RELOC_UNKNOWN)
		return NULL;
	name = t->names;
	for (uint32_t i = t->first; i < type; i++) {
		while (*name++)
			continue;
	}
	return name;
}

int reloc_check(const struct reloc_howto *how, uint64_t value)
{
	const uint64_t half = how->bits ? 1ull << (how->bits - 1) : 0;
	const uint64_t low = how->range == RELOC_UNSIGNED ? 0 : half;
	const uint64_t count = how->range == RELOC_EITHER ? 3 * half : 2 * half;

	if (value & (how->align - 1u))
		return -TN_EINVAL;
	if (how->range == RELOC_ANY || value + how->bias + low < count)
		return 0;
	return -TN_ERANGE;
}

void reloc_limits(const struct reloc_howto *how, int64_t *low, int64_t *high)
{
	const bool all = how->range == RELOC_ANY || how->bits > 62;
	const int64_t bias = how->bias;
	int64_t half;

	*low = INT64_MIN;
	*high = INT64_MAX;
	if (all || how->bits == 0)
		return;
	half = (int64_t)1 << (how->bits - 1);
	*low = how->range == RELOC_UNSIGNED ? -bias : -half - bias;
	*high = (how->range == RELOC_SIGNED ? half : 2 * half) - 1 - bias;
}

/* Once, where whole programs are optimised: reloc_put is in every loop. */
__attribute__((noinline)) void reloc_put_field(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place, uint64_t value)
{
	switch (how->field) {
	case FIELD_NONE: return;
	case FIELD_8: *place = (uint8_t)value; return;
	case FIELD_16: put_le16(place, (uint16_t)value); return;
	default: m->ops->put(how->field, place, value);
	}
}

/* Bytes of the ULEB128 number at @p, or 0 when it has no end in @room. */
static size_t uleb_length(const uint8_t *p, size_t room)
{
	const size_t longest = 10; /* of 64 bits, in sevens */

	for (size_t i = 0; i < room && i < longest; i++) {
		if (!(p[i] & 0x80))
			return i + 1;
	}
	return 0;
}

int reloc_put_uleb(uint8_t *place, size_t room, uint64_t value)
{
	const size_t n = uleb_length(place, room);

	if (n == 0)
		return -TN_EINVAL;
	if (n < 10 && value >> (7 * n))
		return -TN_ERANGE;
	for (size_t i = 0; i < n; i++) {
		place[i] = (uint8_t)((value & 0x7f) | (i + 1 < n ? 0x80 : 0));
		value >>= 7;
	}
	return 0;
}

const struct reloc_howto *reloc_direct(
    const struct reloc_machine *m, const struct reloc_howto *how)
{
	return m->ops->direct(how);
}

bool reloc_can_relax(const struct reloc_machine *m,
    const struct reloc_howto *how, const uint8_t *place, size_t before,
    int64_t addend)
{
	return m->ops->can_relax(how, place, before, addend);
}

const struct reloc_howto *reloc_relax(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place, int *shift)
{
	*shift = m->ops->relax(how, place);
	return m->ops->direct(how);
}

int reloc_put_stub(
    const struct reloc_machine *m, uint8_t *to, uint64_t at, uint64_t cell)
{
	if (cell % 8 || at % m->stub_align)
		return -TN_EINVAL;
	return m->ops->put_stub(to, at, cell);
}

uint64_t reloc_weak_value(
    const struct reloc_machine *m, const struct reloc_howto *how, uint64_t p)
{
	return m->ops->weak_value ? m->ops->weak_value(how, p) : 0;
}

bool reloc_put_weak_branch(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place, int64_t addend)
{
	return m->ops->put_weak_branch &&
	       m->ops->put_weak_branch(how, place, addend);
}

bool reloc_make_absolute(const struct reloc_machine *m,
    const struct reloc_howto *how, uint8_t *place)
{
	return m->ops->make_absolute && m->ops->make_absolute(how, place);
}
