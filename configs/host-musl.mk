# SPDX-License-Identifier: MIT
# This machine with another C library. There are no decompressors for it in
# the distribution, and Linux's own headers come from the usual place, after
# everything that musl has.
KIND := host
ARCH := $(HOST_ARCH)
CC := musl-gcc
AR := ar
NM := nm
SIZE := size
CFLAGS := -O2 -g -idirafter /usr/include -idirafter /usr/include/$(HOST_ARCH)-linux-gnu
SOFLAGS := -Wl,-z,defs
