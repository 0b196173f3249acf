# SPDX-License-Identifier: MIT
#
# Builds every module of this tree, with the fragment that authors use, for
# all machines and for each profile that it names:
#   build/modules/ARCH/PROFILE/NAME.ko
# A folder of MODULES holds rules.mk, which says what a module's makefile says
# before it includes the fragment.  MODULE_FILES are all results.

TENON_RULES_ONLY := y
TENON := $(B)/host/bin/tenon
TENON_CC := $(or $(MODULE_CC),gcc)
include mk/module.mk

MODULE_ARCHS := x86_64 aarch64 riscv64

define load_module
$(eval include $1/rules.mk)
$(eval module_here := $(MODULE))
$(eval $(call tenon_keep,$1,$1/rules.mk))
$(foreach a,$(MODULE_ARCHS),$(foreach p,$(TENON.$(module_here).PROFILES),\
	$(call load_variant,$a,$p,$(module_here),$(B)/modules/$a/$p)))
endef
define load_variant
$(eval $(call tenon_module,$1,$2,$3,$4))
$(eval MODULE_FILES += $4/$3.ko)
endef
MODULE_FILES :=
$(foreach m,$(MODULES),$(if $(wildcard $m/rules.mk),$(strip $(call load_module,$m))))

include mk/lkmods.mk

.PHONY: modules
modules: $(MODULE_FILES) ## build the loadable modules for three machines
