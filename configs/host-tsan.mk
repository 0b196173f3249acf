# SPDX-License-Identifier: MIT
# Thread sanitizer.
KIND := host
ARCH := $(HOST_ARCH)
CC := clang
AR := ar
NM := nm
SIZE := size
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LDFLAGS := -fsanitize=thread
