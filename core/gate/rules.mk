# SPDX-License-Identifier: MIT
kind := free
deps := base
test_deps := host
install := tenon/gate.h
