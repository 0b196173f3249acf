/* SPDX-License-Identifier: MIT */
/*
 * Failure records: names and sentences. Each reason is one row: its stable
 * name and the clause that says it, in which the record's fields are filled
 * (add_clause). The sentence starts with the module's name, so every clause
 * reads on from there. What is more than filling in has a function.
 */
#include <tenon/diag.h>

#include <stdbool.h>

#include <base/compiler.h>
#include <base/format.h>
#include <base/string.h>
#include <base/utf8.h>
#include <tenon/err.h>
#include <tenon/port.h>

#include "module.h"

#define NS_PER_MS 1000000
#define NAMED_MAX 16u /* holders that one sentence names */

typedef void clause_fn(struct text *t, const struct tn_diag *d);

/* The field that @letter stands for in a clause, when it is text; else NULL. */
static const char *text_of(const struct tn_diag *d, char letter)
{
	switch (letter) {
	case 'n': return d->section;
	case 'o': return d->other;
	case 's': return d->symbol;
	case 'r': return d->reloc != NULL ? d->reloc : "relocation";
	case '+': return d->value == 1 ? "" : "s";
	default: return NULL;
	}
}

static void add_hex(struct text *t, uint64_t value)
{
	const bool minus = (int64_t)value < 0;

	text_add(t, minus ? "-0x%llx" : "0x%llx",
	    (unsigned long long)(minus ? 0 - value : value));
}

static void add_number(struct text *t, const struct tn_diag *d, char letter)
{
	const unsigned long long value = d->value;

	switch (letter) {
	case 'a': text_add(t, "0x%llx", (unsigned long long)d->offset); break;
	case 'x': text_add(t, "0x%llx", value); break;
	case 'v': add_hex(t, value); break;
	case 'u': text_add(t, "%llu", value); break;
	case 'i': text_add(t, "%lld", (long long)value); break;
	case 'h': text_add(t, "%lld", (long long)d->high); break;
	case 'l': text_add(t, "%lld", (long long)d->low); break;
	case 'c': text_add(t, "0x%08llx", value); break;
	default: text_add(t, "0x%08llx", (unsigned long long)d->high); break;
	}
}

static bool is_empty(const char *text)
{
	return text == NULL || *text == '\0';
}

/*
 * Writes @s with the fields filled in:
 *	%n %o %s	section, other, symbol
 *	%r		the relocation's name
 *	%+		"s" for a plural, unless the value is 1
 *	%a		the offset
 *	%u %i %x %v	the value: unsigned, signed, hexadecimal, that signed
 *	%l %h		low, high
 *	%c %C		value and high as CRCs
 *	{s text}	text, when the symbol (or other, section) is not empty
 *	{!s text}	text, when it is
 */
static void add_clause(struct text *t, const struct tn_diag *d, const char *s)
{
	bool hidden = false;

	for (; *s != '\0'; s++) {
		if (*s == '{') {
			const bool empty = s[1] == '!';

			s += empty ? 2 : 1;
			hidden = is_empty(text_of(d, *s)) != empty;
		} else if (*s == '}') {
			hidden = false;
		} else if (hidden) {
			continue;
		} else if (*s != '%') {
			text_add(t, "%c", *s);
		} else if (text_of(d, *++s) != NULL) {
			text_add(t, "%s", text_of(d, *s));
		} else {
			add_number(t, d, *s);
		}
	}
}

void text_clean(struct text *t, size_t from)
{
	if (from >= t->cap)
		return;
	for (char *s = t->buf + from; *s != '\0';) {
		const size_t n = utf8_printable(s);

		if (n == 0)
			*s = '?';
		s += n != 0 ? n : 1;
	}
}

static void say_missing(struct text *t, const struct tn_diag *d)
{
	text_add(t, "%zu missing symbol%s:", d->nmissing,
	    d->nmissing == 1 ? "" : "s");
	for (size_t i = 0; i < d->nmissing && d->missing != NULL; i++) {
		text_add(t, d->nmissing == 1 ? " " : "\n  ");
		const size_t from = t->len;

		text_add(t, "%s", d->missing[i].symbol);
		if (d->missing[i].nearest != NULL)
			text_add(t, " (nearest: %s)", d->missing[i].nearest);
		text_clean(t, from);
	}
}

