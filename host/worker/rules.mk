# SPDX-License-Identifier: MIT
# Modules in processes of their own. The program that those run is made for the
# bare machine (program/), where no sanitizer and no C library gets into it.
kind := host
deps := base api core/elf core/mod core/gate host
cflags = -iquote host/worker/arch/$(ARCH) -Wa,-I,$(B)/$(ARCH)/bin
libs = -lpthread
# Every allocation can fail: test/memory.c.
test_ldflags := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
install = $(patsubst host/worker/include/%,%,$(wildcard host/worker/include/tenon/*.h))

define worker_needs
$(B)/$1/obj/host/worker/embed.S.o: $(B)/$(CFG.$1.ARCH)/bin/worker
endef
$(foreach c,$(HOST_CONFIGS),$(eval $(call worker_needs,$c)))

# The module of the tests as shared objects: as the author of a slot's module
# links them, and with nothing exported but one function, so that lkmod_init is
# found as the entry point.
CAPTIVE := modules/test/captive
CAPTIVE_FLAGS := -shared -nostdlib -fPIC -O2 -ffreestanding -fno-stack-protector \
	-Wall -DMODULE '-DKBUILD_MODNAME="captive"' -I api/include \
	-Wl,-Bsymbolic,-e,lkmod_init,-z,max-page-size=4096
define captive_shared
$(B)/modules/$1/shared/captive.so: $(CAPTIVE)/captive.c api/include/lkmod/lkmod.h | $(SETUP)
$(B)/modules/$1/shared/secretive.so: CAPTIVE_MORE := -Wl,--version-script=$(CAPTIVE)/secretive.map
$(B)/modules/$1/shared/secretive.so: $(CAPTIVE)/captive.c $(CAPTIVE)/secretive.map | $(SETUP)
$(B)/modules/$1/shared/captive.so $(B)/modules/$1/shared/secretive.so:
	$$(call say,SO,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(call tenon_cc,$1) $$(CAPTIVE_FLAGS) $$(CAPTIVE_MORE) -o $$@ $$<

endef
$(foreach a,x86_64 aarch64 riscv64,$(eval $(call captive_shared,$a)))
captive_files = $(foreach n,captive secretive,$(B)/modules/$(CFG.$1.ARCH)/shared/$n.so)
$(foreach c,$(HOST_CONFIGS),$(eval \
	$(B)/$c/bin/test-host-worker: | $(call captive_files,$c)))
