# SPDX-License-Identifier: MIT
kind := free
deps := base core/elf core/reloc core/gate api
test_deps := host
install = $(patsubst core/mod/include/%,%,$(wildcard core/mod/include/tenon/*.h))
