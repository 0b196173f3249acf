/* SPDX-License-Identifier: MIT */
/*
 * The machine that this is compiled for.
 */
#include "encode.h"

const struct reloc_machine *reloc_machine_here(unsigned elf_machine)
{
	return elf_machine == EM_RISCV ? &reloc_riscv64 : NULL;
}