static void say_abi(struct text *t, const struct tn_diag *d)
{
	text_add(t, "was built for engine ABI %u.%u, this is %u.%u",
	    (unsigned)(d->value >> 32), (unsigned)d->value,
	    (unsigned)((uint64_t)d->high >> 32), (unsigned)d->high);
}

static void say_unreadable(struct text *t, const struct tn_diag *d)
{
	static const struct {
		int error;
		const char *text;
	} why[] = {
		{ -TN_ENOENT, "there is no such file" },
		{ -TN_EACCES, "permission denied" },
		{ -TN_EPERM, "permission denied" },
		{ -TN_EINVAL, "it is not a regular file" },
		{ -TN_EFBIG, "it is larger than the limit" },
		{ -TN_ENAMETOOLONG, "the path or a name in it is too long" },
		{ -TN_ELOOP, "too many symbolic links" },
		{ -TN_ENOMEM, "no memory" },
		{ -TN_EOPNOTSUPP, "there are no files in this world" },
	};
	const char *text = "input/output error";

	for (size_t i = 0; i < ARRAY_SIZE(why); i++)
		if (why[i].error == d->error)
			text = why[i].text;
	text_add(t, "cannot read %s: %s", d->other, text);
}

/* "worker (2 references, the last taken at 0x55d0, 12 ms ago)" */
static void add_taken(struct text *t, const struct tn_holder *h)
{
	if (h->count > 1)
		text_add(t, " (%llu references, the last",
		    (unsigned long long)h->count);
	else
		text_add(t,
		    h->kind == TN_HOLDER_HANDLE ? " (handle" : " (reference");
	text_add(t, " taken at %p, %llu ms ago)", h->site,
	    (unsigned long long)(h->age_ns / NS_PER_MS));
}

static void add_holder(
    struct text *t, const char *between, const struct tn_holder *h)
{
	text_add(t, "%s%s", between, h->name);
	switch (h->kind) {
	case TN_HOLDER_BOND:
	case TN_HOLDER_RUNNING:
		text_add(t,
		    h->kind == TN_HOLDER_BOND ? " (interface %s, for %llu ms)"
					      : " (running %s, for %llu ms)",
		    h->interface, (unsigned long long)(h->age_ns / NS_PER_MS));
		break;
	case TN_HOLDER_HANDLE:
	case TN_HOLDER_REFERENCE: add_taken(t, h); break;
	case TN_HOLDER_LOADING: text_add(t, " (being loaded)"); break;
	default: break;
	}
}

/* Of the references that it counts among d->value. */
static uint64_t references_of(const struct tn_holder *h)
{
	return h->kind == TN_HOLDER_IMPORTER || h->kind == TN_HOLDER_LOADING ||
		       h->kind == TN_HOLDER_REFERENCE
		   ? h->count
		   : 0;
}

/*
 * "Module base is in use by middle, top, 2 calls in progress": the references
 * that no holder has are those that the engine takes.
 */
static void say_in_use(struct text *t, const struct tn_diag *d)
{
	const size_t n = d->holders != NULL ? d->nholders : 0;
	const size_t named = n < NAMED_MAX ? n : NAMED_MAX;
	uint64_t others = n == d->nholders ? d->value : 0;
	const char *between = " by ";

	text_add(t, "Module %s is in use", d->module);
	for (size_t i = 0; i < n; i++) {
		const uint64_t its = references_of(&d->holders[i]);

		others -= its < others ? its : others;
		if (i >= named)
			continue;
		add_holder(t, between, &d->holders[i]);
		between = ", ";
	}
	if (d->nholders > named)
		text_add(t,
		    n != 0 ? " and %zu more" : " by %zu (no memory for names)",
		    d->nholders - named);
	if (others != 0)
		text_add(t, "%s%llu call%s in progress", between,
		    (unsigned long long)others, others == 1 ? "" : "s");
	else if (d->nholders == 0)
		text_add(t, ", or may be, by a call that has not ended");
}

