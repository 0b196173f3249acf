/* SPDX-License-Identifier: MIT */
/*
 * Parameters of modules: setting them at load and at run time.
 *
 * A load takes tn_load_args.params, a line in Linux's form:
 *
 *	level=3 ports=80,443 label="two words" verbose
 *
 * Values are set before init runs. Words are parted by blanks; double quotes
 * keep blanks together, around a value or around a whole word, and are left
 * out of it then. '-' and '_' in a name are the same. A name without '=' is
 * for a bool and means yes. Of two settings of one parameter the last holds.
 * Numbers are decimal, 0x1f or 017, a bool is y n t f 1 0 on off in either
 * case (more letters may follow: "yes"), elements of an array are parted by
 * commas. A text has at most 1024 characters.
 *
 * Whatever is wrong refuses the load, or the setting, and changes nothing:
 * TN_REASON_PARAM_UNKNOWN, _VALUE, _RANGE, _LENGTH, _READ_ONLY.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/diag.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tn_module;

/* As in the file (docs/module-format.md, 8). */
enum tn_param_type {
	TN_PARAM_BYTE = 1,
	TN_PARAM_SHORT,
	TN_PARAM_USHORT,
	TN_PARAM_INT,
	TN_PARAM_UINT,
	TN_PARAM_LONG,
	TN_PARAM_ULONG,
	TN_PARAM_LLONG,
	TN_PARAM_ULLONG,
	TN_PARAM_BOOL,
	TN_PARAM_CHARP,
	TN_PARAM_STRING,
};

struct tn_param {
	const char *name;
	const char *help; /* or "" */
	enum tn_param_type type;
	uint16_t perm; /* as of a file; writable at run time: any of 0222 */
	bool is_array;
	bool has_range;
	uint32_t capacity; /* elements; bytes of a string; else 1 */
	int64_t min, max;  /* of an unsigned type: as uint64_t */
};

/* "int", "charp", ...: the author's name for it. */
const char *tn_param_type_name(enum tn_param_type type);

/*
 * Calls @fn for each parameter of @mod that its permissions show, until it
 * returns non-zero, and returns that. The strings live as long as @mod is
 * loaded. -TN_ENOENT: it is not. Any thread; @fn may call this engine.
 */
int tn_param_each(struct tn_module *mod,
    int (*fn)(void *arg, const struct tn_param *param), void *arg);

/*
 * Writes the value of @name as text, in the form that tn_param_set takes (a
 * bool is Y or N), and sets *@len to the length of the whole text; @buf is
 * NUL-terminated when @cap is not 0. Sleeps.
 * -TN_ENOENT: @mod is not loaded, or shows no such parameter;
 * -TN_EOPNOTSUPP: a charp that the module itself has pointed to memory that is
 * neither of its image nor the engine's.
 */
int tn_param_get(struct tn_module *mod, const char *name, char *buf, size_t cap,
    size_t *len);

/*
 * Sets a parameter of a running module; NULL is a name without a value. The
 * whole value is checked before any of it is written. A text that a charp is
 * set to lives until @mod is unloaded, since the module may have read the
 * pointer; one that it had before is used again. So memory grows with the
 * number of different texts, and the time of a setting does.
 * The module reads the variable whenever it likes: it sees each number whole,
 * the elements of an array and the characters of a string one by one. Sleeps.
 * -TN_ENOENT: not loaded, or no such parameter is shown; -TN_EACCES: it is
 * read-only; -TN_EINVAL: no such value, or @mod is not running; -TN_ERANGE:
 * beyond its limits; -TN_ENOSPC: too many elements or characters; -TN_ENOMEM.
 */
int tn_param_set(struct tn_module *mod, const char *name, const char *value,
    struct tn_diag *diag);

#ifdef __cplusplus
}
#endif
