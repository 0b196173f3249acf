# SPDX-License-Identifier: MIT
# Bare x86_64: the freestanding components only.
KIND := free
ARCH := x86_64
CC := gcc
AR := ar
NM := nm
SIZE := size
CFLAGS := -O2 -g -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fno-pic -fno-pie -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-unwind-tables
