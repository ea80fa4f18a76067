#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs unit.c on a machine with every kind of device: finds out which is which, as their
# numbers depend on which drivers are modules, and puts the second NVDIMM into fsdax mode.
set -u

here=$(dirname "$(readlink -f "$0")")

# The block device of the nth namespace with this devtype and bus provider.
for block in /sys/block/pmem*; do
	name=/dev/${block##*/}
	case $(readlink -f "$block/device") in
	*virtio*) export NPMU_VIRTIO_PMEM=$name ;;
	*ACPI*)
		if [ -z "${NPMU_NVDIMM_RAW:-}" ]; then
			export NPMU_NVDIMM_RAW=$name
		else
			fsdax=$name
		fi
		;;
	*)
		if [ "$(cat "$block/size")" -lt 8192 ]; then
			export NPMU_SMALL=$name
		elif [ -z "${NPMU_PMEM:-}" ]; then
			export NPMU_PMEM=$name
		else
			export NPMU_PMEM2=$name
		fi
		;;
	esac
done
if [ -n "${fsdax:-}" ]; then
	namespace=$(basename "$(readlink -f "/sys/block/${fsdax##*/}/device")")
	if ndctl create-namespace -f -e "$namespace" -m fsdax >/dev/null; then
		export NPMU_NVDIMM=$fsdax
	fi
fi
[ ! -b /dev/vda ] || export NPMU_DISK=/dev/vda
echo "# pmem ${NPMU_PMEM:-none} and ${NPMU_PMEM2:-none}, raw NVDIMM ${NPMU_NVDIMM_RAW:-none}, fsdax ${NPMU_NVDIMM:-none}," \
	"virtio-pmem ${NPMU_VIRTIO_PMEM:-none}, disk ${NPMU_DISK:-none}, small ${NPMU_SMALL:-none}"
exec "$here/build/unit"
