# SPDX-License-Identifier: MIT
#
# Builds the modules for slots of this tree, modules/lkmod/NAME/NAME.c, as
# <lkmod/lkmod.h> says, for all machines:
#   build/modules/ARCH/lkmod/NAME.so
# They import nothing that the table does not have, so there is no modpost.

LKMODS := $(patsubst modules/lkmod/%/,%,$(wildcard modules/lkmod/*/))
LKMOD_FLAGS := -O2 -shared -nostdlib -fPIC -fvisibility=hidden -Wall -Wextra \
	-Wl,-Bsymbolic,-z,max-page-size=4096,-z,noexecstack,--build-id=none
LKMOD_ENTRY_plain := lkmod_entry
LKMOD_ENTRY_quiet := 0
LKMOD_ENTRY_many := 0
# The hash table of names is of one kind or the other (core/elf/names.c); that
# of quiet has also what it imports, and its text begins with the file, so that
# an address of 0 lies in it.
LKMOD_HASH_bare := sysv
LKMOD_HASH_quiet := sysv
LKMOD_LINK_quiet := -Wl,-z,noseparate-code

# $(call lkmod,arch,name)
define lkmod
MODULE_FILES += $(B)/modules/$1/lkmod/$2.so
$(B)/modules/$1/lkmod/$2.so: modules/lkmod/$2/$2.c mk/lkmods.mk \
		api/include/lkmod/lkmod.h | $(SETUP)
	$$(call say,LKMOD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(call tenon_cc,$1) $(LKMOD_FLAGS) $(TENON_FLAGS_$1) $(TENON_COMMON) \
		$(TENON_COMMON_$1) \
		-isystem "$$$$($(call tenon_cc,$1) -print-file-name=include)" \
		-Iapi/include -Wl,-e,$(or $(LKMOD_ENTRY_$2),lkmod_init) \
		-Wl,--hash-style=$(or $(LKMOD_HASH_$2),gnu) $(LKMOD_LINK_$2) $$< -o $$@
endef
$(foreach a,$(MODULE_ARCHS),$(foreach m,$(LKMODS),$(eval $(call lkmod,$a,$m))))
