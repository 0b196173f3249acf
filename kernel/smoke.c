/* SPDX-License-Identifier: MIT */
/*
 * The smoke program: the engine on a bare machine, with the module files that
 * a Linux process loads too. It loads, calls, refuses and unloads them in the
 * order of k_main, tries every violation of W^X, and leaves the pool as it
 * was. Each line of the report that begins with "ok" or "FAIL" is one check;
 * the last line counts them.
 *
 * Three tables say what is loaded, called and refused.
 */
#include <base/format.h>
#include <base/sha256.h>
#include <base/string.h>
#include <tenon/engine.h>

#include "arch.h"
#include "check.h"
#include "fault.h"
#include "files.h"
#include "kernel.h"
#include "paging.h"
#include "port.h"

/* In the order of loading; unloaded the other way round. */
static const char *const to_load[] = { "provider", "user", "hello", "roafter",
	"ctors", "common_bss", "weak", "callee", "calls", "guaranteed",
	"leaky" };

#define LOADED ARRAY_SIZE(to_load)

static const struct {
	const char *symbol;
	long a, b;
	long expected;
} calls[] = {
	{ "hello_add", 7, 5, 12 },
	{ "user_sum", 1, 0, 54 }, /* (1 + 2 + 3 + 5 + 7) * 3 */
	{ "roafter_value", 0, 0, 42 },
	{ "ctors_order", 0, 0, 1234 },
	{ "common_bss_check", 0, 0, 0 },
	{ "weak_probe", 0, 0, 7 },
	{ "calls_tail", 2, 0, 67 }, /* 2 * 2 + 0x3f */
	{ "calls_far", 44, 0, 42 },
	{ "guaranteed_check", 0, 0, 0 },
	{ "leaky_count", 0, 0, 0 },
};

static const struct {
	const char *file;
	enum tn_reason reason;
} to_refuse[] = {
	{ "common/missing", TN_REASON_MISSING_SYMBOL },
	{ "common/gpl_user", TN_REASON_GPL_ONLY },
	{ "common/ns_user", TN_REASON_NAMESPACE },
	{ "common/badver", TN_REASON_CRC },
	{ "common/twin", TN_REASON_DUPLICATE_EXPORT },
	{ "common/failing_init", TN_REASON_INIT_FAILED },
	{ "common/hello", TN_REASON_DUPLICATE_MODULE },
	{ "hosted/hostlib", TN_REASON_PROFILE_WORLD },
};

static struct {
	struct tn_pool *pool;
	struct tn_system *sys;
	struct tn_module *module[LOADED];
	size_t used; /* bytes of the pool before there was an engine */
} smoke;

static void print_diag(const char *what, const struct tn_diag *diag)
{
	static char text[1024];

	(void)tn_diag_text(diag, text, sizeof(text)); /* cut if need be */
	k_printf("%s%s\n", what, text);
}

/* --- W^X */

static void check_pages(const char *when)
{
	struct k_paging_count n;

	k_paging_count(&n);
	k_check(n.both == 0 && n.executable != 0 && n.writable != 0,
	    "W^X %s: %zu pages, %zu writable, %zu executable, %zu both", when,
	    n.pages, n.writable, n.executable, n.both);
}

static void store(void *p)
{
	*(volatile uint32_t *)p = 0;
}

static void jump(void *p)
{
	((void (*)(void))p)();
}

static void check_fault(void (*how)(void *), void *where, const char *what)
{
	static const char *const access[] = { "exception", "fetch", "load",
		"store" };
	struct k_fault f = { .cause = "nothing happened" };
	const bool faulted = k_fault_catch(how, where, &f);

	k_check(faulted && f.address == (uintptr_t)where &&
		    f.access == (how == jump ? FAULT_FETCH : FAULT_STORE),
	    "%s: %s at %p: %s", what, access[f.access], where, f.cause);
}

