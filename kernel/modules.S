/* SPDX-License-Identifier: MIT */
/*
 * The module files that the image carries, byte for byte as `tenon run`
 * loads them. One line each, PROFILE/NAME; rules.mk reads the same lines to
 * know what the image is made from.
 *
 *	k_files: { name, data, size } ... k_files_end
 */
	.macro MODULE path
	.section .rodata.k_data, "a", %progbits
	.balign 8
.Ldata\@:
	.incbin "\path\().ko"
.Lend\@:
	.section .rodata.k_names, "a", %progbits
.Lname\@:
	.asciz "\path"
	.section .rodata.k_files, "a", %progbits
	.quad .Lname\@, .Ldata\@, .Lend\@ - .Ldata\@
	.endm

	.section .rodata.k_files, "a", %progbits
	.balign 8
	.global k_files
k_files:

	MODULE common/provider
	MODULE common/user
	MODULE common/hello
	MODULE common/roafter
	MODULE common/ctors
	MODULE common/common_bss
	MODULE common/weak
	MODULE common/callee
	MODULE common/calls
	MODULE common/guaranteed
	MODULE common/leaky
	MODULE common/missing
	MODULE common/gpl_user
	MODULE common/ns_user
	MODULE common/badver
	MODULE common/twin
	MODULE common/failing_init
	MODULE hosted/hostlib

	.section .rodata.k_files, "a", %progbits
	.global k_files_end
k_files_end:
	.section .note.GNU-stack, "", %progbits
