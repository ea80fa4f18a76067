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

# Only what has changed is copied, and so compiled; what is gone goes.
$(KO): $(SOURCES) $(HEADERS) $(KDIR)/Module.symvers module.mk
	mkdir -p $(MODULE) $(COPY)/include/uapi/linux
	for file in $(patsubst $(TOP)/%,%,$(SOURCES) $(HEADERS)); do \
		cmp -s "$(TOP)/$$file" "$(COPY)/$$file" && continue; \
		mkdir -p "$$(dirname "$(COPY)/$$file")" && cp "$(TOP)/$$file" "$(COPY)/$$file" || exit 1; \
	done
	cd $(COPY) && find * -name '*.[ch]' ! -name '*.mod.c' | while read -r file; do \
		[ -e "$(abspath $(TOP))/$$file" ] || rm "$$file"; done
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODULE) CONFIG_NPMU=m CONFIG_NPMU_RDMA=m $(OPTIONS) modules
	touch $(KO)
