# SPDX-License-Identifier: MIT
kind := free
deps := base
