# SPDX-License-Identifier: MIT
# libcrypto comes from the distribution and exists for the build machine only;
# a build for another machine answers NOT_SUPPORTED.
kind := host
deps := base
srcs = $(wildcard tools/sign/$(if $(NATIVE),openssl,none)/*.c)
libs = $(if $(NATIVE),-lcrypto)
