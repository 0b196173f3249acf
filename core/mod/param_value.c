/* SPDX-License-Identifier: MIT */
/*
 * Values of parameters: text to variable and back. The rules are those of
 * Linux's parameters (tenon/param.h states them).
 *
 * Every setting walks over its elements twice: the first time only checks, the
 * second one writes, so that a value that is wrong in its middle changes
 * nothing. A charp points into a copy of the whole text, in which the commas
 * of an array have become NULs; copies hang on the generation.
 */
#include "param.h"

#include <stdatomic.h>

#include <base/format.h>
#include <base/span.h>
#include <base/string.h>

#include "module.h"
#include "param_value.h"

#define TEXT_MAX 1024 /* characters of one charp, as in Linux */

enum kind {
	UNSIGNED,
	SIGNED,
	TRUTH,
	TEXT
};

static const struct type {
	const char *name;
	uint8_t size;
	uint8_t kind;
} types[] = {
	// clang-format off
	[TENON_PARAM_byte] = { "byte", 1, UNSIGNED },
	[TENON_PARAM_short] = { "short", 2, SIGNED },
	[TENON_PARAM_ushort] = { "ushort", 2, UNSIGNED },
	[TENON_PARAM_int] = { "int", 4, SIGNED },
	[TENON_PARAM_uint] = { "uint", 4, UNSIGNED },
	[TENON_PARAM_long] = { "long", 8, SIGNED },
	[TENON_PARAM_ulong] = { "ulong", 8, UNSIGNED },
	[TENON_PARAM_llong] = { "llong", 8, SIGNED },
	[TENON_PARAM_ullong] = { "ullong", 8, UNSIGNED },
	[TENON_PARAM_bool] = { "bool", 1, TRUTH },
	[TENON_PARAM_charp] = { "charp", 8, TEXT },
	[TENON_PARAM_string] = { "string", 1, TEXT },
	// clang-format on
};

const char *tn_param_type_name(enum tn_param_type type)
{
	const unsigned i = (unsigned)type;

	return i != 0 && i < ARRAY_SIZE(types) ? types[i].name : "unknown";
}

unsigned param_type_size(unsigned type)
{
	return type < ARRAY_SIZE(types) ? types[type].size : 0;
}

bool param_is_number(unsigned type)
{
	return types[type].kind <= SIGNED;
}

/* --- numbers */

struct number {
	uint64_t magnitude;
	bool negative;
	bool is_huge; /* more than 64 bits */
};

static unsigned digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

static bool parse_digits(struct span s, unsigned base, struct number *n)
{
	for (size_t i = 0; i < s.n; i++) {
		const unsigned d = digit_value(s.p[i]);

		if (d >= base)
			return false;
		if (__builtin_mul_overflow(
			n->magnitude, (uint64_t)base, &n->magnitude) ||
		    __builtin_add_overflow(n->magnitude, d, &n->magnitude))
			n->is_huge = true;
	}
	return s.n != 0;
}

