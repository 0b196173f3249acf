# SPDX-License-Identifier: MIT
#
# Builds loadable modules as docs/module-format.md says.  A makefile outside
# Tenon's tree is three lines, and may have them again for a second module:
#
#	MODULE := hello
#	SOURCES := hello.c
#	include /usr/local/share/tenon/module.mk
#
# `make` leaves build/ARCH/PROFILE/hello.ko, and beside it hello.symvers for
# the modules that use its exports; `make clean` removes them for all machines
# and profiles.  What a makefile may say before it:
#   MODULE         the module's name
#   SOURCES        .c, .cpp, .cc and .S files; default MODULE.c
#   USES           modules of this build whose exports it imports
#   SYMVERS        Module.symvers files of modules built elsewhere
#   VERSIONS       y: CRCs of its own exports, made from their types
#   CRCS           a file with these CRCs instead
#   MODULE_CFLAGS  further compiler flags
#   MODULE_CXXFLAGS  the same, for C++ alone
#   MODPOST_FLAGS  further flags of tenon modpost, such as --warn
#   PROFILES       the profiles it can be built for; default both
# and on the command line, with their defaults:
#   ARCH     x86_64, aarch64 or riscv64 (this machine's)
#   PROFILE  common or hosted (common)
#   CC       gcc or clang, of any name (gcc); OPT (-O2); BUILD (build)
#   TENON    the program `tenon`;  V=1 shows commands

ifndef TENON_KIT
TENON_KIT := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
TENON_FRAGMENT := $(TENON_KIT)/module.mk
TENON_VARS := SOURCES USES SYMVERS VERSIONS CRCS MODULE_CFLAGS MODULE_CXXFLAGS \
	MODPOST_FLAGS PROFILES

# In Tenon's tree, or below PREFIX/share/tenon.
TENON_TREE := $(wildcard $(TENON_KIT)/../api/include/tenon/module.h)
TENON_INCLUDE := $(TENON_KIT)/../$(if $(TENON_TREE),api,..)/include
TENON ?= $(TENON_KIT)/../$(if $(TENON_TREE),build/host/bin,../bin)/tenon
OPT ?= -O2

TENON_ARCHS := x86_64 aarch64 riscv64
TENON_FOLDERS = $(foreach a,$(TENON_ARCHS),$(BUILD)/$a/common $(BUILD)/$a/hosted)

# A name without the machine in it is a native compiler: gcc gets a prefix,
# clang a target.  $1 is the machine.
TENON_NATIVE := $(shell uname -m)
TENON_CC ?= $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
tenon_prefix = $(if $(filter $1,$(TENON_NATIVE)),,$1-linux-gnu-)
tenon_gcc = $(if $(findstring $1,$(TENON_CC)),,$(call tenon_prefix,$1))$(TENON_CC)
tenon_clang = $(TENON_CC) --target=$1-linux-gnu
tenon_cc = $(call tenon_$(if $(findstring clang,$(TENON_CC)),clang,gcc),$1)
tenon_ld = $(call tenon_prefix,$1)ld

# The flags, in the order of section 2 of the specification.
TENON_FLAGS := -fPIC -fvisibility=hidden -fplt -Wall -Wextra -DMODULE
TENON_FLAGS_x86_64 := -mcmodel=small
TENON_FLAGS_aarch64 := -mcmodel=small -mno-outline-atomics
TENON_FLAGS_riscv64 := -mcmodel=medany -mno-relax
TENON_CXXFLAGS := -fno-exceptions -fno-rtti -fno-threadsafe-statics \
	-fno-use-cxa-atexit

TENON_COMMON := -ffreestanding -fno-stack-protector -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -nostdinc
TENON_COMMON_x86_64 := -march=x86-64 -mgeneral-regs-only -mno-red-zone \
	-fcf-protection=none
TENON_COMMON_aarch64 := -march=armv8-a -mgeneral-regs-only -ffixed-x18 \
	-mbranch-protection=none
TENON_COMMON_riscv64 := -march=rv64imac -mabi=lp64

tenon_cxx = $(filter %.cpp %.cc,$1)

