# SPDX-License-Identifier: MIT
# The second compiler, with thread-safety analysis.
KIND := host
ARCH := $(HOST_ARCH)
CC := clang
AR := ar
NM := nm
SIZE := size
CFLAGS := -O2 -g
SOFLAGS := -Wl,-z,defs
