# SPDX-License-Identifier: MIT
#
# `make check`: everything that judges the sources without running them.
# The layer table is checked whenever make starts (mk/layers.mk).

CODE_DIRS := $(wildcard $(layer_names) modules oracle matrix examples)
CODE = $(shell find $(CODE_DIRS) -name '*.[ch]' -o -name '*.hpp' | sort -u)
LIMIT := timeout 300

.PHONY: check fmt fmt-check tidy headers freestanding source-check \
	acceptance acceptance-check
check: fmt-check headers freestanding source-check acceptance-check abi-check tidy ## all checks of the sources

fmt: | $(SETUP) ## format the C sources
	@clang-format -i $(CODE)
fmt-check: | $(SETUP) ## refuse sources that `make fmt` would change
	$(call say,FMT,$(CODE_DIRS))
	@clang-format --dry-run --Werror $(CODE)

# clang-tidy over all sources but tests: each once, in the first configuration
# that has it, with clang's flags.  A stamp a file, which knows its headers.
TIDY_CONFIGS := host-clang host fuzz aarch64 riscv64 host-aarch64 host-riscv64
tidy_ok = $(B)/check/tidy/$1.ok
TIDY_TARGET_riscv64 := -march=rv64imac
TIDY_WITHOUT := $(WARN_gcc) -fno-tree-loop-distribute-patterns \
	-march=rv64imac_zicsr_zifencei
tidy_flags = $(filter-out $(TIDY_WITHOUT),$(unit_flags)) $(TIDY_TARGET_$(CONFIG)) \
	--target=$(ARCH)-linux-gnu \
	$(if $(filter free,$(call unit,$1,3)),$$(call nostdinc,host-clang))

# $(call tidy_file,source,flags)
define tidy_file
TIDIED += $1
$(call tidy_ok,$1): $1 .clang-tidy | $(SETUP)
	$$(call say,TIDY,$$<)
	$(Q)mkdir -p $$(@D)
	$(Q)$(LIMIT) clang-tidy --quiet $$< -- $2 > $$@.log 2>&1 || \
		{ cat $$@.log; exit 1; }
	$(Q)clang $2 -MM -MP -MT $$@ -MF $$(@:.ok=.d) $$<
	$(Q)touch $$@

endef
define tidy_unit
$(eval CONFIG := $(call unit,$1,1))
$(if $(filter $(TIDIED) $(B)/gen/%,$(call unit,$1,4)),,$(eval \
	$(call tidy_file,$(call unit,$1,4),$(tidy_flags))))
endef
TIDIED :=
tidy_units = $(filter-out %.S,$(filter $1|%,$(UNITS)))
$(foreach c,$(TIDY_CONFIGS),$(foreach u,$(call tidy_units,$c),\
	$(if $(filter test,$(call unit,$u,3)),,$(strip $(call tidy_unit,$u)))))

# Modules and examples, with the headers that their authors are given.
tidy_profile = $(firstword $(TENON.$1.PROFILES))
define tidy_module
$(foreach s,$(filter %.c,$(TENON.$1.SOURCES)),$(eval $(call tidy_file,$(TENON.$1.DIR)/$s,\
	$(call tenon_flags,$(HOST_ARCH),$(tidy_profile),$1,$s))))
endef
TENON_CC := clang
$(foreach m,$(notdir $(filter-out modules/lkmod/%,$(MODULES))),$(strip $(call tidy_module,$m)))
TENON_CC := $(or $(MODULE_CC),gcc)
TIDY_PUBLIC := -std=gnu11 -D_GNU_SOURCE $(foreach d,api base core/gate core/mod core/slot lib,-I$d/include)
$(foreach s,$(wildcard modules/lkmod/*/*.c examples/*/*.c examples/*/*/*.c),$(eval \
	$(call tidy_file,$s,$(TIDY_PUBLIC) -I$(dir $s) -I$(dir $s)..)))

-include $(wildcard $(TIDIED:%=$(B)/check/tidy/%.d))
tidy: $(foreach s,$(TIDIED),$(call tidy_ok,$s)) ## clang-tidy

# Every header must compile alone, as C11 and as C++17, and see no more than
# its component may. C++ has its own names for two words of C; headers that are
# not installed may rely on this translation.  Those of CXX_HEADERS are C++.
# Of those that are installed no compiler complains to a careful user either.
CAREFUL := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion
CXX_HEADERS := lib/include/lkmod/gaia_module_manager.h
CONFIG := host
header_free = $(if $(filter free,$(C.$1.kind)),$(FREE) $$(call nostdinc,$2),$(HOST))
header_installed = $(filter $2,$(C.$1.install:%=$1/include/%))
header_cxx = -Wall -Wextra $(if $(header_installed),$(CAREFUL) -Wold-style-cast,-D_Static_assert=static_assert -Drestrict=__restrict)
header_c = $(WARN) $(if $(header_installed),$(CAREFUL) -Wcast-qual)
# $(call header_by,component,configuration,compiler and flags,language)
header_by = $(Q)echo 'extern int unit;' | $3 -pedantic -Werror $(call header_free,$1,$2) $(call includes,$1 $(C.$1.deps)) -fsyntax-only -x $4 -include $$< -
define header
$(B)/check/headers/$2.ok: $2 mk/check.mk $(filter %.h,$(foreach d,$1 $(C.$1.deps),$(wildcard $d/include/*/*.h))) | $(SETUP)
	$$(call say,HEADER,$$<)
	@mkdir -p $$(@D)
	$(if $(filter $2,$(CXX_HEADERS)),,$(call header_by,$1,host,gcc -std=c11 $(header_c),c))
	$(call header_by,$1,host,g++ -std=c++17 $(header_cxx) $(if $(header_installed),-Wuseless-cast),c++)
	$(if $(header_installed),$(call header_by,$1,host-clang,clang++ -std=c++17 $(header_cxx),c++))
	@touch $$@
headers: $(B)/check/headers/$2.ok
endef
headers: ## compile each public header alone, as C11 and C++17
$(foreach c,$(filter-out kernel fuzz bench,$(COMPONENTS)),$(foreach h,$(wildcard \
	$c/include/*/*.h),$(eval $(call header,$c,$h))))

# The objects of base and core may call nothing but mk/port.allow.
FREE_PARTS := base $(filter core/%,$(COMPONENTS))
define freestanding_in
$(eval CONFIG := $1)
freestanding: freestanding-$1
.PHONY: freestanding-$1
freestanding-$1: $(call objects_in,$(FREE_PARTS)) | $(SETUP)
	@$(PYTHON) scripts/check.py freestanding $(CFG.$1.NM) mk/port.allow $$^
endef
freestanding: ## base and core call no library
$(foreach c,host aarch64 riscv64 x86_64,$(eval $(call freestanding_in,$c)))

source-check: | $(SETUP) ## circular includes, sizes of files, first lines, links
	@$(PYTHON) scripts/check.py sources $(CODE_DIRS) mk configs scripts
	@$(PYTHON) scripts/check.py links $(wildcard *.md docs/*.md */*/*.md)

acceptance: | $(SETUP) ## write docs/acceptance.md from the tests
	@$(PYTHON) scripts/acceptance.py
acceptance-check: | $(SETUP)
	@$(PYTHON) scripts/acceptance.py --check
