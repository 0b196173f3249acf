/* SPDX-License-Identifier: MIT */
/*
 * Numbered slots: loading and calling modules without a file system.
 *
 * A manager has a fixed number of slots in one region of memory, each of a
 * fixed capacity. A module file (a *blob*: ET_DYN or ET_REL, from memory) is
 * copied into a slot, loaded from there, called by the names of its functions,
 * and unloaded. docs/slots.md is the guide.
 *
 *	EMPTY -register-> REGISTERED -load-> LOADED
 *	EMPTY <-unregister- REGISTERED <-unload- LOADED
 *
 * There is no other way from state to state. Between the states, while code of
 * the module may run, a slot is LOADING or UNLOADING and answers -TN_EBUSY to
 * whoever wants to change it.
 *
 * A call pins the slot while it lasts, a handle as long as it is held. A slot
 * that is pinned is not unloaded: the attempt ends at once with -TN_EBUSY,
 * names the holders, changes nothing and disturbs nobody.
 *
 * Where the memory comes from:
 *  - tn_slots_config.pool NULL: from the port. A slot holds the blob alone;
 *    images and the engine's objects are the port's too.
 *  - else the caller's pool ("fixed mode"): modules, their images and all that
 *    the engine needs for them are in it. The image is placed behind the blob
 *    in the same slot; permissions of whole pages are flipped, so that none is
 *    ever writable and executable. A blob whose image does not fit behind it is
 *    refused by the load. From elsewhere come only
 *     - the table, unless it has a place (tn_slots_config.table);
 *     - what the world of gates (<tenon/gate.h>) keeps of a thread: a record,
 *       when it first calls a module or takes a handle, and 1 KiB for each 15
 *       handles that it holds at once. Both stay, for threads to come; in a
 *       process they are not the heap's;
 *     - what isolation, where it is used, needs for its workers.
 *
 * Functions are safe to call from any thread unless they say otherwise, and
 * return 0 or a negative enum tn_errno, for which enum tn_slot_status has the
 * names that slot managers know; results are left alone when they fail. No
 * pointer may be NULL but what says so. "Sleeps": takes the mutex of the slot
 * table (the lock of the port) or runs code of the module; no lock is held
 * while code of a module or a hook runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/diag.h>
#include <tenon/engine.h>
#include <tenon/err.h>
#include <tenon/gate.h>
#include <tenon/isolation.h>
#include <tenon/pool.h>
#include <tenon/port.h>

#ifdef __cplusplus
/* A function is called as the struct that it tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

struct tn_slots;
struct lkmod_api; /* <lkmod/lkmod.h> */

enum tn_slot_status {
	TN_SLOT_OK = 0,
	TN_SLOT_INVALID_ARGS = -TN_EINVAL, /* no such slot, NULL, length 0 */
	TN_SLOT_TOO_BIG = -TN_EFBIG,       /* longer than the capacity */
	TN_SLOT_BUSY = -TN_EBUSY,          /* loaded, pinned or changing */
	TN_SLOT_ALREADY_EXISTS =
	    -TN_EEXIST,                    /* registered, or loaded, already */
	TN_SLOT_NOT_FOUND = -TN_ENOENT,    /* empty, not loaded; no symbol */
	TN_SLOT_BAD_STATE = -TN_EALREADY,  /* the manager is shutting down */
	TN_SLOT_OUT_OF_RANGE = -TN_ERANGE, /* more slots than the pool holds */
	TN_SLOT_NO_MEMORY = -TN_ENOMEM,    /* also -TN_ENOSPC: of the slot */
	TN_SLOT_NOT_VALID = -TN_ENOEXEC,   /* no sound module file */
	TN_SLOT_NOT_SUPPORTED = -TN_EOPNOTSUPP, /* its type, an import, ... */
	TN_SLOT_REFUSED = -TN_EACCES,           /* by the verification hook */
	TN_SLOT_STALE = -TN_ESTALE, /* a handle that holds nothing */
	/* of isolated slots; the worker is gone, the slot can be reloaded */
	TN_SLOT_FAULT = -TN_EFAULT,
	TN_SLOT_TIMED_OUT = -TN_ETIMEDOUT,
	TN_SLOT_KILLED = -TN_EOWNERDEAD,
};

