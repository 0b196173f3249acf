/* SPDX-License-Identifier: MIT */
/* A process on aarch64. */
#include <host/machine.h>

#include <ucontext.h>

/* mov w0, #N; ret */
static const uint8_t return_1[] = { 0x20, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f,
	0xd6 };
static const uint8_t return_2[] = { 0x40, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f,
	0xd6 };

/* The register of return addresses holds nothing else. */
static bool ends_call(const uint8_t *code)
{
	(void)code;
	return true;
}

static void frame(const void *context, struct host_frame *out)
{
	const ucontext_t *uc = context;
	const mcontext_t *m = &uc->uc_mcontext;

	*out = (struct host_frame){
		.pc = m->pc,
		.sp = m->sp,
		.fp = m->regs[29],
		.lr = m->regs[30],
	};
}

const struct host_machine host_machine = {
	.elf_machine = 183,    /* EM_AARCH64 */
	.keeps_fetched = true, /* IC IVAU empties caches, not pipelines */
	.return_1 = return_1,
	.return_2 = return_2,
	.code_size = sizeof(return_1),
	.frame = frame,
	.ends_call = ends_call,
	.frame_previous = 0,
	.frame_return = 8,
};
