/* SPDX-License-Identifier: MIT */
/*
 * GaiaModuleManager: modules in numbered slots, for C++17.
 *
 *	GaiaModuleManager::Config cfg;
 *	cfg.slot_capacity = 256 * 1024;
 *	cfg.slot_count = 8;
 *	GaiaModuleManager mgr;
 *	mgr.init(cfg);
 *	mgr.register_blob(0, blob, blob_len);
 *	mgr.load(0);
 *
 *	GaiaModuleManager::Handle h = mgr.acquire(0);
 *	int sum = 0;
 *	if (h)
 *		h.call<int(int, int)>("hello_add", &sum, 1, 2);
 *
 * A thin cover of <tenon/slot.h>, which says what each function does, may do
 * and answers; docs/slots.md is the guide. Works without exceptions and RTTI,
 * allocates nothing itself. A manager may be used by any thread, but for init,
 * shutdown and the destructor, which want it alone. Link with libtenon.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <lkmod/status.h>
#include <tenon/tenon.h>

class GaiaModuleManager
{
      public:
	enum class State {
		Empty,
		Registered,
		Loaded
	};

	/* What is not set is off, or the library's choice. */
	struct Config {
		/* The caller's memory; nullptr: the library's. */
		void *pool_base = nullptr;
		std::size_t pool_size = 0;
		/* 0: pool_size / slot_capacity. */
		std::uint32_t slot_count = 0;
		std::size_t slot_capacity = 0;
		/* Modules may import what every module may rely on. */
		bool imports = false;
		/* Asked at each load, before a byte is parsed. */
		tn_slot_verify_fn *verify = nullptr;
		void *verify_arg = nullptr;
		/* For lkmod_init; nullptr: the library's table. */
		const lkmod_api *api = nullptr;
		tn_slot_issue_fn *issue = nullptr;
		void *issue_arg = nullptr;
		/* Run every module isolated, with this time for a call. */
		const tn_isolation *isolation = nullptr;
		std::uint64_t timeout_ns = 0;
	};

	struct Info {
		State state;
		std::size_t blob_size;
		std::size_t blob_capacity;
		char entry_symbol[TN_SLOT_SYMBOL_MAX];
		tn_module *mod;
		std::uint64_t mod_base;
		std::size_t mod_size;
		std::uint32_t inflight_calls;
		std::uint32_t handles;
		char name[TN_MODULE_NAME_MAX];
		tn_timing timing;
		bool isolated;
		status_t worker_status;
	};

	/* A copy of a slot's entry symbol. */
	class Symbol
	{
	      public:
		const char *c_str() const noexcept
		{
			return text_;
		}
		explicit operator bool() const noexcept
		{
			return text_[0] != '\0';
		}

	      private:
		friend class GaiaModuleManager;
		char text_[TN_SLOT_SYMBOL_MAX] = {};
	};

	class Handle;

	GaiaModuleManager() noexcept = default;
	GaiaModuleManager(const GaiaModuleManager &) = delete;
	GaiaModuleManager &operator=(const GaiaModuleManager &) = delete;

	/* Shuts down. Handles that are alive answer ERR_BAD_HANDLE then. */
	~GaiaModuleManager()
	{
		if (slots_ != nullptr)
			tn_slots_abandon(slots_);
	}

	/* ERR_BAD_STATE: it has been done. */
	status_t init(const Config &config) noexcept
	{
		tn_slots_config c = {};

		if (slots_ != nullptr)
			return ERR_BAD_STATE;
		c.size = sizeof(c);
		c.abi = 1;
		c.slot_count = config.slot_count;
		c.flags = config.imports ? TN_SLOTS_IMPORTS : 0;
		c.slot_capacity = config.slot_capacity;
		c.pool = config.pool_base;
		c.pool_size = config.pool_size;
		c.verify = config.verify;
		c.verify_arg = config.verify_arg;
		c.api = config.api;
		c.issue = config.issue;
		c.issue_arg = config.issue_arg;
		c.isolation = config.isolation;
		c.timeout_ns = config.timeout_ns;
		return status(tn_slots_open(&c, &slots_));
	}

	status_t shutdown(tn_diag *diag = nullptr) noexcept
	{
		if (slots_ == nullptr)
			return ERR_BAD_STATE;
		const int err = tn_slots_shutdown(slots_, diag);

		if (err == 0)
			slots_ = nullptr;
		return status(err);
	}

	/* 0 before init. */
	std::uint32_t slot_count() const noexcept
	{
		return slots_ != nullptr ? tn_slots_count(slots_) : 0;
	}
	std::size_t slot_capacity() const noexcept
	{
		return slots_ != nullptr ? tn_slots_capacity(slots_) : 0;
	}

	status_t register_blob(std::uint32_t slot, const void *blob,
	    std::size_t len, bool overwrite = false) noexcept
	{
		return on(tn_slot_register, slot, blob, len,
		    overwrite ? TN_SLOT_OVERWRITE : 0u);
	}

	/* To be run by Config::isolation. */
	status_t register_isolated(std::uint32_t slot, const void *blob,
	    std::size_t len, bool overwrite = false) noexcept
	{
		return on(tn_slot_register, slot, blob, len,
		    TN_SLOT_ISOLATED | (overwrite ? TN_SLOT_OVERWRITE : 0u));
	}

	status_t unregister_blob(std::uint32_t slot) noexcept
	{
		return on(tn_slot_unregister, slot);
	}

	status_t load(std::uint32_t slot, tn_diag *diag = nullptr) noexcept
	{
		return on(tn_slot_load, slot, diag);
	}

	status_t unload(std::uint32_t slot, tn_diag *diag = nullptr) noexcept
	{
		return on(tn_slot_unload, slot, diag);
	}

	status_t get_info(std::uint32_t slot, Info *info) noexcept
	{
		struct tn_slot_info i;
		const status_t err =
		    on(tn_slot_info, slot, info != nullptr ? &i : nullptr);

		if (err == NO_ERROR)
			fill(info, i);
		return err;
	}

	status_t set_entry(std::uint32_t slot, const char *symbol) noexcept
	{
		return on(tn_slot_set_entry, slot, symbol);
	}

	/* A copy; empty when there is none, or no such slot. */
	Symbol get_entry(std::uint32_t slot) noexcept
	{
		Symbol symbol;

		(void)on(tn_slot_get_entry, slot, symbol.text_);
		return symbol;
	}

	status_t call(std::uint32_t slot, const char *symbol, std::int64_t a0,
	    std::int64_t a1, std::int64_t a2, std::int64_t a3,
	    std::int64_t *ret) noexcept
	{
		const std::int64_t args[4] = { a0, a1, a2, a3 };

		return on(tn_slot_call, slot, symbol, args, ret);
	}

	status_t call_entry(std::uint32_t slot, std::int64_t a0,
	    std::int64_t a1, std::int64_t a2, std::int64_t a3,
	    std::int64_t *ret) noexcept
	{
		const std::int64_t args[4] = { a0, a1, a2, a3 };

		return on(tn_slot_call_entry, slot, args, ret);
	}

	/* Ends the worker of an isolated slot. */
	status_t kill(std::uint32_t slot) noexcept
	{
		return on(tn_slot_kill, slot);
	}

	/* False when the slot is not loaded. @holder is for the list of
	   holders and stays. */
	Handle acquire(
	    std::uint32_t slot, const char *holder = nullptr) noexcept;
	status_t acquire(std::uint32_t slot, Handle *out,
	    const char *holder = nullptr) noexcept;

	/* For what is not covered here. */
	tn_slots *get() const noexcept
	{
		return slots_;
	}

	/* What an error of the library is here. */
	static status_t status(int err) noexcept
	{
		switch (-err) {
		case 0: return NO_ERROR;
		case TN_EINVAL: return ERR_INVALID_ARGS;
		case TN_EFBIG: return ERR_TOO_BIG;
		case TN_EBUSY: return ERR_BUSY;
		case TN_EEXIST: return ERR_ALREADY_EXISTS;
		case TN_ENOENT: return ERR_NOT_FOUND;
		case TN_EALREADY: return ERR_BAD_STATE;
		case TN_ERANGE: return ERR_OUT_OF_RANGE;
		case TN_ENOMEM:
		case TN_ENOSPC: return ERR_NO_MEMORY;
		case TN_EBADMSG:
		case TN_ENOEXEC: return ERR_NOT_VALID;
		case TN_ENOSYS:
		case TN_EOPNOTSUPP: return ERR_NOT_SUPPORTED;
		case TN_EACCES: return ERR_ACCESS_DENIED;
		case TN_EPERM: return ERR_NOT_ALLOWED;
		case TN_EIO: return ERR_IO;
		case TN_ESTALE: return ERR_BAD_HANDLE;
		case TN_EFAULT: return ERR_FAULT;
		case TN_ETIMEDOUT: return ERR_TIMED_OUT;
		case TN_EOWNERDEAD: return ERR_CANCELLED;
		default: return ERR_GENERIC;
		}
	}

      private:
	/* What happens between two states belongs to the one that it leaves. */
	static State state(tn_slot_state s) noexcept
	{
		switch (s) {
		case TN_SLOT_EMPTY: return State::Empty;
		case TN_SLOT_LOADED:
		case TN_SLOT_UNLOADING: return State::Loaded;
		default: return State::Registered;
		}
	}

	static void fill(Info *to, const struct tn_slot_info &from) noexcept
	{
		to->state = state(from.state);
		to->blob_size = from.blob_size;
		to->blob_capacity = from.blob_capacity;
		for (std::size_t i = 0; i < sizeof(to->entry_symbol); i++)
			to->entry_symbol[i] = from.entry_symbol[i];
		to->mod = from.mod;
		to->mod_base = from.mod_base;
		to->mod_size = from.mod_size;
		to->inflight_calls = from.inflight_calls;
		to->handles = from.handles;
		for (std::size_t i = 0; i < sizeof(to->name); i++)
			to->name[i] = from.name[i];
		to->timing = from.timing;
		to->isolated = from.isolated;
		to->worker_status = status(from.worker_status);
	}

	/* A function of the library, on a manager that is there. */
	template <typename Fn, typename... Args>
	status_t on(Fn *fn, std::uint32_t slot, Args... args) noexcept
	{
		return slots_ != nullptr ? status(fn(slots_, slot, args...))
					 : ERR_BAD_STATE;
	}

	tn_slots *slots_ = nullptr;
};

