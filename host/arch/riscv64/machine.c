/* SPDX-License-Identifier: MIT */
/* A process on riscv64. */
#include <host/machine.h>

#include <ucontext.h>

/* li a0, N; ret */
static const uint8_t return_1[] = { 0x13, 0x05, 0x10, 0x00, 0x67, 0x80, 0x00,
	0x00 };
static const uint8_t return_2[] = { 0x13, 0x05, 0x20, 0x00, 0x67, 0x80, 0x00,
	0x00 };

/* The register of return addresses holds nothing else. */
static bool ends_call(const uint8_t *code)
{
	(void)code;
	return true;
}

static void frame(const void *context, struct host_frame *out)
{
	const ucontext_t *uc = context;
	const unsigned long *r = uc->uc_mcontext.__gregs;

	*out = (struct host_frame){
		.pc = r[REG_PC],
		.sp = r[REG_SP],
		.fp = r[REG_S0],
		.lr = r[REG_RA],
	};
}

const struct host_machine host_machine = {
	.elf_machine = 243,     /* EM_RISCV */
	.keeps_fetched = false, /* riscv_flush_icache: fence.i on all harts */
	.return_1 = return_1,
	.return_2 = return_2,
	.code_size = sizeof(return_1),
	.frame = frame,
	.ends_call = ends_call,
	.frame_previous = -16,
	.frame_return = -8,
};