/* ".text+0x1c: R_X86_64_PC32 against 'printk'" */
#define PLACE "%n+%a: %r{s against '%s'}"

static const struct row {
	const char *name;
	enum tn_errno error; /* what nearly all failures of this kind return */
	const char *clause;
	clause_fn *say; /* when there is no clause */
	bool subject;   /* reads on from the name: "is not an ELF file" */
} rows[] = {
	// clang-format off
	[TN_REASON_NONE] = { "none", 0, "no failure", NULL, false },
	[TN_REASON_BAD_ARGUMENT] = { "bad_argument", TN_EINVAL, "bad argument: %o", NULL, false },
	[TN_REASON_NO_MEMORY] = { "no_memory", TN_ENOMEM, "no memory for {o%o}{!o%u bytes}", NULL, false },
	[TN_REASON_POOL_FULL] = { "pool_full", TN_ENOSPC, "the pool has no room for %u bytes", NULL, false },
	[TN_REASON_UNREADABLE] = { "unreadable", TN_EIO, NULL, say_unreadable, false },
	[TN_REASON_UNPACK] = { "unpack", TN_EBADMSG, "damaged %o data", NULL, false },
	[TN_REASON_NO_UNPACKER] = { "no_unpacker", TN_EOPNOTSUPP, "cannot unpack %o here", NULL, false },
	[TN_REASON_ELF] = { "elf", TN_ENOEXEC, "%o{n (%n)}, value %x", NULL, true },
	[TN_REASON_MACHINE] = { "machine", TN_ENOEXEC, "is for %o, not for %s", NULL, true },
	[TN_REASON_NO_SYMTAB] = { "no_symtab", TN_ENOEXEC, "has no symbol table", NULL, true },
	[TN_REASON_WRITABLE_TEXT] = { "writable_text", TN_EOPNOTSUPP, "%o is not supported{s (symbol '%s')}{n (section %n)}", NULL, false },
	[TN_REASON_UNSUPPORTED] = { "unsupported", TN_EOPNOTSUPP, "%o is not supported{s (symbol '%s')}{n (section %n)}", NULL, false },
	[TN_REASON_LIMIT] = { "limit", TN_EFBIG, "%u %o are more than the limit of %h", NULL, false },
	[TN_REASON_PROFILE] = { "profile", TN_EOPNOTSUPP, "has the unknown %o %u", NULL, true },
	[TN_REASON_PROFILE_WORLD] = { "profile_world", TN_EOPNOTSUPP, "is of profile %o, which cannot run here", NULL, true },
	[TN_REASON_ABI] = { "abi", TN_EOPNOTSUPP, NULL, say_abi, true },
	[TN_REASON_UNMARKED] = { "unmarked", TN_ENOEXEC, "carries no .note.tenon, so it is no module for running", NULL, true },
	[TN_REASON_NO_NAME] = { "no_name", TN_EINVAL, "states no module name", NULL, true },
	[TN_REASON_BAD_NAME] = { "bad_name", TN_EINVAL, "'%o' is not a module name", NULL, false },
	[TN_REASON_SYMBOL_SECTION] = { "symbol_section", TN_ENOEXEC, "{!nlocal symbol '%s' is used but defined nowhere}{nsymbol '%s' is used but lies in %n, which is not loaded}", NULL, false },
	[TN_REASON_MISSING_SYMBOL] = { "missing_symbol", TN_ENOENT, NULL, say_missing, false },
	[TN_REASON_GPL_ONLY] = { "gpl_only", TN_EACCES, "'%s' of %o is for GPL-compatible modules only", NULL, false },
	[TN_REASON_NAMESPACE] = { "namespace", TN_EACCES, "'%s' is in namespace %o, which is not imported", NULL, false },
	[TN_REASON_NOT_LIVE] = { "not_live", TN_EAGAIN, "'%s' is of %o, which is not running but %n", NULL, false },
	[TN_REASON_CRC] = { "crc_mismatch", TN_ENOEXEC, "disagrees about the version of '%s': built for %c, present is %C", NULL, false },
	[TN_REASON_NEEDED] = { "needed", TN_ENOENT, "needs %o, which is not loaded", NULL, true },
	[TN_REASON_RELOC_UNKNOWN] = { "reloc_unknown", TN_ENOEXEC, "%n+%a: relocation type %u does not exist", NULL, false },
	[TN_REASON_RELOC_REFUSED] = { "reloc_refused", TN_EOPNOTSUPP, PLACE ": %o is not supported", NULL, false },
	[TN_REASON_RELOC_PLACE] = { "reloc_place", TN_ENOEXEC, PLACE ": the place lies outside the section", NULL, false },
	[TN_REASON_RELOC_SYMBOL] = { "reloc_symbol", TN_ENOEXEC, PLACE ": there is no symbol number %u", NULL, false },
	[TN_REASON_RELOC_RANGE] = { "reloc_range", TN_ERANGE, PLACE ": value %v does not fit into [%l, %h]", NULL, false },
	[TN_REASON_RELOC_ALIGN] = { "reloc_align", TN_ENOEXEC, PLACE ": value %x is not a multiple of %h", NULL, false },
	[TN_REASON_RELOC_PAIR] = { "reloc_pair", TN_ENOEXEC, PLACE ": its partner relocation is missing or doubled", NULL, false },
	[TN_REASON_RELOC_CELLS] = { "reloc_cells", TN_EOPNOTSUPP, PLACE ": too many different addends for one symbol", NULL, false },
	[TN_REASON_PLACEMENT] = { "placement", TN_ERANGE, "its parts do not fit into 2 GiB of addresses", NULL, false },
	[TN_REASON_DUPLICATE_MODULE] = { "duplicate_module", TN_EEXIST, "a module called %o is loaded already or on its way", NULL, false },
	[TN_REASON_DUPLICATE_EXPORT] = { "duplicate_export", TN_EEXIST, "exports '%s', which %o exports already", NULL, true },
	[TN_REASON_BAD_EXPORT] = { "bad_export", TN_ENOEXEC, "has a malformed export table: %n+%a", NULL, true },
	[TN_REASON_ENTRY] = { "entry", TN_ENOEXEC, "entry point '%s' is not in the module's text", NULL, false },
	[TN_REASON_OPS] = { "ops", TN_ENOEXEC, "has no sound module_ops: %o", NULL, true },
	[TN_REASON_INIT_FAILED] = { "init_failed", TN_EINVAL, "init failed with %i", NULL, false },
	[TN_REASON_START_FAILED] = { "start_failed", TN_EINVAL, "start failed with %i", NULL, false },
	[TN_REASON_STOP_FAILED] = { "stop_failed", TN_EINVAL, "stop failed with %i", NULL, false },
	[TN_REASON_IN_USE] = { "in_use", TN_EBUSY, NULL, say_in_use, false },
	[TN_REASON_VETO] = { "veto", TN_EPERM, "does not allow it now: quiesce returned %i", NULL, true },
	[TN_REASON_STATE] = { "state", TN_EINVAL, "that is not possible while it is %o", NULL, false },
	[TN_REASON_STATE_FAILED] = { "state_failed", TN_EINVAL, "%o failed with %i", NULL, false },
	[TN_REASON_IN_PROGRESS] = { "in_progress", TN_EBUSY, "is being %o by another thread", NULL, true },
	[TN_REASON_INSIDE] = { "inside", TN_EDEADLK, "called from inside of a call that must not sleep", NULL, false },
	[TN_REASON_OWN_CODE] = { "own_code", TN_EDEADLK, "its own code cannot have it started, stopped or unloaded", NULL, false },
	[TN_REASON_WAIT_CYCLE] = { "wait_cycle", TN_EDEADLK, "would wait for itself: %o", NULL, true },
	[TN_REASON_WAIT_TIME] = { "wait_time", TN_ETIMEDOUT, "has waited %u ms for %o, which another thread is loading or unloading", NULL, true },
	[TN_REASON_NOT_LOADED] = { "not_loaded", TN_ENOENT, "%o is not loaded", NULL, false },
	[TN_REASON_NO_EXIT] = { "no_exit", TN_EBUSY, "has init but no exit: it is permanent", NULL, true },
	[TN_REASON_VERIFY] = { "verify", TN_EACCES, "refused by the verification hook", NULL, false },
	[TN_REASON_PROTECT] = { "protect", TN_EACCES, "page permissions could not be set", NULL, false },
	[TN_REASON_BAD_PARAM] = { "bad_param", TN_ENOEXEC, "has a malformed parameter: %n+%a: %o", NULL, true },
	[TN_REASON_PARAM_UNKNOWN] = { "param_unknown", TN_ENOENT, "there is no parameter '%s'{o (nearest: %o)}", NULL, false },
	[TN_REASON_PARAM_VALUE] = { "param_value", TN_EINVAL, "parameter %s: {o'%o' is no %n}{!oit needs a value of type %n}", NULL, false },
	[TN_REASON_PARAM_RANGE] = { "param_range", TN_ERANGE, "parameter %s: %o is not within %n", NULL, false },
	[TN_REASON_PARAM_LENGTH] = { "param_length", TN_ENOSPC, "parameter %s: '%o' has more than %h %n", NULL, false },
	[TN_REASON_PARAM_READ_ONLY] = { "param_read_only", TN_EACCES, "parameter %s cannot be set once the module is loaded", NULL, false },
	[TN_REASON_BAD_DEPENDS] = { "bad_depends", TN_ENOEXEC, "declares a malformed dependency: %o", NULL, true },
	[TN_REASON_DEPENDS_MISSING] = { "depends_missing", TN_ENOENT, "needs %o{s %s}, which is not loaded", NULL, true },
	[TN_REASON_DEPENDS_OLD] = { "depends_old", TN_ERANGE, "needs %o{s %s}; {npresent is %n, which is too old}{!nwhat is present states no version}", NULL, true },
	[TN_REASON_DEPENDS_NEW] = { "depends_new", TN_ERANGE, "needs %o{s %s}; present is %n, which is too new", NULL, true },
	[TN_REASON_DEPENDS_NOT_LIVE] = { "depends_not_live", TN_EAGAIN, "needs %o, which is not running but %n", NULL, true },
	[TN_REASON_CYCLE] = { "cycle", TN_ELOOP, "depends on itself: %o", NULL, true },
	[TN_REASON_ESSENTIAL] = { "essential", TN_EBUSY, "is essential and stays loaded", NULL, true },
	[TN_REASON_NO_TABLE] = { "no_table", TN_ENOEXEC, "has no %s", NULL, true },
	[TN_REASON_DLOPEN] = { "dlopen", TN_ENOEXEC, "%o", NULL, false },
	[TN_REASON_LINGERS] = { "lingers", TN_EBUSY, "an earlier build of it is still in the process: %o", NULL, false },
	[TN_REASON_WORKER] = { "worker", TN_EIO, "its %o", NULL, false },
	[TN_REASON_NO_BARRIER] = { "no_barrier", TN_EOPNOTSUPP, "other threads cannot be waited for: the system forbids every barrier by now", NULL, false },
	[TN_REASON_FINDER] = { "finder", TN_EINVAL, "%o could not be looked for: the finder returned %i", NULL, false },
	// clang-format on
};
_Static_assert(ARRAY_SIZE(rows) == TN_REASONS, "one row per reason");