/* "INVALID_ARGS", "OK", ...; for other errors tn_error_name. Any context. */
const char *tn_slot_status_name(int status);

enum tn_slot_state {
	TN_SLOT_EMPTY,
	TN_SLOT_REGISTERED,
	TN_SLOT_LOADING,
	TN_SLOT_LOADED,
	TN_SLOT_UNLOADING,
	TN_SLOT_STATES
};

/* "empty", "registered", ... Any context. */
const char *tn_slot_state_name(enum tn_slot_state state);

/* --- managers */

/* What a load of an isolated slot may take when there is no limit: 30 s. */
#define TN_SLOT_LOAD_TIMEOUT_NS UINT64_C(30000000000)

/* tn_slots_config.flags */
#define TN_SLOTS_IMPORTS                                                       \
	1u /* modules may import tn_slots_config.exports; else an undefined
	      symbol is refused (-TN_EOPNOTSUPP), a weak one is 0 */
#define TN_SLOTS_NO_INIT                                                       \
	2u /* for looking at modules: no code of them runs by itself, neither
	      constructors and init nor exit */

/*
 * Asked at each load before any byte is parsed, with the bytes in the slot,
 * which nobody can change meanwhile: the place for a hash or a signature. Other
 * than 0 refuses it (-TN_EACCES). No lock is held.
 */
typedef int tn_slot_verify_fn(
    void *arg, uint32_t slot, const void *blob, size_t size);

/* What lkmod_api.issue of a module in @slot leads to. Any thread. */
typedef int tn_slot_issue_fn(
    void *arg, uint32_t slot, uint32_t queue_id, const void *command);

/* Zeroed but for size, abi and slot_capacity it is a sound configuration. */
struct tn_slots_config {
	uint32_t size;        /* sizeof(struct tn_slots_config) */
	uint32_t abi;         /* 1 */
	uint32_t slot_count;  /* 0: pool_size / slot_capacity */
	uint32_t flags;       /* TN_SLOTS_* */
	size_t slot_capacity; /* bytes of each slot, any number; slots begin
				 at multiples of 8 */
	/*
	 * The caller's memory, readable and writable, which he does not touch
	 * until the manager has ended; or NULL. Permissions are flipped for
	 * whole pages inside of a slot: a capacity that is a multiple of the
	 * page size, and a pool that begins with a page, waste none. Slots are
	 * as far apart as the capacity, rounded up to a multiple of 8, from the
	 * first multiple of 8 in the pool on: what that takes counts.
	 */
	void *pool;
	size_t pool_size;
	/*
	 * Where the manager itself and its table are kept: at least
	 * tn_slots_table_size bytes, cleared or not, which stay until released
	 * is called. NULL: behind the last slot of the caller's pool if there is
	 * room, else from the port.
	 */
	void *table;
	size_t table_size;
	/* For TN_SLOTS_IMPORTS; live as long as the manager. */
	const struct tn_export *exports;
	size_t nexports;
	uint64_t seed;             /* secret, as in tn_config */
	tn_slot_verify_fn *verify; /* or NULL */
	void *verify_arg;
	/*
	 * What lkmod_init is handed; lives as long as the manager. NULL: a table
	 * of the manager, whose functions work on the port; memory is charged to
	 * the slot's module.
	 */
	const struct lkmod_api *api;
	tn_slot_issue_fn *issue; /* of that table; NULL: not supported */
	void *issue_arg;
	const struct tn_isolation *isolation; /* or NULL: no isolated slots */
	/*
	 * Of calls into isolated slots, and of their loads, inits included;
	 * tn_slot_kill ends both. 0: none for calls, for loads
	 * TN_SLOT_LOAD_TIMEOUT_NS.
	 */
	uint64_t timeout_ns;
	const struct tn_listener *listeners; /* told of modules, as tn_config */
	size_t nlisteners;
	/*
	 * Or NULL. Called last of all, when nothing of the manager is used any
	 * more but by abandoned modules in a caller's pool. With the table
	 * behind the caller's slots before tn_slots_abandon returns.
	 */
	void (*released)(void *arg);
	void *released_arg;
};

