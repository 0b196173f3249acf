# SPDX-License-Identifier: MIT
# Bare aarch64, EL1.
KIND := free
ARCH := aarch64
CC := aarch64-linux-gnu-gcc
AR := aarch64-linux-gnu-ar
NM := aarch64-linux-gnu-nm
SIZE := aarch64-linux-gnu-size
CFLAGS := -O2 -g -mgeneral-regs-only -ffixed-x18 -mno-outline-atomics \
	-fno-stack-protector -fno-pic -fno-pie -fno-asynchronous-unwind-tables \
	-fno-unwind-tables
