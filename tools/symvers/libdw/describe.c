/* SPDX-License-Identifier: MIT */
/*
 * A walk over the graph of types (DWARF 5, chapter 5): describe.h.
 *
 * What is still to be written is a stack of tasks, the next one on top; a task
 * pushes what it leads to, so that types may lie as deep as they like. A
 * structure or enumeration is written out once; `seen` has the places of those
 * that were, so the walk ends however they refer to each other. What refers to
 * itself otherwise is damaged, and ends after TYPES_LEVELS_MAX levels.
 */
#include "describe.h"

#include <inttypes.h>
#include <stdlib.h>

#include <dwarf.h>

#include <symvers/types.h>
#include <tenon/err.h>

struct walk;
struct task;

typedef void task_fn(struct walk *w, struct task *t);

struct task {
	task_fn *run;
	Dwarf_Die die;
	const char *text;
	unsigned level; /* since the last structure */
};

struct walk {
	FILE *out;
	struct task *tasks;
	size_t ntasks, room;
	Dwarf_Off *seen;
	size_t nseen;
	unsigned level; /* of the task that runs */
	int err;
};

static void fail(struct walk *w, int err)
{
	if (w->err == 0)
		w->err = err;
}

/* The number that @attribute has, also by way of its abstract entry. */
static bool number_of(Dwarf_Die *die, unsigned attribute, Dwarf_Word *out)
{
	Dwarf_Attribute a;

	return dwarf_formudata(dwarf_attr_integrate(die, attribute, &a), out) ==
	       0;
}

bool die_has_flag(Dwarf_Die *die, unsigned attribute)
{
	Dwarf_Attribute a;
	bool set = false;

	return dwarf_formflag(dwarf_attr_integrate(die, attribute, &a), &set) ==
		   0 &&
	       set;
}

static const char *name_of(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name != NULL ? name : "";
}

/* Has it been written out? Then its number, which tells nameless ones apart. */
static bool note_seen(struct walk *w, Dwarf_Die *die, size_t *number)
{
	const Dwarf_Off at = dwarf_dieoffset(die);
	Dwarf_Off *more;

	for (*number = 0; *number < w->nseen; ++*number)
		if (w->seen[*number] == at)
			return true;
	more = realloc(w->seen, (w->nseen + 1) * sizeof(*more));
	if (more == NULL) {
		fail(w, -TN_ENOMEM);
		return true;
	}
	w->seen = more;
	w->seen[w->nseen++] = at;
	return false;
}

/* --- tasks: what is pushed last is done first */

static void push(struct walk *w, struct task task)
{
	struct task *more;

	if (w->tasks == NULL || w->ntasks == w->room) {
		w->room = w->room * 2 + 16;
		more = realloc(w->tasks, w->room * sizeof(*more));
		if (more == NULL) {
			fail(w, -TN_ENOMEM);
			return;
		}
		w->tasks = more;
	}
	task.level = w->level;
	w->tasks[w->ntasks++] = task;
}

static void put_text(struct walk *w, struct task *t)
{
	fputs(t->text, w->out);
}

static void push_text(struct walk *w, const char *text)
{
	push(w, (struct task){ .run = put_text, .text = text });
}

/* @run for the first child of @die; that goes on with push_next. */
static void push_children(struct walk *w, Dwarf_Die *die, task_fn *run)
{
	struct task t = { .run = run };
	const int end = dwarf_child(die, &t.die);

	if (end == 0)
		push(w, t);
	else if (end < 0)
		fail(w, -TN_EBADMSG);
}

static void push_next(struct walk *w, struct task *t)
{
	struct task next = { .run = t->run };
	const int end = dwarf_siblingof(&t->die, &next.die);

	if (end == 0)
		push(w, next);
	else if (end < 0)
		fail(w, -TN_EBADMSG);
}

static void put_type_of(struct walk *w, struct task *t);

static void push_type_of(struct walk *w, Dwarf_Die *owner)
{
	push(w, (struct task){ .run = put_type_of, .die = *owner });
}

/* --- what types are made of */