static struct tn_module *module_of(const char *name)
{
	for (size_t i = 0; i < LOADED; i++)
		if (str_eq(to_load[i], name))
			return smoke.module[i];
	k_panic("smoke: %s is not among the modules", name);
}

static void *symbol_address(const char *name)
{
	struct tn_symbol s;

	if (tn_symbol_find(smoke.sys, name, &s) != 0)
		return NULL;
	return (void *)(uintptr_t)s.addr;
}

/* The violations that a module could try, tried from outside. */
static void check_module_pages(void)
{
	void *const text = symbol_address("hello_add");
	void *const rodata = symbol_address("provider_table");
	void *const code = symbol_address("roafter_poke");
	uint64_t data = 0;
	size_t size = 0;
	struct k_fault f = { .access = FAULT_OTHER };

	tn_module_part(module_of("common_bss"), TN_DATA, &data, &size);
	if (!k_check(
		text != NULL && rodata != NULL && code != NULL && size != 0,
		"there are text, constants and data to attack"))
		return;
	check_fault(store, text, "module text is read-only");
	check_fault(store, rodata, "module constants are read-only");
	check_fault(jump, rodata, "module constants do not run");
	check_fault(jump, (void *)(uintptr_t)data, "module data does not run");
	k_check(k_fault_catch((void (*)(void *))code, NULL, &f) &&
		    f.access == FAULT_STORE,
	    "read-only after init is read-only: store from the module at %p",
	    (void *)f.pc);
}

/* --- loading */

static const struct k_file *file_find(const char *name)
{
	for (const struct k_file *f = k_files; f != k_files_end; f++)
		if (str_eq(f->name, name))
			return f;
	k_panic("smoke: no file %s in the image", name);
}

static int load(
    const void *data, size_t size, struct tn_module **out, struct tn_diag *diag)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.data = data,
		.data_size = size,
	};

	tn_diag_init(diag);
	return tn_load(smoke.sys, &args, out, diag);
}

static bool load_one(const char *name, struct tn_module **out)
{
	char path[64], digits[65];
	uint8_t digest[SHA256_SIZE];
	struct tn_module_info info;
	struct tn_diag diag;
	const struct k_file *f;

	(void)text_format(path, sizeof(path), "common/%s", name);
	f = file_find(path);
	sha256(f->data, f->size, digest);
	sha256_text(digest, digits);
	if (!k_check(
		load(f->data, f->size, out, &diag) == 0, "load %s", name)) {
		print_diag("     ", &diag);
		tn_diag_fini(&diag);
		return false;
	}
	tn_module_info(*out, &info);
	/* As `tenon run` prints it. */
	k_printf("loaded %s sha256=%s text=0x%lx bytes=%zu exports=%u "
		 "relocations=%u cells=%u stubs=%u\n",
	    info.name, digits, (unsigned long)info.text_addr, info.bytes,
	    info.nexports, info.nrelocs, info.ncells, info.nstubs);
	return true;
}

static bool load_all(void)
{
	for (size_t i = 0; i < LOADED; i++)
		if (!load_one(to_load[i], &smoke.module[i]))
			return false;
	return true;
}

/* --- text is synchronised, all of it and nothing else */

struct text_sum {
	size_t bytes, pages;
};

static int add_text(void *arg, struct tn_module *mod)
{
	struct text_sum *sum = arg;
	uint64_t addr;
	size_t size;

	tn_module_part(mod, TN_TEXT, &addr, &size);
	sum->bytes += size;
	sum->pages += (size + PAGE_SIZE - 1) / PAGE_SIZE;
	return 0;
}

/* Has every byte of text been synchronised once, since it can run? */
static bool is_synced(struct text_sum *sum)
{
	struct k_port_count n;

	*sum = (struct text_sum){ 0, 0 };
	(void)tn_module_each(smoke.sys, add_text, sum); /* add_text is 0 */
	k_port_count(&n);
	return n.text_pages == sum->pages && n.text_synced == sum->bytes &&
	       n.text_stale == 0 && n.sync_no_text == 0;
}

