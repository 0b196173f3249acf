# SPDX-License-Identifier: MIT
kind := host
deps := base core/elf core/gate core/mod core/slot host lib tools/kmod tools/commands tools/sign tools/symvers tools/host tools/hostd
programs := tenon
