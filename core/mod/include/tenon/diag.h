/* SPDX-License-Identifier: MIT */
/*
 * Diagnosis as data: what went wrong, where, and with which numbers.
 *
 * A call that takes a `struct tn_diag *` fills it when it fails; a load that
 * succeeds sets @nnotes and @note when it warns of something. The engine prints
 * no failure: a program reads the fields, a person gets the one sentence that
 * tn_diag_text makes of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The stages of a load, in order, and what comes after. */
enum tn_stage {
	TN_STAGE_NONE,
	TN_STAGE_SOURCE,   /* reading and unpacking the file */
	TN_STAGE_CHECK,    /* headers, sections, notes, .modinfo */
	TN_STAGE_DEPENDS,  /* dependencies by declaration */
	TN_STAGE_RESOLVE,  /* symbols */
	TN_STAGE_LAYOUT,   /* sections into parts */
	TN_STAGE_ALLOC,    /* memory for the image */
	TN_STAGE_PLAN,     /* GOT cells and stubs */
	TN_STAGE_RELOCATE, /* fixups */
	TN_STAGE_PROTECT,  /* page permissions, instruction cache */
	TN_STAGE_PARAMS,   /* parameters, also those set later */
	TN_STAGE_PUBLISH,  /* name and exports become visible */
	TN_STAGE_INIT,     /* constructors and module_init */
	TN_STAGE_UNLOAD,
	TN_STAGES
};

/* What went wrong. The comment names the fields that are set besides. */
enum tn_reason {
	TN_REASON_NONE,
	TN_REASON_BAD_ARGUMENT,   /* other: which */
	TN_REASON_NO_MEMORY,      /* value: bytes wanted; or other: for what */
	TN_REASON_POOL_FULL,      /* value: bytes wanted */
	TN_REASON_UNREADABLE,     /* other: path */
	TN_REASON_UNPACK,         /* other: format */
	TN_REASON_NO_UNPACKER,    /* other: format */
	TN_REASON_ELF,            /* other: clause; section, value */
	TN_REASON_MACHINE,        /* other: the file's; symbol: wanted */
	TN_REASON_NO_SYMTAB,      /* an ET_REL file without symbols */
	TN_REASON_WRITABLE_TEXT,  /* section */
	TN_REASON_UNSUPPORTED,    /* other: what, by name; section, symbol */
	TN_REASON_LIMIT,          /* other: of what; value, high */
	TN_REASON_PROFILE,        /* other: "profile" or "note version",
				       value: the note's */
	TN_REASON_PROFILE_WORLD,  /* other: profile that this world lacks */
	TN_REASON_ABI,            /* value, high: wanted and present,
				       major << 32 | minor */
	TN_REASON_UNMARKED,       /* no .note.tenon */
	TN_REASON_NO_NAME,        /* no module name */
	TN_REASON_BAD_NAME,       /* other: name */
	TN_REASON_SYMBOL_SECTION, /* symbol, section: not loaded or absent;
				       "": a local one is undefined */
	TN_REASON_MISSING_SYMBOL, /* missing[], nmissing */
	TN_REASON_GPL_ONLY,       /* symbol, other: owner */
	TN_REASON_NAMESPACE,      /* symbol, other: namespace */
	TN_REASON_NOT_LIVE,       /* symbol, other: owner, value: its
				       state */
	TN_REASON_CRC,            /* symbol, value: wanted, high: present */
	TN_REASON_NEEDED,         /* other: DT_NEEDED that is not loaded */
	TN_REASON_RELOC_UNKNOWN,  /* section, offset, value: type number */
	TN_REASON_RELOC_REFUSED,  /* section, offset, reloc, other: group */
	TN_REASON_RELOC_PLACE,    /* section, offset, reloc: outside */
	TN_REASON_RELOC_SYMBOL,   /* section, offset, reloc, value: index */
	TN_REASON_RELOC_RANGE,    /* section, offset, reloc, symbol, value,
				       low, high */
	TN_REASON_RELOC_ALIGN,    /* the same, high: the alignment */
	TN_REASON_RELOC_PAIR,     /* section, offset, reloc: no partner */
	TN_REASON_RELOC_CELLS,    /* section, offset, reloc, symbol: more
				       addends than one symbol may have */
	TN_REASON_PLACEMENT,      /* the parts are not within 2 GiB */
	TN_REASON_DUPLICATE_MODULE, /* other: name */
	TN_REASON_DUPLICATE_EXPORT, /* symbol, other: the first owner */
	TN_REASON_BAD_EXPORT,       /* section, offset: malformed table */
	TN_REASON_ENTRY,            /* symbol: entry point is not in text */
	TN_REASON_OPS,              /* other: what is wrong with module_ops */
	TN_REASON_INIT_FAILED,      /* value: what init returned */
	TN_REASON_START_FAILED,     /* value: what start returned */
	TN_REASON_STOP_FAILED,      /* value: what stop returned */
	TN_REASON_IN_USE,           /* value: references; holders[], nholders */
	TN_REASON_VETO,             /* value: what quiesce returned */
	TN_REASON_STATE,            /* other: the state, which forbids it */
	TN_REASON_STATE_FAILED,     /* other: save_state or restore_state,
				       value: what it returned */
	TN_REASON_IN_PROGRESS,      /* other: "loaded", "unloaded", ... */
	TN_REASON_OWN_CODE,         /* it asks for its own end */
	TN_REASON_INSIDE,           /* from inside of a call that must not
				       sleep */
	TN_REASON_WAIT_CYCLE,       /* other: the path, "a -> b -> a" */
	TN_REASON_WAIT_TIME,        /* other: module, value: ms */
	TN_REASON_NOT_LOADED,       /* other: name */
	TN_REASON_NO_EXIT,          /* permanent: init without exit */
	TN_REASON_VERIFY,           /* refused by the verification hook */
	TN_REASON_PROTECT,          /* value: error of the port */
	TN_REASON_BAD_PARAM,        /* section, offset, other: field of the
				       record that is wrong */
	TN_REASON_PARAM_UNKNOWN,    /* symbol: parameter, other: nearest */
	TN_REASON_PARAM_VALUE,      /* symbol: parameter, other: value,
				       section: its type */
	TN_REASON_PARAM_RANGE,      /* the same; low, high, and section: these
				       as text, since they may be unsigned */
	TN_REASON_PARAM_LENGTH,     /* symbol: parameter, other: value, high:
				       limit, section: of what */
	TN_REASON_PARAM_READ_ONLY,  /* symbol: parameter */
	TN_REASON_BAD_DEPENDS,      /* other: the malformed declaration */
	TN_REASON_DEPENDS_MISSING,  /* other: name, symbol: conditions */
	TN_REASON_DEPENDS_OLD,      /* the same, section: version present */
	TN_REASON_DEPENDS_NEW,      /* the same */
	TN_REASON_DEPENDS_NOT_LIVE, /* other: name; it comes or goes */
	TN_REASON_CYCLE,            /* other: "a -> b -> a", value: length */
	TN_REASON_ESSENTIAL,        /* is unloaded by force only */
	TN_REASON_NO_TABLE,         /* symbol: the table that a foreign module
				       lacks */
	TN_REASON_DLOPEN,           /* other: what the dynamic linker says */
	TN_REASON_LINGERS,          /* other: why an image could not be
				       unmapped */
	TN_REASON_WORKER,           /* other: what has happened to the
				       process that runs it */
	TN_REASON_NO_BARRIER,
	TN_REASON_FINDER, /* other: what was looked for, value: what the
			     finder returned */
	TN_REASONS
};

