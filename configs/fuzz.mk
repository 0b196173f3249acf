# SPDX-License-Identifier: MIT
# libFuzzer with the sanitizers; programs in build/fuzz/bin.
KIND := host
ARCH := $(HOST_ARCH)
CC := clang
AR := ar
NM := nm
SIZE := size
CFLAGS := -O1 -g -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS := -fsanitize=address,undefined