static const char *const stages[] = {
	[TN_STAGE_NONE] = "none",
	[TN_STAGE_SOURCE] = "source",
	[TN_STAGE_CHECK] = "check",
	[TN_STAGE_DEPENDS] = "depends",
	[TN_STAGE_RESOLVE] = "resolve",
	[TN_STAGE_LAYOUT] = "layout",
	[TN_STAGE_ALLOC] = "alloc",
	[TN_STAGE_PLAN] = "plan",
	[TN_STAGE_RELOCATE] = "relocate",
	[TN_STAGE_PROTECT] = "protect",
	[TN_STAGE_PARAMS] = "params",
	[TN_STAGE_PUBLISH] = "publish",
	[TN_STAGE_INIT] = "init",
	[TN_STAGE_UNLOAD] = "unload",
};
_Static_assert(ARRAY_SIZE(stages) == TN_STAGES, "one name per stage");

void tn_diag_init(struct tn_diag *d)
{
	*d = (struct tn_diag){ 0 };
}

void tn_diag_fini(struct tn_diag *d)
{
	const struct tn_port *port = d->owner;

	if (d->memory != NULL)
		port->free(port->ctx, d->memory, d->memory_bytes);
	tn_diag_init(d);
}

int diag_fail(struct tn_diag *d, enum tn_stage stage, enum tn_reason reason,
    const char *module, const char *other)
{
	tn_diag_fini(d);
	d->error = -(int)rows[reason].error;
	d->stage = stage;
	d->reason = reason;
	(void)str_copy(d->module, sizeof(d->module), module);
	(void)str_copy(d->other, sizeof(d->other), other);
	return d->error;
}

