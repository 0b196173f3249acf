# SPDX-License-Identifier: MIT
#
# Components and the templates that build them.  DIR/rules.mk sets a few of:
#   kind        free: freestanding, in every configuration
#               host: Linux process only; bare: bare metal only
#   deps        components whose include/ it may use; they are linked too
#   configs     restricts the configurations (default: all of its kind)
#   srcs        sources besides DIR/*.c, DIR/*.S and DIR/arch/ARCH/*.[cS]
#   host_srcs, free_srcs   the same, of one kind of configuration only
#   programs    NAME...: each has its main in DIR/NAME.c, which is no part of
#               the component itself, and becomes build/CONFIG/bin/NAME
#   test_uses   sources of other components' tests that its own are linked with
#   test_deps   further components for DIR/test/*.c, which become the program
#               build/CONFIG/bin/test-DIR (slashes turned into dashes)
#   cflags, test_cflags, ldflags, test_ldflags, libs    as one expects
#   install     public headers to install, below DIR/include/
# Values may be lazy (=) and then use $(CONFIG), $(ARCH) and $(NATIVE).

RULE_VARS := kind deps configs srcs host_srcs free_srcs programs test_deps \
	test_uses \
	cflags test_cflags ldflags test_ldflags libs install

define load_component
$(foreach v,$(RULE_VARS),$(eval $v :=))
$(eval include $1/rules.mk)
$(foreach v,$(RULE_VARS),$(eval C.$1.$v = $(value $v)))
$(foreach d,$(deps),$(call layer_check,$1,$d))
endef
$(foreach c,$(COMPONENTS),$(strip $(call load_component,$c)))

# Questions about a component, in the configuration $(CONFIG).
KIND_HERE = $(CFG.$(CONFIG).KIND)
suits = $(filter free-% host-host bare-free,$(C.$1.kind)-$(KIND_HERE))
wants = $(and $(suits),$(filter $(or $(C.$1.configs),$(CONFIG)),$(CONFIG)))
closure = $(sort $1 $(foreach d,$1,\
	$(if $(C.$d.deps),$(call closure,$(C.$d.deps)))))
