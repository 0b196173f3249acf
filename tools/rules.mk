# SPDX-License-Identifier: MIT
kind := host
deps := base core/elf core/gate core/mod core/slot host lib tools/kmod tools/commands tools/sign tools/symvers tools/host tools/hostd
# The line editor comes from the distribution, for the build machine only.
srcs = $(wildcard tools/edit/$(if $(NATIVE),libedit,plain)/*.c)
libs = $(if $(NATIVE),-ledit)
programs := tenon
