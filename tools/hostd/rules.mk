# SPDX-License-Identifier: MIT
kind := host
deps := base core/gate core/mod core/slot host lib tools/host