# Versions need debug information, which stays only where it is asked for.
tenon_versions = $(if $(TENON.$1.CRCS),,$(filter y,$(TENON.$1.VERSIONS)))
tenon_strip = $(if $(call tenon_versions,$1),$(if \
	$(filter -g%,$(filter-out -g0,$(OPT) $(TENON.$1.MODULE_CFLAGS))),,-S))

# $(call tenon_flags,arch,profile,module,source)
tenon_flags = $(OPT) $(TENON_FLAGS) $(TENON_FLAGS_$1) \
	$(if $(findstring clang,$(TENON_CC)),-fno-addrsig) \
	$(if $(call tenon_cxx,$4),$(TENON_CXXFLAGS)) \
	$(if $(filter common,$2),$(TENON_COMMON) $(TENON_COMMON_$1) \
		-isystem "$$$$($(call tenon_cc,$1) -print-file-name=include)") \
	$(if $(call tenon_versions,$3),-g) \
	-I$(TENON.$3.DIR) -idirafter $(TENON_INCLUDE) -DKBUILD_MODNAME='"$(subst -,_,$3)"' \
	$(TENON.$3.MODULE_CFLAGS) \
	$(if $(call tenon_cxx,$4),$(TENON.$3.MODULE_CXXFLAGS))

tenon_say = $(if $(V),,@printf '  %-8s %s\n' '$1' '$2')
TENON_Q := $(if $(V),,@)

# $(call tenon_stamp,file,text): FILE holds TEXT, and is newer if it changed.
tenon_differ = $(subst x$1x,,x$2x)$(subst x$2x,,x$1x)
define tenon_stamp
$(if $(call tenon_differ,$(strip $(file <$1)),$(subst $$$$,$$,$2)),$1: TENON_FORCE)
$1:
	@mkdir -p $$(@D) && printf '%s\n' '$(subst ','\'',$2)' > $$@

endef
# What a failed command leaves is no result.
.DELETE_ON_ERROR:
.PHONY: TENON_FORCE

# $(call tenon_compile,arch,profile,module,source,object)
define tenon_compile
$5: $4 $(dir $5).flags | $(SETUP)
	$$(call tenon_say,MODCC,$$@)
	@mkdir -p $$(@D)
	$(TENON_Q)$(call tenon_cc,$1) $(call tenon_flags,$1,$2,$3,$4) -MD -MP -c $$< -o $$@

-include $(5:.o=.d)
endef

# hello.c and hello.S, a/b.c and a_b.c: no two sources have one object.
tenon_object = $(tenon_o)/$(subst /,@,$1).o

# $(call tenon_module,arch,profile,module,folder of the result): tenon_o is
# where its objects go, tenon_s and tenon_c are what modpost reads besides.
define tenon_module
$(eval tenon_o := $4/.obj/$3)
$(eval tenon_objs := $(foreach s,$(TENON.$3.SOURCES),$(call tenon_object,$s)))
$(eval tenon_s := $(TENON.$3.USES:%=$4/%.symvers) \
	$(TENON.$3.SYMVERS:%=$(TENON.$3.DIR)/%))
$(eval tenon_c := $(TENON.$3.CRCS:%=$(TENON.$3.DIR)/%) \
	$(if $(call tenon_versions,$3),$(tenon_o)/$3.versions))
$(call tenon_stamp,$(tenon_o)/.flags,$(strip \
	$(call tenon_cc,$1) $(call tenon_flags,$1,$2,$3,all.cc)))
$(foreach s,$(TENON.$3.SOURCES),
$(call tenon_compile,$1,$2,$3,$(TENON.$3.DIR)/$s,$(call tenon_object,$s))
)
$(call tenon_stamp,$(tenon_o)/.objects,$(strip $(tenon_objs)))
$(tenon_o)/$3.joined.o: $(tenon_objs) $(tenon_o)/.objects
	$(TENON_Q)$(call tenon_ld,$1) -r \
		$(if $(call tenon_cxx,$(TENON.$3.SOURCES)),--force-group-allocation) \
		-o $$@ $$(filter %.o,$$^)