/* Bytes for the table of a manager of @slot_count slots. Any context. */
size_t tn_slots_table_size(uint32_t slot_count);

/*
 * Makes a manager over @port, which must outlive it; so must @world, which is
 * needed with a caller's pool and else may be NULL. Sleeps.
 *
 * -TN_EINVAL: the configuration is of another size or abi, a pointer is
 * missing, no capacity, or neither count nor pool; -TN_ERANGE: the slots are
 * more than the pool, aligned, has room for, or than there can be; -TN_ENOSPC:
 * the table is too small; -TN_ENOMEM.
 */
int tn_slots_create(const struct tn_port *port,
    const struct tn_pool_world *world, const struct tn_slots_config *config,
    struct tn_slots **out);

/*
 * Unloads and unregisters everything, gives back the memory, and ends the
 * manager: @slots is invalid after 0. Does not wait for anybody. No other
 * thread uses @slots any more, but for calls that are on their way out, and
 * handles.
 *
 * -TN_EBUSY: a slot is pinned, is changing, or its module is permanent: the
 * holders are in @diag, which may be NULL, and nothing has changed.
 * -TN_EALREADY: it is being shut down. -TN_EOPNOTSUPP: something is loaded, and
 * the system allows no barrier for threads by now; nothing has changed. What a
 * module's exit has returned: its slot and those behind it are still loaded.
 * Sleeps.
 */
int tn_slots_shutdown(struct tn_slots *slots, struct tn_diag *diag);

/*
 * For destructors, which cannot be refused: shuts down if that is possible.
 * Else every handle answers -TN_ESTALE from now on and for ever, and @slots is
 * invalid. Memory of the port is given back when the last of the handles has
 * been released; a caller's pool is not touched any more, and what it holds
 * ends without its exit. Isolated workers end with that memory, or, where the
 * table is in the caller's memory and not released, before this returns: then
 * no thread may be in a call by a handle. Sleeps.
 */
void tn_slots_abandon(struct tn_slots *slots);

/* Any context. */
uint32_t tn_slots_count(const struct tn_slots *slots);
size_t tn_slots_capacity(const struct tn_slots *slots);

/* --- slots */

/* tn_slot_register's flags */
#define TN_SLOT_OVERWRITE 1u /* replace what is registered */
#define TN_SLOT_ISOLATED  2u /* to be run by tn_slots_config.isolation */

/*
 * EMPTY to REGISTERED: copies @size bytes at @blob, which may lie in the slot
 * itself, into it. Nothing is looked at. The entry symbol of a slot that is
 * overwritten stays.
 *
 * -TN_EINVAL: no such slot, no bytes, an unknown flag; -TN_EFBIG: more than
 * the capacity; -TN_EEXIST: registered, and TN_SLOT_OVERWRITE is not given;
 * -TN_EBUSY: loaded or changing; -TN_EOPNOTSUPP: isolated, without isolation.
 * Sleeps.
 */
int tn_slot_register(struct tn_slots *slots, uint32_t slot, const void *blob,
    size_t size, uint32_t flags);

/*
 * REGISTERED to EMPTY; forgets the entry symbol. -TN_EINVAL; -TN_ENOENT: it is
 * empty; -TN_EBUSY: loaded or changing. Sleeps.
 */
int tn_slot_unregister(struct tn_slots *slots, uint32_t slot);

