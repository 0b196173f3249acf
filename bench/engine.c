/* SPDX-License-Identifier: MIT */
/*
 * See engine.h. The diagnosis is prepared as a careful caller would, so its
 * cost is part of every figure.
 */
#include "engine.h"

struct tn_system *engine_open(void)
{
	struct tn_system *sys;

	if (tn_open(NULL, &sys) != 0)
		die("tn_open", "failed");
	return sys;
}

void engine_close(struct tn_system *sys)
{
	if (tn_close(sys) != 0)
		die("tn_close", "failed");
}

static _Noreturn void die_of(const char *what, const struct tn_diag *diag)
{
	char text[512];

	(void)tn_diag_text(diag, text, sizeof(text)); /* cut to fit */
	die(what, text);
}

struct tn_module *engine_load(struct tn_system *sys, const struct file *file)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.name = "bench",
		.data = file->data,
		.data_size = file->size,
	};
	struct tn_module *mod;
	struct tn_diag diag;

	tn_diag_init(&diag);
	if (tn_load(sys, &args, &mod, &diag) != 0)
		die_of("tn_load", &diag);
	tn_diag_fini(&diag);
	return mod;
}

void engine_unload(struct tn_system *sys, struct tn_module *mod)
{
	struct tn_diag diag;

	tn_diag_init(&diag);
	if (tn_unload(sys, mod, &diag) != 0)
		die_of("tn_unload", &diag);
	tn_diag_fini(&diag);
}
