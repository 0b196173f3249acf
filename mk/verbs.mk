# SPDX-License-Identifier: MIT
#
# What a person types.  A target with `## text` behind it is in `make help`.
# The work of the longer verbs is done by a script; make brings what it needs.

PYTHON := /usr/bin/python3
TEST_CONFIGS := host host-clang host-asan host-tsan host-musl host-aarch64 host-riscv64

.PHONY: all everything setup help clean run test bench soak soak-host corpus matrix fuzz size model
all: host $(MODULE_FILES) ## build programs and libraries for this machine (default)
everything: $(call config_target,$(CONFIGS)) $(MODULE_FILES) ## build every configuration
setup: $(SETUP) ## install the packages that are needed, or say which

# Which programs there are to test, and how a program of a CONFIG is run.
$(B)/tests.list: FORCE | $(SETUP)
	@mkdir -p $(@D)
	@: > $@ $(foreach c,$(TEST_CONFIGS),$(foreach t,$(TESTS.$c),\
		&& echo '$c|$(CFG.$c.RUN)|$t' >> $@))

KERNELS := $(filter aarch64 riscv64,$(CONFIGS))
# Programs that look at nothing else that is built: ONLY of these brings no more.
# A text that the name of a Python suite has, too, brings everything.
ALONE := $(addprefix test-,base test core-elf core-reloc core-gate)
PYTHON_SUITES := $(wildcard $(addsuffix test_*.py,oracle/ */test/ */*/test/ */*/*/test/))
only_programs = $(foreach c,$(TEST_CONFIGS),$(foreach t,$(TESTS.$c),$(if \
	$(findstring $(ONLY),$c/$(notdir $t)),$t)))
needs_all = $(if $(ONLY),$(findstring $(ONLY),$(PYTHON_SUITES))$(filter-out \
	$(ALONE),$(notdir $(only_programs))),yes)
TEST_NEEDS = $(if $(needs_all),$(TEST_CONFIGS) $(KERNELS) $(BINS.fuzz) \
	$(MODULE_FILES),$(only_programs))
test: $(TEST_NEEDS) $(B)/tests.list ## run every test; ONLY=text selects
	@$(PYTHON) scripts/test.py --list $(B)/tests.list $(if $(ONLY),--only '$(ONLY)')

run: host host-aarch64 host-riscv64 $(KERNELS) $(MODULE_FILES) ## a tour: load, call, refuse and unload real modules
	@$(PYTHON) scripts/demo.py

bench: host $(MODULE_FILES) $(B)/.setup-bench ## measure against named peers; writes build/bench/results.csv
	@$(PYTHON) bench/bench.py $(BENCH_ARGS)

corpus: host host-aarch64 host-riscv64 $(MODULE_FILES) $(B)/.setup-corpus ## whole distributions: link as ld does, byte for byte; depmod as kmod
	@$(PYTHON) oracle/corpus.py $(CORPUS_ARGS)
	@$(PYTHON) oracle/kmod_depmod.py
	@$(PYTHON) oracle/kmod_query.py $(QUERY_ARGS)
	@$(PYTHON) oracle/vm.py

matrix: host host-aarch64 host-riscv64 $(MODULE_FILES) ## compile C into every relocation, at all levels, and run it
	@$(PYTHON) matrix/matrix.py --all

model: $(B)/host/bin/model ## search all runs of the gates' models; VERBOSE=-v shows traces
	@$(B)/host/bin/model $(VERBOSE)

soak: host $(MODULE_FILES) ## load and unload 1,000 modules 1,000 times: nothing may grow
	@$(B)/host/bin/soak $(B)/modules/$(HOST_ARCH)/common/tiny.ko 1000 $(or $(ROUNDS),1000)

soak-host: host $(MODULE_FILES) ## 10,000 requests to a module host of 50 clients that vanish at random
	@$(PYTHON) tools/hostd/soak.py $(SOAK_ARGS)

fuzz: $(BINS.fuzz) ## fuzz every parser; SECONDS=n for each target
	@$(PYTHON) fuzz/fuzz.py $(if $(SECONDS),--seconds $(SECONDS)) $(FUZZ_ARGS)

# What a verb wants beyond $(SETUP); without it, it leaves something out.
$(B)/.setup-%: mk/packages-%.txt | $(SETUP)
	@if sh scripts/setup.sh $<; then touch $@; else \
		echo '*** going on without them' >&2; fi

# The budgets: what a bare machine links that only links modules
# of any machine (mk/size.loader), one that loads, runs and unloads its own
# (mk/size.runner), and one that uses every public call of the engine and offers
# every guaranteed symbol: these functions and all that they reach, optimised as
# a whole.
CONFIG := aarch64-Os
comma := ,
SIZE_OBJS := $(foreach c,$(call closure,core/mod),$(call objects_in,$c))
SIZE_ROOTS.loader = $(file <mk/size.loader)
SIZE_ROOTS.runner = $(file <mk/size.runner)
SIZE_ROOTS.slots = $(file <mk/size.slots)
# What other components have of these is left out by the link.
SIZE_ROOTS.engine = tn_guaranteed $(shell sed -n 's/^function //p' lib/abi.txt)
SIZE_LINK = $(CFG.aarch64-Os.CC) $(CFG.aarch64-Os.CFLAGS) -nostdlib -static \
	-ffreestanding -Wl,--gc-sections -Wl,--unresolved-symbols=ignore-all \
	-flto-partition=one \
	$(addprefix -Wl$(comma)-u$(comma),$(SIZE_ROOTS.$1)) \
	-Wl,-e,$(firstword $(SIZE_ROOTS.$1)) -w
# $(call size_image,name,objects,roots)
define size_image
$(B)/aarch64-Os/$1.elf: $2 $(or $(wildcard mk/size.$3),lib/abi.txt)
	@$$(call SIZE_LINK,$3) -o $$@ $2 2>/dev/null
endef
$(foreach i,loader runner,$(eval $(call size_image,$i,$(SIZE_OBJS),$i)))
$(eval $(call compile,kernel,$(GUARANTEED),free))
$(eval $(call size_image,engine,$(SIZE_OBJS) $(call objects_of,$(GUARANTEED)),engine))
# The slot manager, with all of its public calls (mk/size.slots) but without
# what they call in the engine: slots_all is the component; slots is the manager
# proper, without what stands between it and the engine (native.c, api.c), walks
# and kills (walk.c) and forks (fork.c).
SLOT_OBJS := $(patsubst %.c,$(B)/aarch64-Os/obj/%.o,$(wildcard core/slot/*.c))
SLOT_REST := $(patsubst %,$(B)/aarch64-Os/obj/core/slot/%.o,native api walk fork)
$(eval $(call size_image,slots,$(filter-out $(SLOT_REST),$(SLOT_OBJS)),slots))
$(eval $(call size_image,slots_all,$(SLOT_OBJS),slots))
size: $(patsubst %,$(B)/aarch64-Os/%.elf,loader runner engine slots slots_all) ## bytes of code, base and core, aarch64 -Os
	@$(PYTHON) scripts/size.py $(CFG.aarch64-Os.SIZE) \
		loader=40 $(B)/aarch64-Os/loader.elf \
		runner=64 $(B)/aarch64-Os/runner.elf \
		engine=64 $(B)/aarch64-Os/engine.elf \
		slots=6 $(B)/aarch64-Os/slots.elf \
		slots_all= $(B)/aarch64-Os/slots_all.elf

# For editors: the commands of host-clang, which clang's tools understand.
unit = $(word $2,$(subst |, ,$1))
unit_flags = $(call flags,$(call unit,$1,2),$(call unit,$1,3))
unit_command = $(CFG.host-clang.CC) $(unit_flags) \
	$(if $(filter free,$(call unit,$1,3)),$(call nostdinc,host-clang)) \
	-c $(call unit,$1,4)
unit_json = {"directory": "$(CURDIR)", "file": "$(call unit,$1,4)", \
	"command": "$(strip $(unit_command))"}
CLANG_UNITS = $(filter host-clang|%,$(UNITS))
compile_commands.json: CONFIG := host-clang
compile_commands.json: FORCE | $(SETUP) ## for editors: the compiler's command lines
	$(call say,GEN,$@)
	@: $(file >$@,[)$(foreach u,$(CLANG_UNITS),$(file >>$@,$(call \
		unit_json,$u)$(if $(filter-out $u,$(lastword $(CLANG_UNITS))),$(comma))))$(file >>$@,])

clean: ## remove build/
	rm -rf $(B)
help: ## this list
	@echo 'verbs:'
	@sed -n 's/^\([a-z_.-]*\):.*## /\1|/p' Makefile mk/*.mk | sort | \
		while IFS='|' read -r t d; do printf '  %-22s %s\n' "$$t" "$$d"; done
	@echo 'configurations, each a verb:'
	@echo '  $(call config_target,$(CONFIGS))'
	@echo 'variables: V=1 shows commands, WERROR= lets warnings pass'