static void check_synced(void)
{
	struct text_sum sum;

	k_check(is_synced(&sum) && sum.bytes != 0,
	    "instructions synchronised: %zu bytes on %zu pages, all of text",
	    sum.bytes, sum.pages);
}

static void check_calls(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		long (*const fn)(long, long) =
		    (long (*)(long, long))symbol_address(calls[i].symbol);
		const long got = fn != NULL ? fn(calls[i].a, calls[i].b) : -1;

		k_check(fn != NULL && got == calls[i].expected,
		    "%s(%ld, %ld) = %ld", calls[i].symbol, calls[i].a,
		    calls[i].b, got);
	}
}

/* --- refusals: each leaves registry and pool as they were */

static void check_refused(
    const char *what, const void *data, size_t size, enum tn_reason reason)
{
	const size_t used = tn_pool_used(smoke.pool);
	const size_t symbols = tn_symbol_count(smoke.sys);
	struct tn_module *mod = NULL;
	struct tn_diag diag;
	const int err = load(data, size, &mod, &diag);

	print_diag("     ", &diag);
	k_check(err != 0 && mod == NULL &&
		    (reason == TN_REASON_NONE || diag.reason == reason),
	    "refuse %s: %s, error %d", what, tn_reason_name(diag.reason), err);
	tn_diag_fini(&diag);
	k_check(tn_pool_used(smoke.pool) == used &&
		    tn_symbol_count(smoke.sys) == symbols,
	    "nothing of it is left");
}

#define E_MACHINE 18 /* offset in the ELF header */
#define EM_X86_64 62

static void check_damaged(void)
{
	static uint8_t copy[128 * 1024] __attribute__((aligned(8)));
	const struct k_file *f = file_find("common/hello");
	size_t survived = 0;

	if (!k_check(f->size <= sizeof(copy), "%s fits the copy", f->name))
		return;
	memcpy(copy, f->data, f->size);
	copy[1] ^= 1; /* ELF's second letter */
	check_refused("a file that is not ELF", copy, f->size, TN_REASON_ELF);
	copy[1] ^= 1;
	copy[E_MACHINE] = EM_X86_64;
	check_refused(
	    "another machine's file", copy, f->size, TN_REASON_MACHINE);
	copy[E_MACHINE] = (uint8_t)arch_elf_machine;
	check_refused("half a file", copy, f->size / 2, TN_REASON_ELF);
	for (size_t n = 0; n < f->size; n += 97) {
		struct tn_module *mod = NULL;
		struct tn_diag diag;

		survived += load(copy, n, &mod, &diag) == 0;
		tn_diag_fini(&diag);
	}
	k_check(survived == 0, "refuse every shorter piece of it");
}

static void check_refusals(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(to_refuse); i++) {
		const struct k_file *f = file_find(to_refuse[i].file);

		check_refused(f->name, f->data, f->size, to_refuse[i].reason);
	}
}

/* --- unloading */

static void check_busy(void)
{
	struct tn_diag diag;

	tn_diag_init(&diag);
	k_check(
	    tn_unload(smoke.sys, module_of("provider"), &diag) == -TN_EBUSY &&
		diag.reason == TN_REASON_IN_USE,
	    "refuse to unload provider");
	print_diag("     ", &diag);
	k_check(diag.nholders == 1 && str_eq(diag.holders[0].name, "user"),
	    "the refusal names the user");
	tn_diag_fini(&diag);
}

static void unload_all(void)
{
	for (size_t i = LOADED; i-- > 0;) {
		struct tn_diag diag;

		if (smoke.module[i] == NULL)
			continue;
		tn_diag_init(&diag);
		if (!k_check(tn_unload(smoke.sys, smoke.module[i], &diag) == 0,
			"unload %s", to_load[i]))
			print_diag("     ", &diag);
		tn_diag_fini(&diag);
	}
}

