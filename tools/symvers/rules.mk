# SPDX-License-Identifier: MIT
# libdw comes from the distribution and exists for the build machine only; a
# build for another machine answers NOT_SUPPORTED. It reads objects of all
# machines.
kind := host
deps := base
srcs = $(wildcard tools/symvers/$(if $(NATIVE),libdw,none)/*.c)
libs = $(if $(NATIVE),-ldw)
