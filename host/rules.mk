# SPDX-License-Identifier: MIT
# Decompressors come from the distribution and exist for the build machine
# only; a build for another machine answers NOT_SUPPORTED.
kind := host
deps := base api core/mod core/gate
srcs = $(wildcard host/$(if $(NATIVE),unpack,unpack_none)/*.c) $(GUARANTEED)
libs = -lpthread $(if $(NATIVE),-lz -llzma -lzstd)
# Memory for gdb comes from the C library; its tests let it fail.
test_ldflags = -Wl,--wrap=calloc,--wrap=realloc