/*
 * REGISTERED to LOADED: verifies, loads and initialises the module. When it
 * fails the slot is REGISTERED, as before, and nothing else has changed. A
 * module that states no name is called "slotN".
 *
 * A module of <lkmod/lkmod.h> has lkmod_init called; any other is initialised
 * by its module_init, its module_ops or not at all.
 *
 * -TN_EINVAL; -TN_ENOENT: it is empty; -TN_EEXIST: it is loaded; -TN_EBUSY:
 * changing; -TN_EACCES: refused by the hook; -TN_ENOSPC, -TN_ENOMEM: no room
 * behind the blob, or no memory; the errors of tn_load; what lkmod_init
 * returned; of an isolated slot also the errors of tn_isolation.open. @diag
 * may be NULL. Sleeps.
 */
int tn_slot_load(struct tn_slots *slots, uint32_t slot, struct tn_diag *diag);

/*
 * LOADED to REGISTERED: runs the module's exit and frees its image. Does not
 * wait for anybody.
 *
 * -TN_EINVAL; -TN_ENOENT: it is not loaded; -TN_EBUSY: pinned (@diag, which may
 * be NULL, has the holders), changing, or the module is permanent; -TN_EPERM:
 * the module's quiesce forbids it; -TN_EOPNOTSUPP: the system allows no barrier
 * for threads by now; what its stop or lkmod_exit returned. In all of these it
 * stays loaded. An isolated module can neither be permanent nor refuse. Sleeps.
 */
int tn_slot_unload(struct tn_slots *slots, uint32_t slot, struct tn_diag *diag);

/* Longest name of an entry symbol, with its NUL. */
#define TN_SLOT_SYMBOL_MAX 64

struct tn_slot_info {
	enum tn_slot_state state;
	bool isolated;
	size_t blob_size; /* 0: empty */
	size_t blob_capacity;
	char entry_symbol[TN_SLOT_SYMBOL_MAX]; /* "": none */
	uint32_t inflight_calls;               /* calls inside now */
	uint32_t handles;                      /* that are held */
	/* Of a slot that is LOADED or UNLOADING, else zeroes: */
	char name[TN_MODULE_NAME_MAX];
	struct tn_module *mod;   /* NULL: isolated */
	uint64_t mod_base;       /* the lowest address of the image */
	size_t mod_size;         /* bytes of its parts */
	struct tn_timing timing; /* of the load, with lkmod_init; nanoseconds */
	int worker_status;       /* of an isolated one: see tn_isolation_info */
	int64_t worker_id;
};

/* -TN_EINVAL. Sleeps. */
int tn_slot_info(
    struct tn_slots *slots, uint32_t slot, struct tn_slot_info *info);

/*
 * Who holds handles to the slot: writes the first @room into @out, which may
 * be NULL then, and returns how many there are. Any thread; does not block.
 */
size_t tn_slot_holders(
    struct tn_slots *slots, uint32_t slot, struct tn_holder *out, size_t room);

/*
 * The function that tn_slot_call_entry and its like call; NULL: none. It stays
 * through unload and load; whether the module has it shows when it is called.
 * -TN_EINVAL; -TN_EFBIG: TN_SLOT_SYMBOL_MAX characters or more; -TN_ENOENT: the
 * slot is empty. Sleeps.
 */
int tn_slot_set_entry(
    struct tn_slots *slots, uint32_t slot, const char *symbol);

/* Copies it; "": none. -TN_EINVAL. Sleeps. */
int tn_slot_get_entry(
    struct tn_slots *slots, uint32_t slot, char symbol[TN_SLOT_SYMBOL_MAX]);

/*
 * Ends the worker of an isolated slot at once: calls inside answer
 * -TN_EOWNERDEAD, and so do all later ones until it is loaded again. The slot is
 * pinned meanwhile, no lock is held, and what isolation tells of the end may ask
 * the manager. If it is loading, that load ends soon: it fails with
 * -TN_EOWNERDEAD, or what it has loaded is killed at once. -TN_EINVAL;
 * -TN_ENOENT: it is not loaded; -TN_EOPNOTSUPP: it is not isolated. May wait
 * while an unload is just being decided.
 */
