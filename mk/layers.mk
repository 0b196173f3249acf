# SPDX-License-Identifier: MIT
#
# The layer table.  A component may depend only on components of a lower
# layer; SIDEWAYS lists the agreed exceptions inside a layer as FROM:TO.
# Tests are leaf programs: their test_deps may point anywhere.

LAYERS := \
	0:base \
	1:test 1:core/elf 1:core/reloc 1:core/gate 1:api \
	2:core/mod \
	3:core/slot 3:host 3:host/worker 3:host/worker/program 3:kernel \
	4:lib \
	5:tools/kmod 5:tools/host 5:tools/sign 5:tools/symvers \
	6:tools/commands 6:tools/hostd \
	7:tools \
	8:bench 8:fuzz 8:model

SIDEWAYS := tools/host:tools/kmod host/worker:host

layer_names := $(foreach l,$(LAYERS),$(lastword $(subst :, ,$l)))
COMPONENTS := $(foreach c,$(layer_names),$(if $(wildcard $c/rules.mk),$c))

# $(call layer_of,component)
layer_of = $(firstword $(subst :, ,$(filter %:$1,$(LAYERS))))

# $(call layer_check,from,to): stops make unless FROM may depend on TO.
define layer_check
$(if $(call layer_of,$2),,$(error layers: $1 depends on $2, which mk/layers.mk does not name))
$(if $(filter $1:$2,$(SIDEWAYS)),,$(if $(call layer_below,$(call layer_of,$2),$(call layer_of,$1)),,$(error layers: $1 (layer $(call layer_of,$1)) must not depend on $2 (layer $(call layer_of,$2)))))
endef

# True if $1 < $2, for one-digit layers: the sorted pair starts with $1.
layer_below = $(and $(filter-out $1,$2),$(filter $1,$(firstword $(sort $1 $2))))