int diag_result(struct tn_diag *d, int result)
{
	d->value = (uint64_t)(int64_t)result;
	if (result < 0)
		d->error = result;
	return d->error;
}

int diag_fail_memory(struct tn_diag *d, enum tn_stage stage, uint64_t size)
{
	(void)diag_fail(d, stage, TN_REASON_NO_MEMORY, "", "");
	d->value = size;
	return d->error;
}

void diag_copy(
    struct tn_diag *d, const struct tn_diag *from, const struct tn_port *port)
{
	ptrdiff_t moved;

	tn_diag_fini(d);
	*d = *from;
	d->memory = NULL;
	d->missing = NULL;
	d->holders = NULL;
	if (from->missing == NULL)
		return;
	d->missing = port->alloc(port->ctx, from->memory_bytes);
	d->memory = d->missing;
	if (d->missing == NULL)
		return; /* how many there are is told */
	memcpy(d->missing, from->missing, from->memory_bytes);
	moved = (const char *)d->missing - (const char *)from->missing;
	for (size_t i = 0; i < d->nmissing; i++) {
		d->missing[i].symbol += moved;
		if (d->missing[i].nearest != NULL)
			d->missing[i].nearest += moved;
	}
}

/* NOLINTNEXTLINE(readability-non-const-parameter): struct text writes it */
size_t tn_diag_text(const struct tn_diag *d, char *buf, size_t cap)
{
	const unsigned reason = (unsigned)d->reason;
	const struct row *row =
	    &rows[reason < TN_REASONS ? reason : TN_REASON_NONE];
	struct text t = { buf, cap, 0 };
	size_t from = 0;

	if (d->module[0] != '\0' && d->reason != TN_REASON_IN_USE)
		text_add(&t, "%s: ", d->module);
	else if (row->subject)
		text_add(&t, "the file ");
	if (row->say != NULL)
		row->say(&t, d);
	else
		add_clause(&t, d, row->clause);
	if (row->say == say_missing)
		from = t.len; /* a list, of which each line has been cleaned */
	if (d->error != 0 && d->nnotes != 0)
		text_add(&t, "; %s", d->note);
	text_clean(&t, from);
	return t.len;
}

const char *tn_reason_name(enum tn_reason reason)
{
	return (unsigned)reason < TN_REASONS ? rows[reason].name : "unknown";
}

const char *tn_stage_name(enum tn_stage stage)
{
	return (unsigned)stage < TN_STAGES ? stages[stage] : "unknown";
}
