/* SPDX-License-Identifier: MIT */
/*
 * libtcc as a loader of the same object file: from tcc_add_file to the end
 * of tcc_delete. Making the state (tcc_new) is not counted, as opening our
 * engine is not; -nostdlib keeps it from looking for a C library.
 *
 *	libtcc OBJECT PROBES RUNS
 */
#include "../measure.h"

#include <libtcc.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t once(const char *object, const struct probe *probe)
{
	TCCState *state = tcc_new();
	uint64_t start;
	void *addr;

	if (state == NULL)
		die("tcc_new", "failed");
	tcc_set_options(state, "-nostdlib");
	tcc_set_output_type(state, TCC_OUTPUT_MEMORY);
	start = now_ns();
	if (tcc_add_file(state, object) != 0)
		die("tcc_add_file", object);
	if (tcc_relocate(state, TCC_RELOCATE_AUTO) != 0)
		die("tcc_relocate", object);
	addr = tcc_get_symbol(state, probe->name);
	if (addr == NULL)
		die("tcc_get_symbol", probe->name);
	probe_call(probe, addr);
	tcc_delete(state);
	return now_ns() - start;
}

int main(int argc, char **argv)
{
	struct probes probes;
	struct samples s;
	size_t runs;

	if (argc != 4) {
		fputs("usage: libtcc OBJECT PROBES RUNS\n", stderr);
		return 2;
	}
	probes = probes_read(argv[2]);
	runs = (size_t)number_of(argv[3]);
	s = samples_new(runs);
	(void)once(argv[1], &probes.list[0]); /* warm-up */
	for (size_t i = 0; i < runs; i++)
		samples_add(&s, once(argv[1], &probes.list[i % probes.n]));
	samples_print(&s, "libtcc");
	return 0;
}
