/* SPDX-License-Identifier: MIT */
/*
 * The loops of gate_bench that a module runs: enter and exit are imports.
 * bench.py compiles it.
 */
#include <tenon/module.h>

#include "loops.h"

loop_fn *gate_loop(unsigned guarded, unsigned alignment);

CALL counted_call(const struct place *p, int x)
{
	const struct tn_binding *b = tn_gate_enter_call(p->gate);

	x = bench_work(b, x);
	tn_gate_exit_call(p->gate);
	return x;
}

CALL guarded_call(const struct place *p, int x)
{
	struct tn_gate_frame f;
	const struct tn_binding *b = tn_guard_enter_call(p->gate, &f);

	x = bench_work(b, x);
	tn_guard_exit_call(p->gate, &f);
	return x;
}

LOOPS(counted)
LOOPS(guarded)

loop_fn *gate_loop(unsigned is_guarded, unsigned alignment)
{
	return (is_guarded ? guarded : counted)[alignment];
}
EXPORT_SYMBOL(gate_loop);

/* What the author's kit adds: profile "common". */
__asm__(".pushsection .note.tenon, \"a\", %note\n\t.balign 4\n\t"
	".long 6, 16, 1\n\t.asciz \"Tenon\"\n\t.balign 4\n\t"
	".long 1, 1, 1, 0\n\t.popsection");
MODULE_LICENSE("Dual MIT/GPL");
