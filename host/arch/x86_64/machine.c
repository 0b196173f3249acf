/* SPDX-License-Identifier: MIT */
/* A process on x86_64. */
#include <host/machine.h>

#include <ucontext.h>

/* mov $N, %eax; ret */
static const uint8_t return_1[] = { 0xb8, 1, 0, 0, 0, 0xc3 };
static const uint8_t return_2[] = { 0xb8, 2, 0, 0, 0, 0xc3 };

/* E8 with a displacement, or FF with a register, a displacement or neither. */
static bool ends_call(const uint8_t *code)
{
	return code[3] == 0xe8 ||
	       (code[6] == 0xff && (code[7] & 0x38) == 0x10) ||
	       (code[5] == 0xff && (code[6] & 0x38) == 0x10) ||
	       (code[2] == 0xff && (code[3] & 0x38) == 0x10);
}

static void frame(const void *context, struct host_frame *out)
{
	const ucontext_t *uc = context;
	const greg_t *r = uc->uc_mcontext.gregs;

	*out = (struct host_frame){
		.pc = (uint64_t)r[REG_RIP],
		.sp = (uint64_t)r[REG_RSP],
		.fp = (uint64_t)r[REG_RBP],
	};
}

const struct host_machine host_machine = {
	.elf_machine = 62,      /* EM_X86_64 */
	.keeps_fetched = false, /* stores are seen by what has been fetched */
	.return_1 = return_1,
	.return_2 = return_2,
	.code_size = sizeof(return_1),
	.frame = frame,
	.ends_call = ends_call,
	.frame_previous = 0,
	.frame_return = 8,
};
