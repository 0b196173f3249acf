# SPDX-License-Identifier: MIT
#
# Plugins of the tests, as their authors build them: each lib/test/plugin/*.c
# becomes build/CONFIG/plugins/NAME.so in every host configuration. What
# one needs besides is PLUGIN_FLAGS.NAME, and PLUGIN_NEEDS.NAME another plugin.
# Each has a global of one name, which the address sanitizer would not have.

PLUGIN_SOURCES := $(filter-out %/main.c,$(wildcard lib/test/plugin/*.c))
PLUGIN_INCLUDES := $(foreach d,lib core/mod base api,-I$d/include)

PLUGIN_FLAGS.sticky := -Wl,-z,nodelete
PLUGIN_NEEDS.user := actor
PLUGIN_NEEDS.borrower := actor

define build_plugin
$(eval so := $(B)/$1/plugins/$(basename $(notdir $2)).so)
$(eval name := $(basename $(notdir $2)))
$(eval needed := $(PLUGIN_NEEDS.$(name):%=$(B)/$1/plugins/%.so))
$(so): $2 mk/plugins.mk $(wildcard lib/test/plugin/*.h) $(needed) | $(SETUP)
	$$(call say,PLUGIN,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(CFG.$1.CC) -std=gnu11 $(WARN) $(WERROR) -O1 -g -fPIC -shared \
		$(filter -fsanitize=thread,$(CFG.$1.CFLAGS)) $(PLUGIN_INCLUDES) \
		$(filter -idirafter /usr/%,$(CFG.$1.CFLAGS)) \
		-Wl,-soname,$(name).so -Wl,-rpath,'$$$$ORIGIN' \
		$(PLUGIN_FLAGS.$(name)) -o $$@ $$< -Wl,--no-as-needed $(needed)
PLUGINS.$1 += $(so)
$1 $(B)/$1/bin/test-lib: | $(so)
endef
$(foreach c,$(HOST_CONFIGS),$(foreach s,$(PLUGIN_SOURCES),\
	$(eval $(call build_plugin,$c,$s))))
