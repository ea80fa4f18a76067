# SPDX-License-Identifier: GPL-2.0-or-later
#
# make -f module.mk KDIR=build COPY=directory OPTIONS='NAME=y ...': the module, built
# against KDIR from a copy of its sources. Call it by `module`, which knows the kernels.

TOP	:= ../..
MODULE	:= $(COPY)/drivers/npmu
KO	:= $(MODULE)/npmu.ko

# What a module leaves behind when it is built is not copied: *.mod.c has a form of
# its own for each configuration.
SOURCES	:= $(filter-out %.mod.c,$(shell find $(TOP)/drivers/npmu -name '*.[ch]' -o -name Makefile))
HEADERS	:= $(wildcard $(TOP)/include/uapi/linux/*.h)

$(KO): $(SOURCES) $(HEADERS) $(KDIR)/Module.symvers module.mk
	rm -rf $(COPY)/drivers $(COPY)/include
	mkdir -p $(COPY)/include/uapi/linux
	cp $(HEADERS) $(COPY)/include/uapi/linux/
	$(foreach file,$(SOURCES),mkdir -p $(COPY)/$(patsubst $(TOP)/%,%,$(dir $(file))) && \
		cp $(file) $(COPY)/$(patsubst $(TOP)/%,%,$(file)) &&) true
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODULE) CONFIG_NPMU=m $(OPTIONS) modules
