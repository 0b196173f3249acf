# SPDX-License-Identifier: MIT
# As aarch64, for the size budgets: see `make size`. The objects hold what the
# compiler needs to optimise an image as a whole when it is linked. Without the
# frame pointer, which gcc keeps here unless told; backtraces are for the other
# configuration. The last six flags forgo code that only makes it faster:
# values fetched ahead of a loop (by trees, and by registers), short ways past a
# function's prologue, functions with fewer parameters, jumps that skip a test,
# and what is laid out for the branch that seems more likely.
include configs/aarch64.mk
CFLAGS := $(subst -O2,-Os,$(CFLAGS)) -ffunction-sections -fdata-sections \
	-flto -fomit-frame-pointer -fno-tree-loop-im \
	-fno-move-loop-invariants -fno-shrink-wrap \
	-fno-ipa-sra -fno-thread-jumps -fno-guess-branch-probability