static void skip(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool parse_number(struct span s, struct number *n)
{
	unsigned base = 10;

	*n = (struct number){ 0 };
	/* what `echo 5 >` leaves behind it */
	if (s.n != 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n != 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		n->negative = s.p[0] == '-';
		skip(&s, 1);
	}
	if (s.n > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x') {
		base = 16;
		skip(&s, 2);
	} else if (s.n > 1 && s.p[0] == '0') {
		base = 8;
		skip(&s, 1);
	}
	return parse_digits(s, base, n);
}

/* Orders signed and unsigned values alike. */
static uint64_t rank(const struct type *t, uint64_t v)
{
	return t->kind == SIGNED ? v ^ UINT64_C(1) << 63 : v;
}

struct limits {
	uint64_t low, high;
};

/* What the type holds, and what the author allows of that. */
static struct limits limits_of(const struct tenon_param *p)
{
	const struct type *t = &types[p->type];
	const unsigned bits = t->size * 8u;
	struct limits m = { 0, UINT64_MAX >> (64 - bits) };

	if (t->kind == SIGNED) {
		m.low = UINT64_MAX << (bits - 1);
		m.high = ~m.low;
	}
	if ((p->flags & TENON_PARAM_RANGE) == 0)
		return m;
	if (rank(t, (uint64_t)p->min) > rank(t, m.low))
		m.low = (uint64_t)p->min;
	if (rank(t, (uint64_t)p->max) < rank(t, m.high))
		m.high = (uint64_t)p->max;
	return m;
}

static enum tn_reason number_bits(
    const struct tenon_param *p, struct span s, uint64_t *bits)
{
	const struct type *t = &types[p->type];
	const struct limits m = limits_of(p);
	struct number n;

	if (!parse_number(s, &n))
		return TN_REASON_PARAM_VALUE;
	*bits = n.negative ? 0 - n.magnitude : n.magnitude;
	/* does the sign agree with what 64 bits say? */
	if (n.is_huge || (t->kind == UNSIGNED && n.negative) ||
	    (t->kind == SIGNED && n.magnitude != 0 &&
		(*bits >> 63 != 0) != n.negative))
		return TN_REASON_PARAM_RANGE;
	return rank(t, *bits) >= rank(t, m.low) &&
		       rank(t, *bits) <= rank(t, m.high)
		   ? TN_REASON_NONE
		   : TN_REASON_PARAM_RANGE;
}

static uint8_t letter(struct span s, size_t i)
{
	const uint8_t c = i < s.n ? s.p[i] : 0;

	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* The first letters decide: "yes" and "no" are as good as "y" and "n". */
static enum tn_reason truth_bits(struct span s, uint64_t *bits)
{
	uint8_t c = letter(s, 0);

	if (c == 'o') /* "on", "off" */
		c = letter(s, 1) == 'n' ? 'y' : letter(s, 1);
	*bits = c == 'y' || c == 't' || c == '1';
	return *bits == 1 || c == 'n' || c == 'f' || c == '0'
		   ? TN_REASON_NONE
		   : TN_REASON_PARAM_VALUE;
}

/* --- failures */

int param_fail(
    const struct param_scope *s, enum tn_reason reason, const char *name)
{
	(void)diag_fail(s->diag, TN_STAGE_PARAMS, reason, s->module, "");
	(void)str_copy(s->diag->symbol, sizeof(s->diag->symbol), name);
	return s->diag->error;
}

void span_copy(char *dst, size_t cap, struct span s)
{
	(void)text_format(
	    dst, cap, "%.*s", (int)(s.n < cap ? s.n : cap), (const char *)s.p);
}

/* Of @text as much is repeated as shows which value it was. */
#define VALUE_SHOWN 64u
static struct tn_diag *fail_value(
    const struct param_setting *set, enum tn_reason reason, struct span text)
{
	struct tn_diag *d = set->scope->diag;

	(void)param_fail(set->scope, reason, set->param->name);
	span_copy(d->other, VALUE_SHOWN + 1, text);
	if (text.n > VALUE_SHOWN)
		(void)str_copy(d->other + VALUE_SHOWN, 4, "...");
	return d;
}

static int fail_length(
    const struct param_setting *set, const char *what, int64_t limit)
{
	struct tn_diag *d = fail_value(set, TN_REASON_PARAM_LENGTH, set->value);

	(void)str_copy(d->section, sizeof(d->section), what);
	d->high = limit;
	return d->error;
}

static int fail_element(
    const struct param_setting *set, enum tn_reason reason, struct span element)
{
	const struct tenon_param *p = set->param;
	struct tn_diag *d = fail_value(set, reason, element);
	const struct limits m = limits_of(p);

	(void)str_copy(d->section, sizeof(d->section), types[p->type].name);
	if (reason != TN_REASON_PARAM_RANGE)
		return d->error;
	d->low = (int64_t)m.low;
	d->high = (int64_t)m.high;
	(void)text_format(d->section, sizeof(d->section),
	    types[p->type].kind == SIGNED ? "%lld to %lld" : "%llu to %llu",
	    (long long)m.low, (long long)m.high);
	return d->error;
}

/* --- texts that charps point to */

struct param_text {
	struct param_text *next;
	size_t n; /* characters */
	bool is_array;
	char text[];
};

void params_free(const struct tn_port *port, struct generation *gen)
{
	struct param_text *t;

	while ((t = gen->param_texts) != NULL) {
		gen->param_texts = t->next;
		port_free(port, t, sizeof(*t) + t->n + 1);
	}
}

static bool is_kept(const struct generation *gen, uint64_t addr)
{
	const struct param_text *t = gen->param_texts;

	while (t != NULL && addr - (uintptr_t)t->text > t->n)
		t = t->next;
	return t != NULL;
}

static char text_byte(const struct param_setting *set, size_t i, bool is_array)
{
	const char c = (char)set->value.p[i];

	return (char)(is_array && c == ',' ? '\0' : c);
}

static bool is_text(const struct param_text *t, const struct param_setting *set)
{
	size_t i = 0;

	if (t->n != set->value.n || t->is_array != param_is_array(set->param))
		return false;
	while (i < t->n && t->text[i] == text_byte(set, i, t->is_array))
		i++;
	return i == t->n;
}

/* The copy of the value: the same for the same text, or NULL. */
static const char *keep(const struct param_setting *set)
{
	const struct param_scope *s = set->scope;
	struct param_text *t = s->gen->param_texts;

	while (t != NULL && !is_text(t, set))
		t = t->next;
	if (t != NULL)
		return t->text;
	t = port_alloc(s->port, sizeof(*t) + set->value.n + 1);
	if (t == NULL)
		return NULL;
	t->n = set->value.n;
	t->is_array = param_is_array(set->param);
	for (size_t i = 0; i < t->n; i++)
		t->text[i] = text_byte(set, i, t->is_array);
	t->text[t->n] = '\0';
	t->next = s->gen->param_texts;
	s->gen->param_texts = t;
	return t->text;
}

/* --- setting */

/* The module may be reading: each element is one store. */
static void store(const struct tenon_param *p, uint32_t i, uint64_t bits)
{
	uint8_t *at = (uint8_t *)p->value + (size_t)i * p->size;

	switch (p->size) {
	case 1: __atomic_store_n(at, (uint8_t)bits, __ATOMIC_RELAXED); break;
	case 2:
		__atomic_store_n(
		    (uint16_t *)(void *)at, (uint16_t)bits, __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_store_n(
		    (uint32_t *)(void *)at, (uint32_t)bits, __ATOMIC_RELAXED);
		break;
	default:
		__atomic_store_n(
		    (uint64_t *)(void *)at, bits, __ATOMIC_RELAXED);
	}
}

static uint64_t load_bits(const struct tenon_param *p, uint32_t i)
{
	const uint8_t *at = (const uint8_t *)p->value + (size_t)i * p->size;

	switch (p->size) {
	case 1: return __atomic_load_n(at, __ATOMIC_RELAXED);
	case 2:
		return __atomic_load_n(
		    (const uint16_t *)(const void *)at, __ATOMIC_RELAXED);
	case 4:
		return __atomic_load_n(
		    (const uint32_t *)(const void *)at, __ATOMIC_RELAXED);
	default:
		return __atomic_load_n(
		    (const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
	}
}

/* Takes the next element from *@rest; the last leaves it without a pointer. */
static struct span next_element(const struct tenon_param *p, struct span *rest)
{
	struct span s = { rest->p, 0 };

	while (s.n < rest->n && (!param_is_array(p) || s.p[s.n] != ','))
		s.n++;
	if (s.n == rest->n)
		*rest = (struct span){ NULL, 0 };
	else
		skip(rest, s.n + 1);
	return s;
}

/* Checks all elements; writes them when @write, with charps into @kept. */
static int walk(const struct param_setting *set, bool write, const char *kept)
{
	const struct tenon_param *p = set->param;
	struct span rest = set->value;
	uint32_t i = 0;

	for (; rest.p != NULL; i++) {
		const struct span s = next_element(p, &rest);
		enum tn_reason wrong = TN_REASON_NONE;
		uint64_t bits = 0;

		if (i == p->capacity)
			return fail_length(set, "elements", p->capacity);
		if (types[p->type].kind == TRUTH)
			wrong = truth_bits(s, &bits);
		else if (types[p->type].kind != TEXT)
			wrong = number_bits(p, s, &bits);
		else if (s.n > TEXT_MAX)
			return fail_length(set, "characters", TEXT_MAX);
		else
			bits = (uintptr_t)kept + (size_t)(s.p - set->value.p);
		if (wrong != TN_REASON_NONE)
			return fail_element(set, wrong, s);
		if (write)
			store(p, i, bits);
	}
	if (write && p->count != NULL)
		__atomic_store_n(p->count, i, __ATOMIC_RELAXED);
	return 0;
}

static int set_string(const struct param_setting *set)
{
	const struct tenon_param *p = set->param;

	if (set->value.n >= p->capacity)
		return fail_length(set, "characters", (int64_t)p->capacity - 1);
	for (uint32_t i = 0; i < set->value.n; i++)
		store(p, i, set->value.p[i]);
	store(p, (uint32_t)set->value.n, 0);
	return 0;
}

int param_set(const struct param_setting *set)
{
	static const uint8_t yes[] = "1";
	const struct tenon_param *p = set->param;
	struct param_setting given = *set;
	const char *kept = NULL;
	int err;

	/* Without '=' there is nothing to look at; a bool means yes. */
	if (given.value.p == NULL && p->type == TENON_PARAM_bool &&
	    !param_is_array(p))
		given.value = (struct span){ yes, 1 };
	if (given.value.p == NULL)
		return fail_element(set, TN_REASON_PARAM_VALUE, set->value);
	if (p->type == TENON_PARAM_string)
		return set_string(&given);
	err = walk(&given, false, NULL);
	if (err == 0 && p->type == TENON_PARAM_charp) {
		kept = keep(&given);
		if (kept == NULL) {
			err = param_fail(
			    given.scope, TN_REASON_NO_MEMORY, p->name);
			given.scope->diag->value = given.value.n;
		}
	}
	return err != 0 ? err : walk(&given, true, kept);
}

/* --- getting */

/* The characters from @addr up to a NUL, all in one part that stays. */
static bool image_text(
    const struct generation *gen, uint64_t addr, struct span *out)
{
	const struct kept_part *part = image_part_at(gen->image, addr);
	const char *s = (const char *)(uintptr_t)addr;

	if (part == NULL || part->kind == TN_TEXT || part->kind >= TN_INIT_TEXT)
		return false;
	const size_t room = part->size - (size_t)(addr - part->addr);

	*out = (struct span){ (const uint8_t *)s, 0 };
	while (out->n < room && s[out->n] != '\0')
		out->n++;
	return out->n < room;
}

static int add_text(const struct generation *gen, uint64_t addr, struct text *t)
{
	const char *kept = (const char *)(uintptr_t)addr;
	struct span s = { (const uint8_t *)kept, 0 };

	if (addr == 0)
		return 0;
	if (is_kept(gen, addr))
		s.n = str_len(kept);
	else if (!image_text(gen, addr, &s))
		return -TN_EOPNOTSUPP;
	text_add(t, "%.*s", (int)s.n, (const char *)s.p);
	return 0;
}

static void add_string(const struct tenon_param *p, struct text *t)
{
	for (uint32_t i = 0; i < p->capacity; i++) {
		const char c = (char)load_bits(p, i);

		if (c == '\0')
			return;
		text_add(t, "%c", c);
	}
}

static void add_number(
    const struct tenon_param *p, uint64_t bits, struct text *t)
{
	const unsigned unused = 64 - p->size * 8;

	/* the sign bit moves up and comes down again */
	if (types[p->type].kind == SIGNED)
		text_add(t, "%lld",
		    (long long)((int64_t)(bits << unused) >> unused));
	else
		text_add(t, "%llu", (unsigned long long)bits);
}

static uint32_t element_count(const struct tenon_param *p)
{
	uint32_t n = p->capacity;

	if (p->count != NULL) {
		n = __atomic_load_n(p->count, __ATOMIC_RELAXED);
		n = n < p->capacity ? n : p->capacity; /* the module's word */
	}
	return n;
}

int param_get(
    const struct generation *gen, const struct tenon_param *p, struct text *t)
{
	const uint32_t n = element_count(p);
	int err = 0;

	if (p->type == TENON_PARAM_string) {
		add_string(p, t);
		return 0;
	}
	for (uint32_t i = 0; i < n && err == 0; i++) {
		const uint64_t bits = load_bits(p, i);

		if (i != 0)
			text_add(t, ",");
		if (p->type == TENON_PARAM_charp)
			err = add_text(gen, bits, t);
		else if (p->type == TENON_PARAM_bool)
			text_add(t, "%c", bits != 0 ? 'Y' : 'N');
		else
			add_number(p, bits, t);
	}
	return err;
}
