# SPDX-License-Identifier: MIT
# Linux on aarch64, run under qemu-user.
KIND := host
ARCH := aarch64
CC := aarch64-linux-gnu-gcc
AR := aarch64-linux-gnu-ar
NM := aarch64-linux-gnu-nm
SIZE := aarch64-linux-gnu-size
CFLAGS := -O2 -g
SOFLAGS := -Wl,-z,defs
RUN := qemu-aarch64 -L /usr/aarch64-linux-gnu
