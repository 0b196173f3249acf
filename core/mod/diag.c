/* SPDX-License-Identifier: MIT */
/*
 * Failure records: names and sentences. Each reason is one row: its stable
 * name and the function that writes its clause. The sentence starts with the
 * module's name, so every clause reads on from there.
 */
#include <tenon/diag.h>

#include <stdbool.h>

#include <base/compiler.h>
#include <base/format.h>
#include <base/string.h>
#include <tenon/err.h>
#include <tenon/port.h>

typedef void clause_fn(struct text *t, const struct tn_diag *d);

/* ".text+0x1c: R_X86_64_PC32 against printk" */
static void add_place(struct text *t, const struct tn_diag *d)
{
	text_add(t, "%s+0x%llx: %s", d->section, (unsigned long long)d->offset,
	    d->reloc != NULL ? d->reloc : "relocation");
	if (d->symbol[0] != '\0')
		text_add(t, " against '%s'", d->symbol);
}

static void say_range(struct text *t, const struct tn_diag *d)
{
	const int64_t v = (int64_t)d->value;

	add_place(t, d);
	text_add(t, ": value %s0x%llx does not fit into [%lld, %lld]",
	    v < 0 ? "-" : "",
	    (unsigned long long)(v < 0 ? 0 - d->value : d->value),
	    (long long)d->low, (long long)d->high);
}

static void say_align(struct text *t, const struct tn_diag *d)
{
	add_place(t, d);
	text_add(t, ": value 0x%llx is not a multiple of %lld",
	    (unsigned long long)d->value, (long long)d->high);
}

static void say_reloc_unknown(struct text *t, const struct tn_diag *d)
{
	text_add(t, "%s+0x%llx: relocation type %llu does not exist",
	    d->section, (unsigned long long)d->offset,
	    (unsigned long long)d->value);
}

static void say_reloc_refused(struct text *t, const struct tn_diag *d)
{
	add_place(t, d);
	text_add(t, ": %s is not supported", d->other);
}

static void say_reloc_place(struct text *t, const struct tn_diag *d)
{
	add_place(t, d);
	text_add(t, ": the place lies outside the section");
}

static void say_reloc_symbol(struct text *t, const struct tn_diag *d)
{
	add_place(t, d);
	text_add(t, ": there is no symbol number %llu",
	    (unsigned long long)d->value);
}

static void say_reloc_pair(struct text *t, const struct tn_diag *d)
{
	add_place(t, d);
	text_add(t, ": its partner relocation is missing or doubled");
}

static void say_reloc_cells(struct text *t, const struct tn_diag *d)
{
	add_place(t, d);
	text_add(t, ": too many different addends for one symbol");
}

static void say_missing(struct text *t, const struct tn_diag *d)
{
	text_add(t, "%zu missing symbol%s:", d->nmissing,
	    d->nmissing == 1 ? "" : "s");
	for (size_t i = 0; i < d->nmissing && d->missing != NULL; i++) {
		text_add(t, "%s%s", d->nmissing == 1 ? " " : "\n  ",
		    d->missing[i].symbol);
		if (d->missing[i].nearest != NULL)
			text_add(t, " (nearest: %s)", d->missing[i].nearest);
	}
}

static void say_elf(struct text *t, const struct tn_diag *d)
{
	text_add(t, "%s", d->other);
	if (d->section[0] != '\0')
		text_add(t, " (%s)", d->section);
	text_add(t, ", value 0x%llx", (unsigned long long)d->value);
}

static void say_machine(struct text *t, const struct tn_diag *d)
{
	text_add(t, "is for %s, not for %s", d->other, d->symbol);
}

static void say_unsupported(struct text *t, const struct tn_diag *d)
{
	text_add(t, "%s is not supported", d->other);
	if (d->symbol[0] != '\0')
		text_add(t, " (symbol '%s')", d->symbol);
	if (d->section[0] != '\0')
		text_add(t, " (section %s)", d->section);
}

static void say_limit(struct text *t, const struct tn_diag *d)
{
	text_add(t, "%llu %s are more than the limit of %lld",
	    (unsigned long long)d->value, d->other, (long long)d->high);
}

