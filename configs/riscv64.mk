# SPDX-License-Identifier: MIT
# Bare riscv64, S-mode.
KIND := free
ARCH := riscv64
CC := riscv64-linux-gnu-gcc
AR := riscv64-linux-gnu-ar
NM := riscv64-linux-gnu-nm
SIZE := riscv64-linux-gnu-size
CFLAGS := -O2 -g -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany \
	-fno-stack-protector -fno-pic -fno-pie -fno-asynchronous-unwind-tables \
	-fno-unwind-tables
