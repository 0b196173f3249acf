# SPDX-License-Identifier: MIT
kind := free
deps := base core/elf core/reloc api
test_deps := host
install := tenon/diag.h tenon/engine.h tenon/pool.h tenon/port.h