static void say_abi(struct text *t, const struct tn_diag *d)
{
	text_add(t, "was built for engine ABI %u.%u, this is %u.%u",
	    (unsigned)(d->value >> 32), (unsigned)d->value,
	    (unsigned)((uint64_t)d->high >> 32), (unsigned)d->high);
}

static void say_profile(struct text *t, const struct tn_diag *d)
{
	text_add(t, "has the unknown %s %llu", d->other,
	    (unsigned long long)d->value);
}

static void say_symbol_section(struct text *t, const struct tn_diag *d)
{
	if (d->section[0] == '\0')
		text_add(t, "local symbol '%s' is used but defined nowhere",
		    d->symbol);
	else
		text_add(t,
		    "symbol '%s' is used but lies in %s, which is not loaded",
		    d->symbol, d->section);
}

static void say_gpl(struct text *t, const struct tn_diag *d)
{
	text_add(t, "'%s' of %s is for GPL-compatible modules only", d->symbol,
	    d->other);
}

static void say_namespace(struct text *t, const struct tn_diag *d)
{
	text_add(t, "'%s' is in namespace %s, which is not imported", d->symbol,
	    d->other);
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
		{ -TN_ENOMEM, "no memory" },
		{ -TN_EOPNOTSUPP, "there are no files in this world" },
	};
	const char *text = "input/output error";

	for (size_t i = 0; i < ARRAY_SIZE(why); i++)
		if (why[i].error == d->error)
			text = why[i].text;
	text_add(t, "cannot read %s: %s", d->other, text);
}

static void say_not_live(struct text *t, const struct tn_diag *d)
{
	text_add(t, "'%s' is of %s, which is being loaded or unloaded",
	    d->symbol, d->other);
}

static void say_crc(struct text *t, const struct tn_diag *d)
{
	text_add(t,
	    "disagrees about the version of '%s': built for 0x%08llx, "
	    "present is 0x%08llx",
	    d->symbol, (unsigned long long)d->value,
	    (unsigned long long)d->high);
}

static void say_duplicate_export(struct text *t, const struct tn_diag *d)
{
	text_add(
	    t, "exports '%s', which %s exports already", d->symbol, d->other);
}

static void say_bad_export(struct text *t, const struct tn_diag *d)
{
	text_add(t, "has a malformed export table: %s+0x%llx", d->section,
	    (unsigned long long)d->offset);
}

static void say_entry(struct text *t, const struct tn_diag *d)
{
	text_add(t, "entry point '%s' is not in the module's text", d->symbol);
}

static void say_init(struct text *t, const struct tn_diag *d)
{
	text_add(t, "init failed with %lld", (long long)d->value);
}

static void say_start(struct text *t, const struct tn_diag *d)
{
	text_add(t, "start failed with %lld", (long long)d->value);
}

static void say_stop(struct text *t, const struct tn_diag *d)
{
	text_add(t, "stop failed with %lld", (long long)d->value);
}

static void say_in_use(struct text *t, const struct tn_diag *d)
{
	text_add(t, "is in use: %llu reference%s", (unsigned long long)d->value,
	    d->value == 1 ? "" : "s");
	if (d->other[0] != '\0')
		text_add(t, ", used by %s", d->other);
}

static void say_bad_param(struct text *t, const struct tn_diag *d)
{
	text_add(t, "has a malformed parameter: %s+0x%llx: %s", d->section,
	    (unsigned long long)d->offset, d->other);
}

static void say_param_unknown(struct text *t, const struct tn_diag *d)
{
	text_add(t, "there is no parameter '%s'", d->symbol);
	if (d->other[0] != '\0')
		text_add(t, " (nearest: %s)", d->other);
}

static void say_param_value(struct text *t, const struct tn_diag *d)
{
	text_add(t, "parameter %s: ", d->symbol);
	if (d->other[0] != '\0')
		text_add(t, "'%s' is no %s", d->other, d->section);
	else
		text_add(t, "it needs a value of type %s", d->section);
}

static void say_param_range(struct text *t, const struct tn_diag *d)
{
	text_add(t, "parameter %s: %s is not within %s", d->symbol, d->other,
	    d->section);
}

