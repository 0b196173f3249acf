# SPDX-License-Identifier: MIT
# The programs that bench/bench.py runs; peers in bench/peer/ are compiled by
# it, because they need packages that nothing else needs.
kind := host
configs := host host-clang
deps := base core/gate core/mod core/slot host host/worker lib
programs := gate_bench isolate_bench load_bench linear_bench lookup_bench \
	many_bench plugin_bench slot_bench soak symbolize_bench
cflags := -iquote lib/test/never
libs := -ldl
