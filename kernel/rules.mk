# SPDX-License-Identifier: MIT
kind := bare
configs := aarch64 riscv64
deps := base test core/elf core/gate core/mod api
# smoke loads modules, ktest runs tests, crash shows a fault report.
programs := smoke ktest crash

plat_aarch64 := pl011 semihosting
plat_riscv64 := ns16550 sifive_test
srcs = $(patsubst %,kernel/plat/virt/%.c,$(plat_$(ARCH))) $(GUARANTEED)

# The kernel is no library: its own headers, then those of this machine.
# Code that runs before the MMU is on must not access memory unaligned.
aligned_aarch64 := -mstrict-align
cflags = -iquote kernel/arch/$(ARCH) -iquote kernel/plat/virt/$(ARCH) \
	-fno-omit-frame-pointer $(aligned_$(ARCH)) \
	-Wa,-I,$(B)/modules/$(ARCH)

# Where the machine's firmware or loader puts an image (docs/kernel.md).
base_aarch64 := 0x40200000
base_riscv64 := 0x80200000
ldflags = -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--gc-sections \
	-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,-T,kernel/image.ld \
	-Wl,--defsym=IMAGE_BASE=$(base_$(ARCH)) \
	-Wl,--defsym=MODULE_POOL=0x800000

# Prerequisites that no #include shows: embedded files, and ktest's tests.
kernel_files := $(shell sed -n 's/^\tMODULE //p' kernel/modules.S)
kernel_tests := $(wildcard kernel/test/*.c test/test/*.c base/test/*.c \
	core/reloc/test/*.c)
define kernel_needs
$(B)/$1/obj/kernel/modules.S.o: $(patsubst %,$(B)/modules/$1/%.ko,$(kernel_files))
$(B)/$1/bin/ktest: $(patsubst %.c,$(B)/$1/obj/%.o,$(kernel_tests))
endef
$(foreach a,$(configs),$(eval $(call kernel_needs,$a)))
