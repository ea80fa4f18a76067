# SPDX-License-Identifier: GPL-2.0-or-later
#
# A wrapper: every directory builds itself. `make help` lists the targets.

KVER ?= $(shell scripts/kernel-version)
KDIR ?= /lib/modules/$(KVER)/build
PREFIX ?= /usr/local
export PREFIX DESTDIR

all: modules lib tools

help:
	@echo 'make demo [FILE=path]  the process pair on real input, in a virtual machine'
	@echo 'make demo-hosts [FILE=path]  a process pair on three hosts: unit, primary, backup'
	@echo 'make check             all tests (about 45 minutes); installs what is missing'
	@echo 'make stress            the same with the full counts (hours)'
	@echo 'make debug             all suites of the virtual machine on the debug kernel (an hour and a half)'
	@echo 'make defects           break the tree in each known way; its check must find it (hours)'
	@echo 'make bench [BENCH=opts]  what checkpoints cost, natively and in a virtual machine'
	@echo 'make crash-states STATES=n  what a power cut may leave behind: n states of it'
	@echo 'make model [SECONDS=n]  writer, reader and contender in every order, with crashes'
	@echo 'make fuzz [SECONDS=n]  the fuzzers, n seconds each'
	@echo 'make lint              style, static checks, generated files'
	@echo 'make all               modules, lib, tools'
	@echo 'make modules           npmu.ko, for KVER=$(KVER)'
	@echo 'make lib               libnpmu'
	@echo 'make tools             npmu-admin, npmu-bench, the examples'
	@echo 'make selftests         the test programs'
	@echo 'make install           modules, library, tools, man pages, headers (DESTDIR, PREFIX)'
	@echo 'make clean             remove what was built'

modules:
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/drivers/npmu CONFIG_NPMU=m CONFIG_NPMU_RDMA=m W=1 modules

lib:
	+$(MAKE) -C lib

tools: lib
	+$(MAKE) -C tools

selftests: lib
	+$(MAKE) -C selftests/unit
	+$(MAKE) -C selftests/crash
	+$(MAKE) -C selftests/model
	+$(MAKE) -C selftests/fuzz
	+$(MAKE) -C selftests/vm

demo:
	scripts/demo $(if $(FILE),'$(FILE)')

demo-hosts:
	scripts/demo-hosts $(if $(FILE),'$(FILE)')

check:
	scripts/check

stress:
	NPMU_STRESS=1 scripts/check

debug: all selftests
	NPMU_KERNEL=debug selftests/vm/run

crash-states:
	+$(MAKE) -s -C selftests/crash crash-states $(if $(STATES),STATES=$(STATES)) \
		$(if $(SEED),SEED=$(SEED))

model:
	+$(MAKE) -s -C selftests/model model $(if $(SECONDS),SECONDS=$(SECONDS))

fuzz: all selftests
	+$(MAKE) -C selftests/fuzz fuzz
	NPMU_FUZZ_SECONDS=$(or $(SECONDS),60) NPMU_STRESS=1 selftests/vm/run api_fuzz

lint:
	scripts/lint $(CHECKS)

defects:
	selftests/defects/run $(DEFECTS)

bench:
	scripts/bench $(BENCH)

install: all
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/drivers/npmu CONFIG_NPMU=m CONFIG_NPMU_RDMA=m \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install
	+$(MAKE) -C lib install
	+$(MAKE) -C tools install

clean:
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/drivers/npmu CONFIG_NPMU=m CONFIG_NPMU_RDMA=m clean
	+$(MAKE) -C lib clean
	+$(MAKE) -C tools clean
	+$(MAKE) -C selftests/unit clean
	+$(MAKE) -C selftests/crash clean
	+$(MAKE) -C selftests/model clean
	+$(MAKE) -C selftests/fuzz clean
	+$(MAKE) -C selftests/vm clean

.PHONY: all help modules lib tools selftests demo demo-hosts check stress debug crash-states model fuzz lint defects bench install clean
