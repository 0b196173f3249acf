# SPDX-License-Identifier: MIT
kind := free
deps := base core/gate core/mod api
test_deps := host
install = $(patsubst core/slot/include/%,%,$(wildcard core/slot/include/tenon/*.h))
