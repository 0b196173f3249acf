# SPDX-License-Identifier: MIT
kind := host
configs := host host-asan
deps := base
programs := model