#define TN_MODULE_NAME_MAX 56 /* with its NUL, as in Linux */

/* One missing symbol; the strings lie behind it. */
struct tn_missing {
	const char *symbol;
	const char *nearest; /* an existing export of a like name, or NULL */
};

enum tn_holder_kind {
	TN_HOLDER_IMPORTER, /* a module that imports from it, or needs it */
	TN_HOLDER_BOND,     /* is bound to an interface of it */
	TN_HOLDER_HANDLE,
	TN_HOLDER_REFERENCE, /* a module, or the program: tn_module_get */
	TN_HOLDER_RUNNING,   /* an operation that it has set off and that runs:
				name is "timer", "work", "thread", "callback" */
	TN_HOLDER_LOADING,   /* a module that needs it and is being loaded */
};

/* Who uses a module. */
struct tn_holder {
	enum tn_holder_kind kind;
	/* of the module, or what the host has given; cut to fit */
	char name[TN_MODULE_NAME_MAX];
	/* of a bond; with the operation of what runs; else empty */
	char interface[TN_MODULE_NAME_MAX];
	/* the code that took it (last), or NULL; for code of an init, which is
	   gone, the byte behind the first of its module's text */
	const void *site;
	uint64_t age_ns; /* for so long; 0 for importers, loaded or coming */
	uint64_t count;  /* of references; else 1 */
};

struct tn_diag {
	int error; /* negative enum tn_errno, or 0 */
	enum tn_stage stage;
	enum tn_reason reason;
	char module[TN_MODULE_NAME_MAX];
	char section[64];
	char symbol[128]; /* cut to fit */
	char other[128];
	const char *reloc; /* psABI name, static; or NULL */
	uint64_t offset;   /* within section */
	uint64_t value;
	int64_t low, high;
	struct tn_missing *missing; /* owned; see tn_diag_fini */
	size_t nmissing;
	struct tn_holder *holders; /* owned too */
	size_t nholders;
	/*
	 * Of a load that has succeeded: how many things it warns of, and the
	 * first of them, which are in the log too. Of a set that has failed:
	 * what could not be taken back.
	 */
	unsigned nnotes;
	char note[160];
	/* private: */
	void *owner, *memory;
	size_t memory_bytes;
};

/* An empty record. Required before the first use. */
void tn_diag_init(struct tn_diag *diag);

/*
 * Frees what the record owns and empties it. Before the tn_system is
 * destroyed whose call has filled it. Any context that may allocate.
 */
void tn_diag_fini(struct tn_diag *diag);

/*
 * Writes one sentence (missing symbols: a line each) into @buf, always
 * NUL-terminated when @cap is not 0. What of a name is no printable UTF-8 is '?'.
 * Returns the length of the whole text. Any context.
 */
size_t tn_diag_text(const struct tn_diag *diag, char *buf, size_t cap);

/* "gpl_only", "missing_symbol", ...: stable names for programs. */
const char *tn_reason_name(enum tn_reason reason);
const char *tn_stage_name(enum tn_stage stage);

#ifdef __cplusplus
}
#endif
