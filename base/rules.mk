# SPDX-License-Identifier: MIT
kind := free
deps :=
install := tenon/err.h
# Worlds without a C library get the mem* functions here; a loop in them must
# not be turned into a call of themselves.
free_srcs := base/free/mem.c base/free/cstring.c
cflags = $(if $(filter free,$(KIND_HERE)),-fno-tree-loop-distribute-patterns)
