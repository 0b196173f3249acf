# SPDX-License-Identifier: MIT
kind := host
deps := base core/gate core/mod host lib
