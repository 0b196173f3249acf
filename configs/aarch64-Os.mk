# SPDX-License-Identifier: MIT
# As aarch64, for the size budget: see `make size`.
include configs/aarch64.mk
CFLAGS := $(subst -O2,-Os,$(CFLAGS)) -ffunction-sections -fdata-sections
