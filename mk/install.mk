# SPDX-License-Identifier: MIT
#
# `make install`: DESTDIR, prefix and libdir as everywhere; a distribution with
# libraries of several machines says libdir=$(prefix)/lib/MACHINE.  INSTALLED is
# a list of SOURCE|TARGET below $(prefix); uninstall removes the same targets.
# The documents keep their places, so links from one to another lead there too.
# `make abi` and its check keep lib/abi.txt, the text of what libtenon promises.

prefix ?= /usr/local
libdir ?= $(prefix)/lib
DESTDIR ?=
# Below the prefix, as everything is.
LIB = $(or $(filter-out /%,$(libdir:$(prefix)/%=%)),\
	$(error libdir=$(libdir) is not below prefix=$(prefix)))
DOC := share/doc/tenon
# hello is what the example programs call.
EXAMPLES := $(wildcard modules/example/*) modules/test/hello
L := $(B)/host/lib
KMOD := $(filter %/tenon-kmod,$(BINS.host))
HOST_OUT := $(LIBS.host) $(filter %/tenon,$(BINS.host)) $(KMOD) $(B)/$(HOST_ARCH)/bin/worker

# Commands of kmod's names, for a PATH or an alternative of one's own choice.
COMMANDS := insmod rmmod modprobe lsmod modinfo depmod

# In /usr the commands of kmod's names are completed by the distribution.
COMPLETED := tenon $(if $(filter /usr,$(prefix)),,$(COMMANDS))

INSTALLED = \
	$(foreach c,$(COMPONENTS),$(foreach h,$(C.$c.install),$c/include/$h|include/$h)) \
	$(foreach f,$(LIBS.host),$f|$(LIB)/$(notdir $f)) \
	$(foreach f,$(filter %/tenon,$(BINS.host)),$f|bin/tenon) \
	$(B)/$(HOST_ARCH)/bin/worker|libexec/tenon/worker \
	$(foreach f,$(KMOD),$f|libexec/tenon/tenon-kmod) \
	$(foreach f,$(wildcard mk/module.mk),$f|share/tenon/module.mk) \
	scripts/gdb/tenon.py|share/tenon/gdb/tenon.py \
	lib/tsan.supp|share/tenon/tsan.supp \
	$(foreach f,$(wildcard man/*.1),$f|share/man/man1/$(notdir $f)) \
	$(foreach f,README.md CONTRIBUTING.md LICENSE \
		$(wildcard docs/*.md docs/*.svg),$f|$(DOC)/$f) \
	$(foreach e,$(EXAMPLES),$(foreach f,$(wildcard $e/*.[ch]),\
		$f|$(DOC)/examples/modules/$(notdir $e)/$(notdir $f))) \
	$(foreach f,$(wildcard $(patsubst %,examples/%,*/Makefile */*.md */*.[ch] */*/*.[ch])),\
		$f|$(DOC)/$f) \
	$(foreach f,$(wildcard lib/test/embed/embed.*),\
		$f|$(DOC)/examples/$(notdir $f)) \
	$(foreach n,$(COMPLETED),tools/completion/tenon|share/bash-completion/completions/$n)
EXAMPLES_MAKEFILE := $(DOC)/examples/modules/Makefile
# Its links lead into the sources: only their texts are installed.
ACCEPTANCE := docs/acceptance.md
LINKS = $(LIB)/$(SONAME) $(LIB)/libtenon.so $(LIB)/pkgconfig/tenon.pc \
	$(EXAMPLES_MAKEFILE) $(COMMANDS:%=libexec/tenon/%)

part = $(word $2,$(subst |, ,$1))
install_one = install -D -m $(if $(filter bin/% libexec/%,$(call part,$1,2)),755,644) \
	$(call part,$1,1) $(DESTDIR)$(prefix)/$(call part,$1,2)

# The same of standard input: whatever the umask, everybody can read it.
install_text = install -D -m 644 /dev/stdin $(DESTDIR)$(prefix)/$1

# What is said of a place goes through make, the shell, sed and pkg-config.
PLACE_SIGNS := ' " \ ` $$ & | ; : < > ( ) \# * ? [ %
place_odd = $(word 2,x$($1)x)$(strip $(foreach c,$(PLACE_SIGNS),$(findstring $c,$($1))))
place_check = $(if $(place_odd),$(error \
	$1=$($1) has blanks or signs that make or a shell reads))

.PHONY: install uninstall
ifneq ($(filter install uninstall,$(MAKECMDGOALS)),)
install uninstall: $(foreach v,prefix libdir DESTDIR,$(call place_check,$v)) \
	$(if $(filter /%,$(prefix)),,$(error prefix=$(prefix) does not begin with /))
endif
install: $(HOST_OUT) ## install below $(DESTDIR)$(prefix)
	$(Q)$(foreach i,$(INSTALLED),$(call install_one,$i) && ) :
	$(Q)sed -E 's|\[([^]]*)\]\(\.\./[^)]*\)|\1|g' $(ACCEPTANCE) | \
		$(call install_text,$(DOC)/$(ACCEPTANCE))
	$(Q)cp -P $(L)/$(SONAME) $(L)/libtenon.so $(DESTDIR)$(prefix)/$(LIB)/
	$(Q)sed 's|@prefix@|$(prefix)|;s|@lib@|$(LIB)|;s|@version@|$(TENON_VERSION)|' \
		lib/tenon.pc.in | $(call install_text,$(LIB)/pkgconfig/tenon.pc)
	$(Q){ echo '# `make BUILD=FOLDER` builds them; SPDX-License-Identifier: MIT'; \
		$(foreach e,$(EXAMPLES),sed '/^#/d;s|^SOURCES := |&$(notdir $e)/|' \
		$e/rules.mk && \
		echo 'include $$(firstword $$(wildcard ../../../../tenon/module.mk) \
			$$(shell tenon cc --makefile))' &&) :; } | \
		$(call install_text,$(EXAMPLES_MAKEFILE))
	$(Q)cd $(DESTDIR)$(prefix)/libexec/tenon && for c in $(COMMANDS); do ln -sf tenon-kmod $$c || exit 1; done

# Folders that are empty then go too, in the system's own prefixes only those
# that are Tenon's.
TARGETS = $(foreach i,$(INSTALLED),$(call part,$i,2)) $(LINKS)
FOLDERS = $(patsubst %/,%,$(sort $(dir $(TARGETS))))
uninstall: ## remove what install put there
	$(Q)rm -f $(TARGETS:%=$(DESTDIR)$(prefix)/%)
	$(Q)cd $(DESTDIR)$(prefix) 2>/dev/null && rmdir $(if $(filter \
		/usr /usr/local,$(DESTDIR)$(prefix)),$(filter %/tenon,$(FOLDERS)),-p \
		$(FOLDERS)) 2>/dev/null || :

.PHONY: abi abi-check
abi: | $(SETUP) ## write lib/tenon.map and lib/abi.txt from the public headers
	@$(PYTHON) scripts/abi.py write
abi-check: $(LIBS.host) | $(SETUP)
	@$(PYTHON) scripts/abi.py check $(LIBS.host)
