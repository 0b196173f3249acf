# SPDX-License-Identifier: MIT
# As aarch64, for the size budget: see `make size`. Without the frame pointer,
# which gcc keeps here unless told; backtraces are for the other configuration.
# The last two flags forgo copies of code that only make it faster: values
# fetched ahead of a loop, and short ways past a function's prologue.
include configs/aarch64.mk
CFLAGS := $(subst -O2,-Os,$(CFLAGS)) -ffunction-sections -fdata-sections \
	-fomit-frame-pointer -fno-tree-loop-im -fno-shrink-wrap