/*
 * Holds a loaded module until it goes out of scope; the slot cannot be unloaded
 * meanwhile. Calls are typed by a signature, which the compiler checks the
 * arguments against (ERR_INVALID_ARGS: nowhere to put the result):
 *
 *	h.call<int(int, int)>("hello_add", &sum, 1, 2);
 *	h.call<void(int)>("hello_run", 42);
 *	h.call_entry<void(int)>(42);
 *
 * The function must be of that type. Of an isolated module it may have up to
 * four parameters, all integers or enumerations, as its result. ERR_BAD_HANDLE:
 * it holds nothing (any more).
 */
class GaiaModuleManager::Handle
{
      public:
	Handle() noexcept = default;
	Handle(const Handle &) = delete;
	Handle &operator=(const Handle &) = delete;

	Handle(Handle &&other) noexcept : hold_(other.hold_)
	{
		other.hold_ = tn_slot_handle{};
	}

	Handle &operator=(Handle &&other) noexcept
	{
		if (this != &other) {
			release();
			hold_ = other.hold_;
			other.hold_ = tn_slot_handle{};
		}
		return *this;
	}

	~Handle()
	{
		release();
	}

	explicit operator bool() const noexcept
	{
		return tn_slot_handle_is_held(&hold_);
	}

	/* Gives the module up; it holds nothing then. */
	void release() noexcept
	{
		if (hold_.hold.slot != nullptr)
			(void)tn_slot_release(&hold_);
	}