static void put_base(struct walk *w, Dwarf_Die *die)
{
	static const char *const kinds[] = {
		[DW_ATE_boolean] = "bool",
		[DW_ATE_complex_float] = "complex",
		[DW_ATE_float] = "float",
		[DW_ATE_signed] = "signed",
		[DW_ATE_signed_char] = "signed_char",
		[DW_ATE_unsigned] = "unsigned",
		[DW_ATE_unsigned_char] = "unsigned_char",
		[DW_ATE_UTF] = "utf",
	};
	Dwarf_Word kind, size;

	if (!number_of(die, DW_AT_encoding, &kind) ||
	    !number_of(die, DW_AT_byte_size, &size)) {
		fail(w, -TN_EBADMSG);
		return;
	}
	if (kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[kind] != NULL)
		fputs(kinds[kind], w->out);
	else
		fprintf(w->out, "encoding%" PRIu64, (uint64_t)kind);
	fprintf(w->out, ":%" PRIu64, (uint64_t)size);
}

static void put_length(struct walk *w, struct task *t)
{
	Dwarf_Word n;

	push_next(w, t);
	if (dwarf_tag(&t->die) != DW_TAG_subrange_type)
		return;
	if (number_of(&t->die, DW_AT_count, &n))
		fprintf(w->out, "[%" PRIu64 "]", (uint64_t)n);
	else if (number_of(&t->die, DW_AT_upper_bound, &n))
		fprintf(w->out, "[%" PRIu64 "]", (uint64_t)n + 1);
	else
		fputs("[]", w->out);
}

static void put_array(struct walk *w, Dwarf_Die *die)
{
	push_type_of(w, die);
	push_children(w, die, put_length);
}

/*
 * Bits before a bit field in its unit. Until DWARF 4 they may be counted from
 * the unit's most significant bit, which on these machines comes last.
 */
static Dwarf_Word bits_before(Dwarf_Die *member, Dwarf_Word size)
{
	Dwarf_Word bit = 0, unit;

	if (number_of(member, DW_AT_data_bit_offset, &bit))
		return bit;
	if (number_of(member, DW_AT_bit_offset, &bit) &&
	    number_of(member, DW_AT_byte_size, &unit))
		return unit * 8 - bit - size;
	return 0;
}

/* Where a member begins, in bits, and how many it has if it is a bit field. */
static void put_place(struct walk *w, Dwarf_Die *member)
{
	Dwarf_Word byte = 0, size = 0;
	const bool is_field = number_of(member, DW_AT_bit_size, &size);

	(void)number_of(member, DW_AT_data_member_location, &byte);
	fprintf(w->out, "@%" PRIu64,
	    (uint64_t)(byte * 8 + (is_field ? bits_before(member, size) : 0)));
	if (is_field)
		fprintf(w->out, ":%" PRIu64, (uint64_t)size);
}

static void put_member(struct walk *w, struct task *t)
{
	const int tag = dwarf_tag(&t->die);

	push_next(w, t);
	if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
	    die_has_flag(&t->die, DW_AT_external))
		return; /* a static one of C++ is not laid out */
	fputs(name_of(&t->die), w->out);
	put_place(w, &t->die);
	fputc(' ', w->out);
	push_text(w, "; ");
	push_type_of(w, &t->die);
}

static void put_enumerator(struct walk *w, struct task *t)
{
	Dwarf_Attribute a;
	Dwarf_Sword value = 0;

	push_next(w, t);
	if (dwarf_tag(&t->die) != DW_TAG_enumerator)
		return;
	if (dwarf_formsdata(
		dwarf_attr(&t->die, DW_AT_const_value, &a), &value) != 0)
		fail(w, -TN_EBADMSG);
	fprintf(w->out, "%s=%" PRId64 "; ", name_of(&t->die), (int64_t)value);
}

