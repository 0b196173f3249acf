# SPDX-License-Identifier: MIT
kind := host
deps := base core/elf core/mod host lib
programs := tenon
