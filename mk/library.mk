# SPDX-License-Identifier: MIT
#
# How libtenon is linked, of lib and all that it stands on, in the
# configuration $(CONFIG).  docs/embedding.md states what users may rely on.
#
#   libtenon.so.ABI.0   exports what lib/tenon.map names, one by one, and stays
#                       in its process once it is there (nodelete)
#   libtenon.a          one object: the same symbols are global in it, the
#                       others have become local, so that a program may have
#                       functions of any other name; sections are small
#                       enough for --gc-sections to leave out what is unused
#
# TENON_VERSION is the release's; TENON_ABI counts up when a program that was
# linked with an older library would not work with this one any more.

TENON_VERSION := 0.1.0
TENON_ABI := 1
SONAME := libtenon.so.$(TENON_ABI)

tenon_objcopy = $(patsubst %ar,%objcopy,$(CFG.$(CONFIG).AR))
tenon_so_flags := -shared -Wl,-soname,$(SONAME) -Wl,-z,nodelete \
	-Wl,-z,relro -Wl,-z,now -Wl,--gc-sections -Wl,-Bsymbolic-functions \
	-Wl,--version-script=lib/tenon.map
public_names := sed -n 's/^\t\(\(tn\|plugin\)_[a-z0-9_]*\);.*/\1/p' lib/tenon.map

define build_library
$(eval objs := $(call objects_in,$(call closure,lib)))
$(eval libs := $(foreach c,$(call closure,lib),$(C.$c.libs)))
$(eval stamp_file := $(B)/$(CONFIG)/obj/.link-libtenon)
$(eval command := $(CFG.$(CONFIG).CC) $(CFG.$(CONFIG).LDFLAGS) \
	$(CFG.$(CONFIG).SOFLAGS) $(tenon_so_flags))
$(eval whole := $(B)/$(CONFIG)/obj/libtenon.o)
$(call stamp,$(stamp_file),$(command) $(objs) $(libs))
$(B)/$(CONFIG)/lib/libtenon.a: $(objs) $(stamp_file) lib/tenon.map
	$$(call say,AR,$$@)
	$(Q)mkdir -p $$(@D) && rm -f $$@
	$(Q)$(public_names) > $(whole).keep
	$(Q)$(CFG.$(CONFIG).CC) -r -nostdlib -o $(whole) $$(filter %.o,$$^)
	$(Q)$(tenon_objcopy) --keep-global-symbols=$(whole).keep $(whole)
	$(Q)$(CFG.$(CONFIG).AR) rcs $$@ $(whole)
$(B)/$(CONFIG)/lib/$(SONAME).0: $(objs) $(stamp_file) lib/tenon.map
	$$(call say,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(command) -o $$@ $$(filter %.o,$$^) $(libs)
	$(Q)cd $$(@D) && ln -sf $(SONAME).0 $(SONAME) && \
		ln -sf $(SONAME) libtenon.so
LIBS.$(CONFIG) := $(B)/$(CONFIG)/lib/libtenon.a $(B)/$(CONFIG)/lib/$(SONAME).0
endef