mains = $(patsubst %,$1/%.c,$(C.$1.programs))
sources = $(filter-out $(mains),\
	$(foreach d,$1 $1/arch/$(ARCH),$(wildcard $d/*.c $d/*.S)) \
	$(C.$1.srcs) $(C.$1.$(KIND_HERE)_srcs))
test_sources = $(wildcard $1/test/*.c)
test_name = test-$(subst /,-,$1)
objects_of = $(patsubst %,$(B)/$(CONFIG)/obj/%.o,$(patsubst %.c,%,$1))
objects_in = $(call objects_of,$(foreach c,$1,$(call sources,$c)))
includes = $(foreach c,$1,$(if $(wildcard $c/include),-I$c/include))

# Flags in three flavours.  Of a freestanding component host_srcs are host
# code; its tests are ordinary programs on a host, freestanding elsewhere.
flavour = $(if $(filter free,$(C.$1.kind) $(KIND_HERE)),free,host)
flags_free = $(FREE) $(if $(filter host,$(KIND_HERE)),-fPIC)
flags_host = $(HOST)
flags_test = $(if $(filter host,$(KIND_HERE)),$(HOST),$(FREE))
seen_free = $1 $(C.$1.deps)
seen_host = $1 $(C.$1.deps)
seen_test = $(sort test $1 $(C.$1.deps) $(C.$1.test_deps))
name_test = $1/test
flags = $(strip $(call base_flags,$(CONFIG),$(or $(name_$2),$1)) \
	$(flags_$2) -iquote $1 $(call includes,$(seen_$2)) \
	$(C.$1.cflags) $(if $(filter test,$2),$(C.$1.test_cflags)))

# $(call stamp,file,text): FILE holds TEXT, and is newer when that changed.
differ = $(subst x$1x,,x$2x)$(subst x$2x,,x$1x)
define stamp
$(if $(call differ,$(strip $(file <$1)),$(strip $2)),$1: FORCE)
$1:
	@mkdir -p $$(@D) && printf '%s\n' '$(subst ','\'',$2)' > $$@

endef

# The templates below are expanded once by $(call), for their parameters, and
# read once by $(eval): what a recipe is to look up later is written $$.

# $(call compile,component,sources,flavour): rules for their objects.
define compile
$(eval stamp_file := $(B)/$(CONFIG)/obj/$1/.flags-$3)
$(eval command := $(CFG.$(CONFIG).CC) $(call flags,$1,$3))
$(call stamp,$(stamp_file),$(command))
$(foreach s,$2,$(call objects_of,$s): $s
)
$(call objects_of,$2): $(stamp_file) | $(SETUP)
	$$(call say,CC,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(command) $(if $(filter free,$3 $(KIND_HERE)),$$(call nostdinc,$(CONFIG))) \
		-MMD -MP -c $$(firstword $$(filter %.c %.S,$$^)) -o $$@
UNITS += $(foreach s,$2,$(CONFIG)|$1|$3|$s)
DEPFILES += $(patsubst %.o,%.d,$(call objects_of,$2))

endef

# $(call link,name,components,objects,component that says ldflags,more flags)
define link
$(eval objs := $(sort $3 $(call objects_in,$2)))
$(eval libs := $(foreach c,$2,$(C.$c.libs)))
$(eval command := $(CFG.$(CONFIG).CC) $(CFG.$(CONFIG).LDFLAGS) $(C.$4.ldflags) $5)
$(eval stamp_file := $(B)/$(CONFIG)/obj/.link-$1)
$(call stamp,$(stamp_file),$(command) $(objs) $(libs))
$(B)/$(CONFIG)/bin/$1: $(objs) $(stamp_file) $(wildcard $4/*.ld) | $(SETUP)
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(command) -o $$@ $$(filter %.o,$$^) $(libs)

endef

# One component, its tests and its programs in the configuration $(CONFIG).
own_sources = $(filter-out $(host_only),$(sources) $(mains))
host_only = $(if $(filter free-host,$(C.$1.kind)-$(KIND_HERE)),\
	$(C.$1.host_srcs))
compile_some = $(if $(strip $2),$(call compile,$1,$(strip $2),$3))
define build_component
$(call compile_some,$1,$(own_sources),$(flavour))
$(call compile_some,$1,$(host_only),host)
$(call compile_some,$1,$(test_sources),test)
$(foreach p,$(C.$1.programs),$(call \
	link,$p,$(closure),$(call objects_of,$1/$p.c),$1))
BINS.$(CONFIG) += $(patsubst %,$(B)/$(CONFIG)/bin/%,$(C.$1.programs))
OBJS.$(CONFIG) += $(objects_in)
$(if $(and $(test_sources),$(filter host,$(KIND_HERE))),$(build_tests))
endef

define build_tests
$(call link,$(test_name),$(call closure,test $1 $(C.$1.test_deps)),$(call \
	objects_of,$(test_sources) $(C.$1.test_uses)),,$(C.$1.test_ldflags))
TESTS.$(CONFIG) += $(B)/$(CONFIG)/bin/$(test_name)
endef

# `make CONFIG` builds one; the name of fuzz belongs to the verb that runs it.
config_target = $(subst fuzz,build-fuzz,$1)
here = $(foreach c,$(COMPONENTS),$(if $(call wants,$c),$c))
define build_config
$(eval CONFIG := $1)
$(foreach c,$(here),$(eval $(call build_component,$c)))
$(if $(and $(filter lib,$(here)),$(call sources,lib)),$(eval $(build_library)))
.PHONY: $(call config_target,$1)
$(call config_target,$1): $$(OBJS.$1) $$(LIBS.$1) $$(BINS.$1) $$(TESTS.$1)
endef
$(foreach c,$(CONFIGS),$(eval $(call build_config,$c)))

-include $(wildcard $(DEPFILES))
.PHONY: FORCE
FORCE:
