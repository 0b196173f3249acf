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

# clang-tidy over the sources of these, not their tests.
TIDY := base core/elf core/reloc core/gate core/mod core/slot host host/worker lib \
	tools/kmod tools/commands tools/host tools/hostd tools/sign tools/symvers tools
TIDY_UNITS := $(foreach c,$(TIDY),$(filter host-clang|$c|free|% \
	host-clang|$c|host|%,$(UNITS)))
TIDY_UNITS := $(foreach u,$(TIDY_UNITS),$(if $(filter $(B)/gen/% %.S,$(call unit,$u,4)),,$u))
HEADERS := $(foreach c,$(COMPONENTS),$(wildcard $c/*.h $c/include/*/*.h))
tidy_ok = $(B)/check/tidy/$(call unit,$1,4).ok
CONFIG := host-clang
define tidy_unit
$(call tidy_ok,$1): $(call unit,$1,4) $(HEADERS) .clang-tidy | $(SETUP)
	$$(call say,TIDY,$$<)
	@mkdir -p $$(@D)
	$(Q)$(LIMIT) clang-tidy --quiet $$< -- \
		$(unit_flags) \
		$(if $(filter free,$(call unit,$1,3)),$$(call nostdinc,host-clang)) 2> $$@.log || { cat $$@.log; exit 1; }
	@touch $$@
endef
$(foreach u,$(TIDY_UNITS),$(eval $(call tidy_unit,$u)))
tidy: $(foreach u,$(TIDY_UNITS),$(call tidy_ok,$u)) ## clang-tidy

# Every header must compile alone, as C11 and as C++17, and see no more than
# its component may. C++ has its own names for two words of C; headers that are
# not installed may rely on this translation.  Those of CXX_HEADERS are C++.
CXX_HEADERS := lib/include/lkmod/gaia_module_manager.h
CONFIG := host
header_free = $(if $(filter free,$(C.$1.kind)),$(FREE) $$(call nostdinc,host),$(HOST))
header_cxx = $(if $(filter $2,$(C.$1.install:%=$1/include/%)),,-D_Static_assert=static_assert -Drestrict=__restrict)
define header
$(B)/check/headers/$2.ok: $2 $(filter %.h,$(foreach d,$1 $(C.$1.deps),$(wildcard $d/include/*/*.h))) | $(SETUP)
	$$(call say,HEADER,$$<)
	@mkdir -p $$(@D)
	$(if $(filter $2,$(CXX_HEADERS)),,$(Q)echo 'extern int unit;' | gcc -std=c11 -pedantic $(WARN) -Werror $(header_free) $(call includes,$1 $(C.$1.deps)) -fsyntax-only -x c -include $$< -)
	$(Q)echo 'extern int unit;' | g++ -std=c++17 -pedantic -Wall -Wextra -Werror $(header_cxx) $(header_free) $(call includes,$1 $(C.$1.deps)) -fsyntax-only -x c++ -include $$< -
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

source-check: | $(SETUP) ## circular includes, sizes of files, first lines
	@$(PYTHON) scripts/check.py sources $(CODE_DIRS) mk configs scripts

acceptance: | $(SETUP) ## write docs/acceptance.md from the tests
	@$(PYTHON) scripts/acceptance.py
acceptance-check: | $(SETUP)
	@$(PYTHON) scripts/acceptance.py --check
