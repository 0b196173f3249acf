# SPDX-License-Identifier: MIT
# Address and undefined-behaviour sanitizers; any report ends the program.
KIND := host
ARCH := $(HOST_ARCH)
CC := gcc
AR := ar
NM := nm
SIZE := size
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
LDFLAGS := -fsanitize=address,undefined