	template <typename Signature, typename... Args>
	status_t call(const char *symbol, Args &&...args) const
	{
		return symbol == nullptr ? ERR_INVALID_ARGS
					 : Typed<Signature>::call(hold_, symbol,
					       std::forward<Args>(args)...);
	}

	template <typename Signature, typename... Args>
	status_t call_entry(Args &&...args) const
	{
		return Typed<Signature>::call(
		    hold_, nullptr, std::forward<Args>(args)...);
	}

      private:
	friend class GaiaModuleManager;

	/* The address of the function, or of the entry's. */
	static int find(const tn_slot_handle &hold, const char *symbol,
	    void **function) noexcept
	{
		return symbol != nullptr
			   ? tn_slot_handle_function(&hold, symbol, function)
			   : tn_slot_handle_entry(&hold, function);
	}

	template <typename T>
	static constexpr bool is_integer = (std::is_integral_v<T> ||
					       std::is_enum_v<T>)&&sizeof(T) <=
					   sizeof(std::int64_t);

	/* An argument in its register: what is narrower than 32 bits has its
	   own sign there, and 32 bits have that of the last one, though they be
	   unsigned (RISC-V; to the others it means nothing). */
	template <typename T> static std::int64_t widen(const T &value) noexcept
	{
		const auto wide = static_cast<std::int64_t>(value);

		return sizeof(T) == sizeof(std::int32_t)
			   ? static_cast<std::int32_t>(wide)
			   : wide;
	}

