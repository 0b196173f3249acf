# SPDX-License-Identifier: MIT
# kmod's commands on trees of modules. Kept lean: these programs live for
# milliseconds, so nothing heavy is linked to them.
kind := host
deps := base core/elf core/gate core/mod host
