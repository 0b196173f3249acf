# SPDX-License-Identifier: MIT
kind := host
deps := base core/elf core/gate core/mod core/slot host host/worker
install = $(patsubst lib/include/%,%,$(wildcard lib/include/*/*.h))
