# SPDX-License-Identifier: MIT
# Header-only, and the list of guaranteed symbols. Both worlds name GUARANTEED
# in their srcs: the same file, so the same CRCs.
kind := free
deps :=
test_deps := base core/elf core/gate core/mod core/slot host lib
install = $(patsubst api/include/%,%,$(wildcard api/include/*/*.h))

GUARANTEED := $(B)/gen/guaranteed.c
$(GUARANTEED): api/exports.list api/gen_exports.py | $(SETUP)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(PYTHON) api/gen_exports.py c $< $@
