# SPDX-License-Identifier: MIT
# Linux on riscv64, run under qemu-user.
KIND := host
ARCH := riscv64
CC := riscv64-linux-gnu-gcc
AR := riscv64-linux-gnu-ar
NM := riscv64-linux-gnu-nm
SIZE := riscv64-linux-gnu-size
CFLAGS := -O2 -g
SOFLAGS := -Wl,-z,defs
RUN := qemu-riscv64 -L /usr/riscv64-linux-gnu
