#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# doctor on hosts that do not exist: trees of /proc, /sys, /dev and /lib are built and given by NPMU_DOCTOR_ROOT. Each
# test is one lack of a host: its state, its cause and the command that mends it. TAP.
#
# Usage: doctor_test.sh NPMU-ADMIN

set -u

readonly ADMIN=$1
readonly RELEASE=6.12.0-test-amd64
ROOT=$(mktemp -d)
trap 'rm -rf "$ROOT"' EXIT
export NPMU_DOCTOR_ROOT=$ROOT/host
tests=0 failures=0

put() { mkdir -p "$NPMU_DOCTOR_ROOT$(dirname "$1")" && printf '%s\n' "$2" >"$NPMU_DOCTOR_ROOT$1"; }

# A host that lacks nothing: module loaded, NVDIMM in fsdax mode, root.
new_host() {
	rm -rf "$NPMU_DOCTOR_ROOT"
	put /proc/cpuinfo $'processor\t: 0\nflags\t\t: fpu clflush clflushopt clwb'
	put /proc/self/status $'Name:\tx\nCapEff:\t000001ffffffffff'
	put /proc/self/uid_map '         0          0 4294967295'
	put /proc/self/mountinfo '24 27 0:6 / /dev rw - devtmpfs devtmpfs rw'
	put /proc/modules $'nd_pmem 1 0 - Live 0x0\nnpmu 90112 0 - Live 0x0'
	put /proc/sys/kernel/osrelease "$RELEASE"
	put /proc/cmdline 'quiet'
	put /proc/iomem $'00100000-bfffffff : System RAM\n  01000000-0220bb07 : Kernel code\n100000000-43fffffff : System RAM'
	mkdir -p "$NPMU_DOCTOR_ROOT/lib/modules/$RELEASE/build"
}

# pmem NAME PROVIDER NAMESPACE DAX: a device of 1 GiB below a bus of that provider.
pmem() {
	local bus=/sys/devices/platform/ndbus0 ns=$3
	put "$bus/provider" "$2"
	put "$bus/region0/uevent" DEVTYPE=nd_pmem
	[[ $2 != ACPI.NFIT ]] || put "$bus/region0/deep_flush" 1
	put "$bus/region0/$ns/size" 1073741824
	put "$bus/region0/$ns/mode" "$([[ $4 == 1 ]] && echo memory || echo raw)"
	put "$bus/region0/$ns/block/$1/size" 2097152
	put "$bus/region0/$ns/block/$1/ro" 0
	put "$bus/region0/$ns/block/$1/dev" 259:0
	put "$bus/region0/$ns/block/$1/queue/dax" "$4"
	put "$bus/region0/$ns/block/$1/badblocks" ''
	mkdir -p "$NPMU_DOCTOR_ROOT/sys/block" "$NPMU_DOCTOR_ROOT/sys/bus/nd/devices"
	ln -sfn "../devices/platform/ndbus0/region0/$ns/block/$1" "$NPMU_DOCTOR_ROOT/sys/block/$1"
	ln -sfn "../../../devices/platform/ndbus0/region0/$ns" "$NPMU_DOCTOR_ROOT/sys/bus/nd/devices/$ns"
}

# expect NAME STATUS LINE...: doctor exits with STATUS, and each pattern is found in one line of its output.
expect() {
	local name=$1 want=$2 out status good=1 line
	shift 2
	out=$("$ADMIN" doctor 2>&1)
	status=$?
	[[ $status == "$want" ]] || good=0
	for line; do
		grep -qE -- "$line" <<<"$out" || { good=0; echo "# no line: $line"; }
	done
	tests=$((tests + 1))
	if [[ $good == 1 ]]; then
		echo "ok $tests - $name"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $name (status $status)"
		echo "# ${out//$'\n'/$'\n# '}"
	fi
}

new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
expect host__complete 0 '^ok +cpu: .*clwb' '^ok +module: ' '^ok +privilege: ' '^ok +pmem0: .*1G.*persistent'

put /proc/cpuinfo $'flags\t\t: fpu clflush clflushopt'
expect cpu__clflushopt 0 '^ok +cpu: .*clflushopt'
put /proc/cpuinfo $'flags\t\t: fpu clflush mmx'
expect cpu__clflush_only 0 '^warn +cpu: .*slowly'
put /proc/cpuinfo $'flags\t\t: fpu noclflush clwbx'
expect cpu__none 1 '^fail +cpu: '
put /proc/cpuinfo $'processor\t: 0\nFeatures\t: fp asimd'
expect cpu__other_architecture 0 '^warn +cpu: '

