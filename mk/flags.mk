# SPDX-License-Identifier: MIT
#
# Flags in three parts: what the configuration says (configs/*.mk), what the
# kind of component asks for (freestanding or host), what the component adds.
# A file configs/NAME.mk sets the variables of CONFIG_VARS:
#   KIND    host (runs in a Linux process) or free (bare metal)
#   ARCH    x86_64, aarch64 or riscv64
#   CC AR NM SIZE     tools; a name that ends in gcc or clang selects warnings
#   CFLAGS LDFLAGS SOFLAGS   for all objects, programs, shared libraries
#   RUN     the command in front of a program of a foreign machine

WERROR ?= -Werror
CONFIG_VARS := KIND ARCH CC AR NM SIZE CFLAGS LDFLAGS SOFLAGS RUN

WARN := -Wall -Wextra -Wshadow -Wundef -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wpointer-arith \
	-Wimplicit-fallthrough -Wformat=2 -Wredundant-decls \
	-Wold-style-definition -Wdouble-promotion
# gcc does not let a cast to void ignore a result, which is how the style
# writes it; clang does, and judges that in the same sources.
WARN_gcc := -Wlogical-op -Wno-unused-result
WARN_clang := -Wthread-safety
WARN_STRICT := -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align
STRICT := base core/% vm

# Freestanding components see the compiler's own headers and nothing else;
# gcc's <limits.h> must be told that no C library has another one.
FREE := -ffreestanding -D_LIBC_LIMITS_H_
HOST := -D_GNU_SOURCE -fPIC
# In a process, so that a program leaves out what it does not use of libtenon.a.
SECTIONS := -ffunction-sections -fdata-sections

define load_config
$(foreach v,$(CONFIG_VARS),$(eval $v :=))
$(eval include $1)
$(foreach v,$(CONFIG_VARS),$(eval CFG.$(basename $(notdir $1)).$v := $($v)))
endef

CONFIGS := $(basename $(notdir $(wildcard configs/*.mk)))
$(foreach f,$(wildcard configs/*.mk),$(strip $(call load_config,$f)))
HOST_CONFIGS := $(foreach c,$(CONFIGS),$(if $(filter host,$(CFG.$c.KIND)),$c))
FREE_CONFIGS := $(filter-out $(HOST_CONFIGS),$(CONFIGS))

# A rules.mk may use these in lazy (=) assignments.  NATIVE: what it builds may
# be linked with the libraries of this machine.
ARCH = $(CFG.$(CONFIG).ARCH)
NATIVE = $(if $(filter musl-gcc,$(CFG.$(CONFIG).CC)),,$(filter $(HOST_ARCH),$(ARCH)))

# The folder of the compiler's own headers, asked for once, when first used.
compiler_of = $(if $(findstring clang,$(CFG.$1.CC)),clang,gcc)
define builtin_dir
$(or $(BUILTIN.$1),$(eval BUILTIN.$1 := $(shell $(CFG.$1.CC) -print-file-name=include))$(BUILTIN.$1))
endef
nostdinc = -nostdinc -isystem $(call builtin_dir,$1)

# $(call base_flags,config,component)
base_flags = -std=c11 $(WARN) $(WARN_$(call compiler_of,$1)) $(WERROR) \
	$(if $(filter $(STRICT),$2),$(WARN_STRICT)) \
	$(if $(filter host,$(CFG.$1.KIND)),$(SECTIONS)) \
	$(CFG.$1.CFLAGS) $(EXTRA_CFLAGS)
