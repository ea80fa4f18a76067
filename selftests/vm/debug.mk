# SPDX-License-Identifier: GPL-2.0-or-later
#
# make -f debug.mk: the module with the knobs of CONFIG_NPMU_DEBUG, for the tests
# that widen races on purpose. Built from a copy, so that the module beside the
# sources stays what it is. The path of it: build/debug-module/drivers/npmu/npmu.ko.

TOP	:= ../..
KVER	?= $(shell $(TOP)/scripts/kernel-version)
KDIR	?= /lib/modules/$(KVER)/build
COPY	:= build/debug-module
KO	:= $(COPY)/drivers/npmu/npmu.ko

SOURCES	:= $(wildcard $(TOP)/drivers/npmu/*.[ch] $(TOP)/drivers/npmu/Makefile \
	   $(TOP)/include/uapi/linux/*.h)

all: $(KO)

# What a module leaves behind when it is built is not copied: *.mod.c has a form of
# its own for each configuration.
$(KO): $(SOURCES)
	rm -rf $(COPY)
	mkdir -p $(COPY)/drivers/npmu $(COPY)/include/uapi/linux
	cp $(filter $(TOP)/include/%,$^) $(COPY)/include/uapi/linux/
	cp $(filter-out %.mod.c $(TOP)/include/%,$^) $(COPY)/drivers/npmu/
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/$(COPY)/drivers/npmu CONFIG_NPMU=m \
		CONFIG_NPMU_DEBUG=y modules

.PHONY: all
