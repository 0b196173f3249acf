# SPDX-License-Identifier: MIT
# The build machine, gcc: what a user installs.
KIND := host
ARCH := $(HOST_ARCH)
CC := gcc
AR := ar
NM := nm
SIZE := size
CFLAGS := -O2 -g -Wnull-dereference
SOFLAGS := -Wl,-z,defs