/* @word NAME SIZE {..}, or what it takes to tell which one is meant. */
static void put_tagged(struct walk *w, Dwarf_Die *die, const char *word)
{
	const bool is_enum = dwarf_tag(die) == DW_TAG_enumeration_type;
	Dwarf_Word size;
	size_t number;

	fprintf(w->out, "%s %s", word, name_of(die));
	if (die_has_flag(die, DW_AT_declaration))
		return;
	if (note_seen(w, die, &number)) {
		if (name_of(die)[0] == '\0')
			fprintf(w->out, "#%zu", number);
		return;
	}
	if (!number_of(die, DW_AT_byte_size, &size)) {
		fail(w, -TN_EBADMSG);
		return;
	}
	fprintf(w->out, " %" PRIu64 " {", (uint64_t)size);
	w->level = 0;
	push_text(w, "}");
	push_children(w, die, is_enum ? put_enumerator : put_member);
}

/* Constness of a parameter itself is the function's own affair. */
static void put_parameter(struct walk *w, struct task *t)
{
	Dwarf_Die type, *owner = &t->die;
	const int tag = dwarf_tag(owner);
	Dwarf_Attribute a;

	push_next(w, t);
	if (tag == DW_TAG_unspecified_parameters)
		fputs("...", w->out);
	if (tag != DW_TAG_formal_parameter)
		return;
	if (dwarf_formref_die(
		dwarf_attr_integrate(owner, DW_AT_type, &a), &type) != NULL &&
	    dwarf_tag(&type) == DW_TAG_const_type)
		owner = &type;
	push_text(w, "; ");
	push_type_of(w, owner);
}

static void put_function(struct walk *w, Dwarf_Die *die)
{
	fputs("function(", w->out);
	push_type_of(w, die);
	push_text(w, ") ");
	push_children(w, die, put_parameter);
}

/* What stands before another type, by its tag; "": it makes no new type. */
static const char *prefix_of(int tag)
{
	switch (tag) {
	case DW_TAG_pointer_type: return "*";
	case DW_TAG_reference_type: return "&";
	case DW_TAG_rvalue_reference_type: return "&&";
	case DW_TAG_const_type: return "const ";
	case DW_TAG_volatile_type: return "volatile ";
	case DW_TAG_atomic_type: return "_Atomic ";
	case DW_TAG_typedef:
	case DW_TAG_restrict_type: return "";
	default: return NULL;
	}
}

static void put_type(struct walk *w, Dwarf_Die *die)
{
	const char *prefix = prefix_of(dwarf_tag(die));

	if (prefix != NULL) {
		fputs(prefix, w->out);
		push_type_of(w, die);
		return;
	}
	switch (dwarf_tag(die)) {
	case DW_TAG_base_type: put_base(w, die); break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type: put_tagged(w, die, "struct"); break;
	case DW_TAG_union_type: put_tagged(w, die, "union"); break;
	case DW_TAG_enumeration_type: put_tagged(w, die, "enum"); break;
	case DW_TAG_array_type: put_array(w, die); break;
	case DW_TAG_subroutine_type: put_function(w, die); break;
	case DW_TAG_unspecified_type: fputs(name_of(die), w->out); break;
	default: fail(w, -TN_EBADMSG);
	}
}

static void put_type_of(struct walk *w, struct task *t)
{
	Dwarf_Attribute a;
	Dwarf_Die type;

	if (dwarf_attr_integrate(&t->die, DW_AT_type, &a) == NULL) {
		fputs("void", w->out);
	} else if (w->level++ == TYPES_LEVELS_MAX ||
		   dwarf_formref_die(&a, &type) == NULL) {
		fail(w, -TN_EBADMSG);
	} else {
		put_type(w, &type);
	}
}

int describe(Dwarf_Die *symbol, FILE *out)
{
	struct walk w = { .out = out };

	if (dwarf_tag(symbol) == DW_TAG_subprogram) {
		put_function(&w, symbol);
	} else {
		fputs("variable ", out);
		push_type_of(&w, symbol);
	}
	while (w.ntasks != 0 && w.err == 0) {
		struct task t = w.tasks[--w.ntasks];

		w.level = t.level;
		t.run(&w, &t);
	}
	free(w.tasks);
	free(w.seen);
	return w.err;
}