new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
put /proc/self/status $'Name:\tx\nCapEff:\t0000000000000000'
expect privilege__none 0 '^warn +privilege: .*Mend: run as root'
put /proc/self/status $'Name:\tx\nCapEff:\t000001ffffdfffff'
expect privilege__all_but_sys_admin 0 '^warn +privilege: '
put /proc/self/status $'Name:\tx\nCapEff:\t000001ffffffffff'
put /proc/self/uid_map '         0     100000      65536'
expect privilege__user_namespace 0 '^warn +privilege: .*user namespace'

new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
put /proc/modules 'npmu_rdma 1 0 - Live 0x0'
put "/lib/modules/$RELEASE/modules.dep" 'extra/npmu.ko: kernel/lib/libcrc32c.ko'
expect module__installed 1 '^fail +module: .*not loaded\. Mend: modprobe npmu$'
rm "$NPMU_DOCTOR_ROOT/lib/modules/$RELEASE/modules.dep"
expect module__missing 1 '^fail +module: .*Mend: .*make install'
rm -r "$NPMU_DOCTOR_ROOT/lib/modules/$RELEASE/build"
expect module__missing_and_no_headers 1 "^fail +module: .*Mend: apt install linux-headers-$RELEASE"
put /lib/modules/6.1.0-other/modules.dep 'extra/npmu.ko:'
expect module__for_another_kernel 1 '^fail +module: .*6\.1\.0-other'
mkdir -p "$NPMU_DOCTOR_ROOT/var/lib/dkms/npmu/1.0.0"
expect module__dkms 1 '^fail +module: .*Mend: .*dkms autoinstall'
put /sys/kernel/security/lockdown 'none [integrity] confidentiality'
expect module__lockdown 1 '^warn +lockdown: .*mokutil'

new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
put /proc/self/mountinfo '24 27 0:6 / /dev rw - tmpfs tmpfs rw'
expect dev__tmpfs 0 '^warn +dev: .*not a devtmpfs'

new_host; pmem pmem0 e820 namespace0.0 1
expect pmem__memmap_is_warm 0 '^ok +pmem0: .*memmap= DRAM, class warm.*not a power cut'
new_host; pmem pmem0 virtio-pmem namespace0.0 1
expect pmem__virtio_is_refused 1 '^fail +pmem0: .*virtio-pmem'
new_host; pmem pmem0 ACPI.NFIT namespace0.0 0
expect pmem__raw_mode 1 '^fail +pmem0: .*raw mode.*Mend: ndctl create-namespace -f -e namespace0\.0 -m fsdax'
new_host; pmem pmem0s ACPI.NFIT namespace0.0 0
expect pmem__sector_mode 1 '^fail +pmem0s: .*sector mode.*Mend: ndctl create-namespace -f -e namespace0\.0 -m fsdax'
new_host; pmem pmem1 ACPI.NFIT namespace1.0 1
put /sys/devices/platform/ndbus0/region0/namespace1.0/block/pmem1/ro 1
expect pmem__read_only 1 '^fail +pmem1: .*Mend: blockdev --setrw /dev/pmem1'
new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
put /sys/devices/platform/ndbus0/region0/namespace0.0/block/pmem0/size 8191
expect pmem__too_small 1 '^fail +pmem0: .*4 MiB'
new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
put /sys/devices/platform/ndbus0/region0/namespace0.0/block/pmem0/badblocks '64 8'
expect pmem__bad_blocks 0 '^warn +pmem0: .*bad blocks.*Mend: ndctl clear-errors namespace0\.0'
new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
put /proc/self/mountinfo $'24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n30 27 259:0 / /data rw - ext4 /dev/pmem0 rw'
expect pmem__mounted 0 '^warn +pmem0: .*mounted on /data.*Mend: umount /data'
put /proc/self/mountinfo $'24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n30 27 259:0 / /data rw - ext4 /dev/disk/by-id/x rw'
expect pmem__mounted_by_another_name 0 '^warn +pmem0: .*mounted on /data'
put /proc/self/mountinfo $'24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n30 27 259:9 / /data rw - ext4 /dev/pmem01 rw'
expect pmem__another_is_mounted 0 '^ok +pmem0: '
new_host; pmem pmem0 ACPI.NFIT namespace0.0 1
mkdir -p "$NPMU_DOCTOR_ROOT/sys/devices/platform/ndbus0/region0/namespace0.0/block/pmem0/holders/dm-0"
expect pmem__held 0 '^warn +pmem0: .*held by dm-0.*Mend: .*lsblk /dev/pmem0'

