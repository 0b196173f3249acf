# SPDX-License-Identifier: MIT
kind := free
deps := base core/elf core/gate core/mod api
test_deps := core/reloc host
# The test port, and builders of module files.
test_cflags := -iquote core/mod/test
test_uses := $(patsubst %,core/mod/test/%.c,rig files shared object isa)
install = $(patsubst core/slot/include/%,%,$(wildcard core/slot/include/tenon/*.h))
