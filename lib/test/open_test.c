/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing engines, and what their configuration does.
 */
#include <string.h>

#include <tenon/tenon.h>
#include <test/test.h>

static struct tn_host_config make_config(void)
{
	return (struct tn_host_config){ .size = sizeof(struct tn_host_config),
		.abi = 1 };
}

TEST(open, without_a_configuration_it_works)
{
	struct tn_system *sys;
	struct tn_symbol sym;

	CHECK_EQ(tn_open(NULL, &sys), 0);
	CHECK(tn_host_mode(sys) == TN_HOST_DUAL ||
	      tn_host_mode(sys) == TN_HOST_FLIP);
	CHECK_EQ(tn_symbol_find(sys, "printk", &sym), 0);
	CHECK(sym.crc != 0);
	CHECK_EQ(tn_symbol_count(sys), tn_guaranteed_count);
	CHECK_EQ(tn_close(sys), 0);
}

TEST(open, a_mode_that_is_asked_for_is_used)
{
	struct tn_host_config config = make_config();
	struct tn_system *sys;

	for (int mode = TN_HOST_DUAL; mode <= TN_HOST_FLIP; mode++) {
		config.mode = (enum tn_host_mode)mode;
		CHECK_EQ(tn_open(&config, &sys), 0);
		CHECK_EQ(tn_host_mode(sys), mode);
		CHECK_EQ(tn_close(sys), 0);
	}
}

TEST(open, a_bad_configuration_is_refused)
{
	struct tn_host_config config = make_config();
	struct tn_system *sys = NULL;

	config.size = 8;
	CHECK_EQ(tn_open(&config, &sys), -TN_EINVAL);
	/* It would have members that this library does not know. */
	config.size = sizeof(config) + 8;
	CHECK_EQ(tn_open(&config, &sys), -TN_EINVAL);
	config = make_config();
	config.flags = TN_HOST_PERF_MAP << 1;
	CHECK_EQ(tn_open(&config, &sys), -TN_EINVAL);
	config = make_config();
	config.abi = 2;
	CHECK_EQ(tn_open(&config, &sys), -TN_EINVAL);
	config = make_config();
	config.mode = (enum tn_host_mode)17;
	CHECK_EQ(tn_open(&config, &sys), -TN_EINVAL);
	CHECK(!sys);
}

TEST(open, engines_are_apart)
{
	struct tn_system *sys[3];

	for (int i = 0; i < 3; i++)
		CHECK_EQ(tn_open(NULL, &sys[i]), 0);
	CHECK_EQ(tn_close(sys[1]), 0);
	CHECK_EQ(tn_symbol_count(sys[0]), tn_guaranteed_count);
	CHECK_EQ(tn_symbol_count(sys[2]), tn_guaranteed_count);
	CHECK_EQ(tn_close(sys[0]), 0);
	CHECK_EQ(tn_close(sys[2]), 0);
}

TEST(open, what_is_not_open_cannot_be_closed)
{
	int dummy;

	CHECK_EQ(tn_close((struct tn_system *)(void *)&dummy), -TN_EINVAL);
}

static int refuse(void *arg, const void *data, size_t size)
{
	*(size_t *)arg = memcmp(data, "not ELF", 7) == 0 ? size : 0;
	return -1;
}

TEST(open, the_verification_hook_sees_the_bytes_first)
{
	PROVES("G23");
	static const _Alignas(8) char data[] = "not ELF at all";
	size_t seen = 0;
	struct tn_host_config config = make_config();
	const struct tn_load_args args = {
		.size = sizeof(args), .data = data, .data_size = sizeof(data)
	};
	struct tn_module *mod;
	struct tn_system *sys;
	struct tn_diag diag;

	config.verify = refuse;
	config.verify_arg = &seen;
	tn_diag_init(&diag);
	CHECK_EQ(tn_open(&config, &sys), 0);
	CHECK(tn_load(sys, &args, &mod, &diag) < 0);
	CHECK_EQ(seen, sizeof(data));
	CHECK_EQ(diag.reason, TN_REASON_VERIFY);
	tn_diag_fini(&diag);
	CHECK_EQ(tn_close(sys), 0);
}