static bool reload(const char *file, const char *symbol, long expected)
{
	const struct k_file *f = file_find(file);
	struct tn_module *mod = NULL;
	struct text_sum sum;
	struct tn_diag diag;
	long (*fn)(void);
	bool ok = load(f->data, f->size, &mod, &diag) == 0;

	if (ok) {
		fn = (long (*)(void))symbol_address(symbol);
		ok = is_synced(&sum) && fn != NULL && fn() == expected &&
		     tn_unload(smoke.sys, mod, &diag) == 0;
	}
	tn_diag_fini(&diag);
	return ok;
}

/* Different text at the same addresses, again and again. */
static void check_reloads(void)
{
	const size_t used = tn_pool_used(smoke.pool);
	unsigned right = 0;

	for (unsigned i = 0; i < 10; i++) {
		right += reload("common/roafter", "roafter_value", 42);
		right += reload("common/weak", "weak_probe", 7);
		right += reload("common/common_bss", "common_bss_fill", 2);
	}
	k_check(right == 30 && tn_pool_used(smoke.pool) == used,
	    "load, call and unload %u times in the same memory", right);
}

/* The proof that check_synced can fail. Nothing of the module runs. */
static void check_left_out(void)
{
	const struct k_file *f = file_find("common/weak");
	const struct tn_load_args args = {
		.size = sizeof(args),
		.flags = TN_LOAD_NO_INIT,
		.data = f->data,
		.data_size = f->size,
	};
	struct tn_module *mod = NULL;
	struct text_sum sum;
	struct tn_diag diag;
	bool noticed;

	tn_diag_init(&diag);
	k_port_leave_out_sync(true);
	noticed = tn_load(smoke.sys, &args, &mod, &diag) == 0 &&
		  !is_synced(&sum) && tn_unload(smoke.sys, mod, &diag) == 0;
	k_port_leave_out_sync(false);
	k_check(
	    noticed && is_synced(&sum), "notice text that is not synchronised");
	tn_diag_fini(&diag);
}

/* --- the whole */

static bool engine_up(void)
{
	const struct tn_config config = {
		.size = sizeof(config),
		.abi = 1,
		.exports = tn_guaranteed,
		.nexports = tn_guaranteed_count,
		.seed = 1,
	};
	const size_t size = (size_t)(image_pool_end - image_pool);

	/* Memory that was used before: nothing may rely on zeros. */
	memset(image_pool, 0xa5, size);
	if (!k_check(k_port_create(&smoke.pool) == 0, "a pool of %zu KiB",
		size / 1024))
		return false;
	smoke.used = tn_pool_used(smoke.pool);
	return k_check(tn_system_create(
			   tn_pool_port(smoke.pool), &config, &smoke.sys) == 0,
	    "the engine is up, %zu guaranteed symbols", tn_guaranteed_count);
}

static void check_machine(void)
{
	struct k_port_count n;

	k_check(tn_system_destroy(smoke.sys) == 0, "the engine is down");
	k_check(tn_pool_used(smoke.pool) == smoke.used,
	    "the pool is as it was: %zu bytes", smoke.used);
	k_port_count(&n);
	k_check(n.sync_ranges != 0 && n.text_pages == 0,
	    "no text is left of %zu ranges, %zu bytes", n.sync_ranges,
	    n.sync_bytes);
	k_check(n.refused == 0 && n.sections == 0 && n.locked == 0,
	    "%zu permission changes, none refused; nothing is held",
	    n.protects);
}

enum k_status k_main(void)
{
	check_pages("before the engine");
	check_fault(store, image_text, "kernel text is read-only");
	check_fault(jump, image_pool, "the pool does not run");
	if (!engine_up() || !load_all())
		return k_check_result("smoke");
	check_pages("with modules");
	check_synced();
	check_calls();
	check_module_pages();
	check_refusals();
	check_damaged();
	check_busy();
	unload_all();
	check_reloads();
	check_left_out();
	check_machine();
	check_pages("after the modules");
	return k_check_result("smoke");
}