# An fsdax namespace shows its block device below a pfn device that names it.
new_host; pmem pmem0 ACPI.NFIT pfn0.1 0
put /sys/devices/platform/ndbus0/region0/pfn0.1/namespace namespace0.7
expect pmem__namespace_of_a_pfn 1 'create-namespace -f -e namespace0\.7 '

new_host
put /sys/bus/nd/devices/namespace0.0/size 1073741824
put /sys/bus/nd/devices/namespace0.0/mode dax
expect namespace__devdax 1 '^fail +namespace0\.0: .*devdax.*Mend: ndctl create-namespace -f -e namespace0\.0 -m fsdax'

pmem pmem1 ACPI.NFIT namespace1.0 1
expect namespace__devdax_beside_a_fit_one 0 '^warn +namespace0\.0: ' '^ok +pmem1: '
pmem pmem2 ACPI.NFIT namespace2.0 0
expect pmem__raw_beside_a_fit_one 0 '^warn +pmem2: .*raw mode' '^ok +pmem1: '

new_host
put /sys/bus/nd/devices/namespace0.0/size 0
expect pmem__none 1 '^fail +pmem: .*add memmap=4G!8G '
put /etc/default/grub x; mkdir -p "$NPMU_DOCTOR_ROOT/usr/sbin"; put /usr/sbin/update-grub x
expect pmem__none_with_grub 1 'GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub' 'no power cut'
put /proc/cmdline 'quiet memmap=256M!512M'
expect pmem__memmap_without_effect 1 '^fail +pmem: memmap= is on the kernel command line.*modprobe nd_pmem'
put /proc/cmdline "memmap=256M\$512M x=!"
expect pmem__another_memmap 1 'add memmap=4G!8G '

new_host; put /proc/iomem $'00001000-0009fbff : System RAM\n00100000-7fffffff : System RAM'
expect memmap__two_gigabytes 1 'add memmap=512M!1G '
new_host; put /proc/iomem $'00100000-7fffffff : System RAM\n  40000000-4fffffff : Crash kernel'
expect memmap__spares_the_crash_kernel 1 'add memmap=512M!1536M '
new_host
put /proc/iomem $'00100000-7fffffff : System RAM\n80000000-febfffff : PCI Bus 0000:00\n4000000000-7fffffffff : PCI Bus 0000:00'
expect memmap__inside_memory_only 1 'add memmap=512M!1G '
new_host; put /proc/iomem $'00000000-00000000 : System RAM\n00000000-00000000 : Reserved'
expect memmap__addresses_hidden 1 '^fail +pmem: .*hidden'
put /sys/firmware/memmap/0/start 0x100000000; put /sys/firmware/memmap/0/end 0x43fffffff
put /sys/firmware/memmap/0/type 'System RAM'
expect memmap__from_the_firmware 1 'add memmap=4G!8G '
new_host; put /proc/iomem '00100000-03ffffff : System RAM'
expect memmap__too_little_memory 1 '^fail +pmem: .*too little memory'
new_host; put /proc/iomem $'garbage\n-\nffffffffffffffff-0 : System RAM\n0-ffffffffffffffff : System RAM\n : '
expect memmap__garbage 1 '^fail +pmem: '

new_host; pmem pmem0 virtio-pmem namespace0.0 1
tests=$((tests + 1))
if "$ADMIN" doctor --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["failures"] == 1 and d["warnings"] == 0, d
assert sum(c["state"] == "ok" for c in d["checks"]) == d["ok"], d
assert [c for c in d["checks"] if c["check"] == "pmem0" and c["state"] == "fail" and c["cause"] and c["mend"]], d'; then
	echo "ok $tests - json__keys"
else
	failures=$((failures + 1))
	echo "not ok $tests - json__keys"
fi

echo "1..$tests"
[[ $failures == 0 ]]