static void say_param_length(struct text *t, const struct tn_diag *d)
{
	text_add(t, "parameter %s: '%s' has more than %lld %s", d->symbol,
	    d->other, (long long)d->high, d->section);
}

static void say_param_read_only(struct text *t, const struct tn_diag *d)
{
	text_add(t, "parameter %s cannot be set once the module is loaded",
	    d->symbol);
}

static void say_memory(struct text *t, const struct tn_diag *d)
{
	text_add(t, "no memory for %llu bytes", (unsigned long long)d->value);
}

static void say_pool(struct text *t, const struct tn_diag *d)
{
	text_add(t, "the pool has no room for %llu bytes",
	    (unsigned long long)d->value);
}

/* Clauses that only put @other into fixed words. */
struct fixed {
	const char *before, *after;
};

static const struct row {
	const char *name;
	clause_fn *say;
	struct fixed fixed;
	bool subject; /* reads on from the name: "is not an ELF file" */
} rows[] = {
	// clang-format off
	[TN_REASON_NONE] = { "none", NULL, { "no failure", NULL }, false },
	[TN_REASON_BAD_ARGUMENT] = { "bad_argument", NULL, { "bad argument: ", "" }, false },
	[TN_REASON_NO_MEMORY] = { "no_memory", say_memory, { 0 }, false },
	[TN_REASON_POOL_FULL] = { "pool_full", say_pool, { 0 }, false },
	[TN_REASON_UNREADABLE] = { "unreadable", say_unreadable, { 0 }, false },
	[TN_REASON_UNPACK] = { "unpack", NULL, { "damaged ", " data" }, false },
	[TN_REASON_NO_UNPACKER] = { "no_unpacker", NULL, { "cannot unpack ", " here" }, false },
	[TN_REASON_ELF] = { "elf", say_elf, { 0 }, true },
	[TN_REASON_MACHINE] = { "machine", say_machine, { 0 }, true },
	[TN_REASON_NO_SYMTAB] = { "no_symtab", NULL, { "has no symbol table", NULL }, true },
	[TN_REASON_WRITABLE_TEXT] = { "writable_text", say_unsupported, { 0 }, false },
	[TN_REASON_UNSUPPORTED] = { "unsupported", say_unsupported, { 0 }, false },
	[TN_REASON_LIMIT] = { "limit", say_limit, { 0 }, false },
	[TN_REASON_PROFILE] = { "profile", say_profile, { 0 }, true },
	[TN_REASON_PROFILE_WORLD] = { "profile_world", NULL, { "is of profile ", ", which cannot run here" }, true },
	[TN_REASON_ABI] = { "abi", say_abi, { 0 }, true },
	[TN_REASON_UNMARKED] = { "unmarked", NULL, { "carries no .note.tenon, so it is no module for running", NULL }, true },
	[TN_REASON_NO_NAME] = { "no_name", NULL, { "states no module name", NULL }, true },
	[TN_REASON_BAD_NAME] = { "bad_name", NULL, { "'", "' is not a module name" }, false },
	[TN_REASON_SYMBOL_SECTION] = { "symbol_section", say_symbol_section, { 0 }, false },
	[TN_REASON_MISSING_SYMBOL] = { "missing_symbol", say_missing, { 0 }, false },
	[TN_REASON_GPL_ONLY] = { "gpl_only", say_gpl, { 0 }, false },
	[TN_REASON_NAMESPACE] = { "namespace", say_namespace, { 0 }, false },
	[TN_REASON_NOT_LIVE] = { "not_live", say_not_live, { 0 }, false },
	[TN_REASON_CRC] = { "crc_mismatch", say_crc, { 0 }, false },
	[TN_REASON_NEEDED] = { "needed", NULL, { "needs ", ", which is not loaded" }, true },
	[TN_REASON_RELOC_UNKNOWN] = { "reloc_unknown", say_reloc_unknown, { 0 }, false },
	[TN_REASON_RELOC_REFUSED] = { "reloc_refused", say_reloc_refused, { 0 }, false },
	[TN_REASON_RELOC_PLACE] = { "reloc_place", say_reloc_place, { 0 }, false },
	[TN_REASON_RELOC_SYMBOL] = { "reloc_symbol", say_reloc_symbol, { 0 }, false },
	[TN_REASON_RELOC_RANGE] = { "reloc_range", say_range, { 0 }, false },
	[TN_REASON_RELOC_ALIGN] = { "reloc_align", say_align, { 0 }, false },
	[TN_REASON_RELOC_PAIR] = { "reloc_pair", say_reloc_pair, { 0 }, false },
	[TN_REASON_RELOC_CELLS] = { "reloc_cells", say_reloc_cells, { 0 }, false },
	[TN_REASON_PLACEMENT] = { "placement", NULL, { "its parts do not fit into 2 GiB of addresses", NULL }, false },
	[TN_REASON_DUPLICATE_MODULE] = { "duplicate_module", NULL, { "a module called ", " is loaded already" }, false },
	[TN_REASON_DUPLICATE_EXPORT] = { "duplicate_export", say_duplicate_export, { 0 }, true },
	[TN_REASON_BAD_EXPORT] = { "bad_export", say_bad_export, { 0 }, true },
	[TN_REASON_ENTRY] = { "entry", say_entry, { 0 }, false },
	[TN_REASON_OPS] = { "ops", NULL, { "has no sound module_ops: ", "" }, true },
	[TN_REASON_INIT_FAILED] = { "init_failed", say_init, { 0 }, false },
	[TN_REASON_START_FAILED] = { "start_failed", say_start, { 0 }, false },
	[TN_REASON_STOP_FAILED] = { "stop_failed", say_stop, { 0 }, false },
	[TN_REASON_IN_USE] = { "in_use", say_in_use, { 0 }, true },
	[TN_REASON_NOT_LOADED] = { "not_loaded", NULL, { "", " is not loaded" }, false },
	[TN_REASON_NO_EXIT] = { "no_exit", NULL, { "has init but no exit: it is permanent", NULL }, true },
	[TN_REASON_VERIFY] = { "verify", NULL, { "refused by the verification hook", NULL }, false },
	[TN_REASON_PROTECT] = { "protect", NULL, { "page permissions could not be set", NULL }, false },
	[TN_REASON_BAD_PARAM] = { "bad_param", say_bad_param, { 0 }, true },
	[TN_REASON_PARAM_UNKNOWN] = { "param_unknown", say_param_unknown, { 0 }, false },
	[TN_REASON_PARAM_VALUE] = { "param_value", say_param_value, { 0 }, false },
	[TN_REASON_PARAM_RANGE] = { "param_range", say_param_range, { 0 }, false },
	[TN_REASON_PARAM_LENGTH] = { "param_length", say_param_length, { 0 }, false },
	[TN_REASON_PARAM_READ_ONLY] = { "param_read_only", say_param_read_only, { 0 }, false },
	// clang-format on
};
_Static_assert(ARRAY_SIZE(rows) == TN_REASONS, "one row per reason");

static const char *const stages[] = {
	[TN_STAGE_NONE] = "none",
	[TN_STAGE_SOURCE] = "source",
	[TN_STAGE_CHECK] = "check",
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

	if (d->missing != NULL)
		port->free(port->ctx, d->missing, d->missing_bytes);
	tn_diag_init(d);
}

size_t tn_diag_text(const struct tn_diag *d, char *buf, size_t cap)
{
	const unsigned reason = (unsigned)d->reason;
	const struct row *row =
	    &rows[reason < TN_REASONS ? reason : TN_REASON_NONE];
	struct text t = { buf, cap, 0 };

	if (cap != 0)
		buf[0] = '\0';
	if (d->module[0] != '\0')
		text_add(&t, "%s: ", d->module);
	else if (row->subject)
		text_add(&t, "the file ");
	if (row->say != NULL)
		row->say(&t, d);
	else if (row->fixed.after == NULL)
		text_add(&t, "%s", row->fixed.before);
	else
		text_add(&t, "%s%s%s", row->fixed.before, d->other,
		    row->fixed.after);
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