int tn_slot_kill(struct tn_slots *slots, uint32_t slot);

/* --- walking: loaded slots by ascending number */

/* *@slot becomes the number. -TN_ENOENT: there is none (behind *@slot). */
int tn_slot_first(struct tn_slots *slots, uint32_t *slot);
int tn_slot_last(struct tn_slots *slots, uint32_t *slot);
int tn_slot_next(struct tn_slots *slots, uint32_t *slot);

/* The first loaded slot whose module has this name. -TN_ENOENT. Sleeps. */
int tn_slot_find(struct tn_slots *slots, const char *name, uint32_t *slot);

/* --- one-shot calls: int64_t function(int64_t, int64_t, int64_t, int64_t) */

/*
 * Calls the function @symbol; *@ret is what it returned. The slot is pinned
 * meanwhile. Of a module in this process the caller answers for the function's
 * type, which has at most four parameters that are integers or pointers.
 * -TN_EINVAL; -TN_ENOENT: not loaded, or no function of this name; of an
 * isolated slot also the errors of tn_isolation.call. Takes no lock; may do
 * what the function does.
 */
int tn_slot_call(struct tn_slots *slots, uint32_t slot, const char *symbol,
    const int64_t args[4], int64_t *ret);

/* The same for the entry symbol; -TN_ENOENT also: there is none. */
int tn_slot_call_entry(
    struct tn_slots *slots, uint32_t slot, const int64_t args[4], int64_t *ret);

/* --- handles: for callers that stay */

/*
 * By value: it may be copied and handed to another thread, and is then still
 * one handle, released once; afterwards all copies answer -TN_ESTALE for ever,
 * as does a zeroed one. It must not be released while a call goes through it.
 * The fields are private.
 */
struct tn_slot_handle {
	struct tn_handle hold;
	const uint64_t *entry; /* atomic; of the entry symbol, 0: ask */
	struct tn_slots *slots;
	uint32_t slot;
	bool keeps; /* the manager, so that it is there when it is put */
};

/*
 * Holds the loaded module of @slot in the name of @holder, which stays; NULL:
 * nameless. -TN_EINVAL; -TN_ENOENT: not loaded; -TN_ENOMEM. Waits while an
 * unload is just being decided (microseconds). Not in signal handlers.
 */
int tn_slot_acquire(struct tn_slots *slots, uint32_t slot, const char *holder,
    struct tn_slot_handle *out);

/*
 * Gives it up and zeroes @handle. -TN_ESTALE: it holds nothing. May free the
 * memory of a manager that was abandoned, and then sleeps.
 */
int tn_slot_release(struct tn_slot_handle *handle);

/* It holds its module, and will until it is released. Any context. */
static inline bool tn_slot_handle_is_held(const struct tn_slot_handle *handle)
{
	return tn_handle_is_held(handle->hold);
}

/*
 * As tn_slot_call and tn_slot_call_entry. -TN_ESTALE: it holds nothing.
 */
int tn_slot_handle_call(const struct tn_slot_handle *handle, const char *symbol,
    const int64_t args[4], int64_t *ret);
int tn_slot_handle_call_entry(
    const struct tn_slot_handle *handle, const int64_t args[4], int64_t *ret);

/*
 * The address of the function @symbol, NULL: of the entry symbol, which may be
 * called as long as the handle is held. -TN_ESTALE; -TN_ENOENT; -TN_EOPNOTSUPP:
 * the module is isolated, and its functions are elsewhere. May sleep for the
 * entry symbol.
 */
int tn_slot_handle_function(
    const struct tn_slot_handle *handle, const char *symbol, void **function);

