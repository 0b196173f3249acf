# SPDX-License-Identifier: MIT
# The program of a worker: static, without a C library, the same bytes in every
# configuration of a machine. host/worker carries it.
kind := bare
configs := x86_64 aarch64 riscv64
deps := base api
programs := worker
srcs = $(WORKER_SYMBOLS)
cflags = -iquote host/worker -iquote host/worker/arch/$(ARCH) -Icore/mod/include \
	-ffunction-sections
ldflags = -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--gc-sections \
	-Wl,-z,max-page-size=65536 -Wl,--strip-all \
	-Wl,-T,host/worker/program/worker.ld

# What a module of the common profile may import and a worker has.
WORKER_SYMBOLS := $(B)/gen/worker_symbols.c
$(WORKER_SYMBOLS): api/exports.list api/gen_exports.py | $(SETUP)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(PYTHON) api/gen_exports.py c $< $@ '=|base_\w+|port_v?printk'