	/* What a result's register has beyond it means nothing, but bool would
	   look at all of it. */
	template <typename R> static R narrow(std::int64_t wide) noexcept
	{
		if constexpr (sizeof(R) == 1)
			return static_cast<R>(static_cast<std::uint8_t>(wide));
		else
			return static_cast<R>(wide);
	}

	/* For a function that is in another process, where only integers go. */
	template <typename... Args>
	static int call_away(const tn_slot_handle &hold, const char *symbol,
	    std::int64_t *ret, const Args &...args) noexcept
	{
		if constexpr (sizeof...(Args) <= 4 &&
			      (is_integer<Args> && ...)) {
			const std::int64_t all[] = { widen(args)..., 0, 0, 0,
				0 };

			return symbol != nullptr
				   ? tn_slot_handle_call(
					 &hold, symbol, all, ret)
				   : tn_slot_handle_call_entry(&hold, all, ret);
		} else {
			return -TN_EOPNOTSUPP;
		}
	}

	template <typename Signature> struct Typed;

	template <typename R, typename... Args> struct Typed<R(Args...)> {
		static status_t call(const tn_slot_handle &hold,
		    const char *symbol, R *ret, Args... args)
		{
			void *function = nullptr;
			int err = ret != nullptr ? find(hold, symbol, &function)
						 : -TN_EINVAL;

			if (err == 0)
				*ret = reinterpret_cast<R (*)(Args...)>(
				    function)(std::forward<Args>(args)...);
			else if (err == -TN_EOPNOTSUPP)
				err = away(hold, symbol, ret, args...);
			return status(err);
		}

		static int away(const tn_slot_handle &hold, const char *symbol,
		    R *ret, const Args &...args) noexcept
		{
			if constexpr (is_integer<R>) {
				std::int64_t wide = 0;
				const int err = call_away<Args...>(
				    hold, symbol, &wide, args...);

				if (err == 0)
					*ret = narrow<R>(wide);
				return err;
			} else {
				return -TN_EOPNOTSUPP;
			}
		}
	};

	template <typename... Args> struct Typed<void(Args...)> {
		static status_t call(const tn_slot_handle &hold,
		    const char *symbol, Args... args)
		{
			void *function = nullptr;
			std::int64_t ignored;
			int err = find(hold, symbol, &function);

			if (err == 0)
				reinterpret_cast<void (*)(Args...)>(function)(
				    std::forward<Args>(args)...);
			else if (err == -TN_EOPNOTSUPP)
				err = call_away<Args...>(
				    hold, symbol, &ignored, args...);
			return status(err);
		}
	};

	tn_slot_handle hold_ = {};
};

inline status_t GaiaModuleManager::acquire(
    std::uint32_t slot, Handle *out, const char *holder) noexcept
{
	tn_slot_handle hold;
	status_t err;

	if (out == nullptr)
		return ERR_INVALID_ARGS;
	err = on(tn_slot_acquire, slot, holder, &hold);
	if (err == NO_ERROR) {
		out->release();
		out->hold_ = hold;
	}
	return err;
}

inline GaiaModuleManager::Handle GaiaModuleManager::acquire(
    std::uint32_t slot, const char *holder) noexcept
{
	Handle handle;

	(void)acquire(slot, &handle, holder);
	return handle;
}