/* The same for the entry symbol, at the cost of some loads. */
static inline int tn_slot_handle_entry(
    const struct tn_slot_handle *handle, void **function)
{
	uint64_t entry;

	if (!tn_slot_handle_is_held(handle))
		return -TN_ESTALE;
	/* relaxed: the module came before the handle was taken */
	entry = __atomic_load_n(handle->entry, __ATOMIC_RELAXED);
	if (__builtin_expect(entry == 0, 0))
		return tn_slot_handle_function(handle, NULL, function);
	__builtin_memcpy(function, &entry, sizeof(*function));
	return 0;
}

/*
 * Typed calls of modules in this process, checked by the compiler: the number
 * and types of the arguments against @params, and of @ret against @type; what
 * does not fit does not compile. The values are those of
 * tn_slot_handle_function, and *@ret is set when it is 0. -TN_EINVAL: @ret is
 * NULL; nothing is called then.
 *
 *	int sum;
 *
 *	err = TN_SLOT_CALL(int, (int, int), &h, "hello_add", &sum, (1, 2));
 *	err = TN_SLOT_CALL_VOID((int), &h, "hello_run", (42));
 */
// NOLINTBEGIN(bugprone-macro-parentheses): types cannot have them
#define TN_SLOT_CALL(type, params, handle, symbol, ret, args)                  \
	TN_SLOT_CALL_AT_(                                                      \
	    TN_SLOT_RET_(tn_slot_handle_function(handle, symbol, &tn_at_)),    \
	    type *const tn_ret_ = (ret),                                       \
	    *tn_ret_ = TN_SLOT_FN_(type(*) params) args)
#define TN_SLOT_CALL_VOID(params, handle, symbol, args)                        \
	TN_SLOT_CALL_AT_(tn_slot_handle_function(handle, symbol, &tn_at_),     \
	    (void)0, TN_SLOT_FN_(void(*) params) args)

/* The same for the entry symbol. */
#define TN_SLOT_CALL_ENTRY(type, params, handle, ret, args)                    \
	TN_SLOT_CALL_AT_(TN_SLOT_RET_(tn_slot_handle_entry(handle, &tn_at_)),  \
	    type *const tn_ret_ = (ret),                                       \
	    *tn_ret_ = TN_SLOT_FN_(type(*) params) args)
#define TN_SLOT_CALL_ENTRY_VOID(params, handle, args)                          \
	TN_SLOT_CALL_AT_(tn_slot_handle_entry(handle, &tn_at_), (void)0,       \
	    TN_SLOT_FN_(void(*) params) args)

#ifdef __cplusplus
#define TN_SLOT_FN_(type) reinterpret_cast<type>(tn_at_)
#define TN_SLOT_STRICT_
#else
#define TN_SLOT_FN_(type) ((type)tn_at_)
/* Some compilers only warn of a pointer for an integer: not here. */
#define TN_SLOT_STRICT_                                                        \
	_Pragma("GCC diagnostic error \"-Wint-conversion\"")                   \
	    _Pragma("GCC diagnostic error \"-Wincompatible-pointer-types\"")
#endif

/* Where the result goes comes first. */
#define TN_SLOT_RET_(find) (tn_ret_ == NULL ? -TN_EINVAL : (find))

#define TN_SLOT_CALL_AT_(find, keep, call)                                     \
	__extension__({                                                        \
		_Pragma("GCC diagnostic push") TN_SLOT_STRICT_ void *tn_at_ =  \
		    NULL;                                                      \
		keep;                                                          \
		const int tn_err_ = (find);                                    \
		if (tn_err_ == 0) {                                            \
			call;                                                  \
		}                                                              \
		_Pragma("GCC diagnostic pop") tn_err_;                         \
	})
// NOLINTEND(bugprone-macro-parentheses)

/* --- for worlds whose processes can be copied while threads run */

/*
 * Stand around the copy as tn_system_before_fork and tn_system_after_fork,
 * with the port's lock held or its holder at rest. What other threads were
 * loading or unloading stays so in the copy.
 */
void tn_slots_before_fork(struct tn_slots *slots);
void tn_slots_after_fork(struct tn_slots *slots, bool child);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
