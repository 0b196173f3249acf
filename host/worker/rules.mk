# SPDX-License-Identifier: MIT
# Modules in processes of their own. The program that those run is made for the
# bare machine (program/), where no sanitizer and no C library gets into it.
kind := host
deps := base api core/elf core/mod core/gate host
cflags = -iquote host/worker/arch/$(ARCH) -Wa,-I,$(B)/$(ARCH)/bin
libs = -lpthread
install = $(patsubst host/worker/include/%,%,$(wildcard host/worker/include/tenon/*.h))

define worker_needs
$(B)/$1/obj/host/worker/embed.S.o: $(B)/$(CFG.$1.ARCH)/bin/worker
endef
$(foreach c,$(HOST_CONFIGS),$(eval $(call worker_needs,$c)))