$(tenon_o)/$3.versions: $(tenon_o)/$3.joined.o
	$(TENON_Q)$(TENON) symvers --untyped -n $3 -o $$@ $$<
$(tenon_o)/$3.mod.c: $(tenon_o)/$3.joined.o $(TENON.$3.MAKEFILE) \
		$(tenon_s) $(tenon_c) $(or $(wildcard $(TENON)),$(TENON_TREE:%=$(TENON)))
	$$(call tenon_say,MODPOST,$4/$3.ko)
	$(TENON_Q)$(TENON) modpost --name $3 --profile $2 \
		$(tenon_s:%=-s %) $(tenon_c:%=--crc-from %) \
		$(TENON.$3.MODPOST_FLAGS) -S $4/$3.symvers \
		-o $$@ $(tenon_o)/$3.joined.o
$4/$3.symvers: $(tenon_o)/$3.mod.c ;
$(call tenon_compile,$1,$2,$3,$(tenon_o)/$3.mod.c,$(tenon_o)/$3.mod.o)
$4/$3.ko: $(tenon_o)/$3.joined.o $(tenon_o)/$3.mod.o
	$$(call tenon_say,MODLD,$$@)
	$(TENON_Q)$(call tenon_ld,$1) -r $(call tenon_strip,$3) -o $$@ $$^
endef

# $(call tenon_keep,folder,makefile): remembers what was said about MODULE.
define tenon_keep
TENON.$(MODULE).DIR := $1
TENON.$(MODULE).MAKEFILE := $2
$(foreach v,$(TENON_VARS),TENON.$(MODULE).$v := $($v)
)
TENON.$(MODULE).SOURCES := $(or $(SOURCES),$(MODULE).c)
TENON.$(MODULE).PROFILES := $(or $(PROFILES),common hosted)
$(foreach v,MODULE $(TENON_VARS),$v :=
)
endef
endif

# Included by a module's own makefile, not by Tenon's: build it.
ifndef TENON_RULES_ONLY
ifneq ($(words $(MODULE)),1)
$(error MODULE := $(MODULE) is not one name: a makefile says it before each \
	`include .../module.mk`, which builds one module)
endif
ARCH ?= $(TENON_NATIVE)
PROFILE ?= common
BUILD ?= build
# Targets and recipes have it in them as it is.
TENON_HASH := \#
TENON_ODD := ' " \ : ; | & < > ( ) * ? [ ] { } ` ~ % = $(TENON_HASH)
ifneq ($(words $(BUILD))$(strip $(foreach c,$(TENON_ODD),$(findstring $c,$(BUILD)))),1)
$(error BUILD=$(BUILD) is not one folder of plain characters)
endif
$(if $(filter $(ARCH),$(TENON_ARCHS)),,$(error ARCH=$(ARCH) is none of the \
	machines that modules are built for: $(TENON_ARCHS)))
TENON_OUT := $(BUILD)/$(ARCH)/$(PROFILE)
TENON_MODULE := $(MODULE)
TENON_MODULES := $(TENON_MODULES) $(MODULE)
$(eval $(call tenon_keep,.,$(firstword $(MAKEFILE_LIST))))
$(if $(filter $(PROFILE),$(TENON.$(TENON_MODULE).PROFILES)),,\
	$(error $(TENON_MODULE) is not made for the profile $(PROFILE)))
.PHONY: modules clean
modules: $(TENON_OUT)/$(TENON_MODULE).ko
ifeq ($(words $(TENON_MODULES)),1)
clean:
	$(TENON_Q)rm -rf $(foreach m,$(TENON_MODULES),$(foreach f,.obj/$m \
		$m.ko $m.symvers,$(addsuffix /$f,$(TENON_FOLDERS))))
	$(TENON_Q)rmdir $(addsuffix /.obj,$(TENON_FOLDERS)) $(TENON_FOLDERS) \
		$(addprefix $(BUILD)/,$(TENON_ARCHS)) $(BUILD) 2>/dev/null || :
endif
$(eval $(call tenon_module,$(ARCH),$(PROFILE),$(TENON_MODULE),$(TENON_OUT)))
endif
