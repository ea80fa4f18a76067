#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: selftests/vm/hosts.sh DIR [--flush | --bench | --fences] [OPTION OF scripts/vm]...
#
# Runs on the host. Three machines on a private wire: the test program `hosts` with a client in
# the first, a unit on pmem in the second, another client (hosts_primary) in the third.
# With --flush two: the test program `hosts_flush`, and Debian 13 for its root; the unit is on
# an NVDIMM. With --bench the same two, and npmu-bench remote. With --fences two, and the test programs
# `hosts_fences` and `hosts_device`.
# The program tells the others what to do, by scripts/vm-run and scripts/vm-wire.
#
#	NPMU_KO			the module
#	NPMU_BENCH_OPTIONS	for npmu-bench
set -u

here=$(dirname "$(readlink -f "$0")")
dir=$(readlink -f "$1")
shift
only=
case ${1-} in
--flush | --bench | --fences) only=$1; shift ;;
esac
rm -rf "$dir/share"
mkdir -p "$dir/share"
umask 077
for principal in alice bob; do
	# as ni_key() makes it
	key=$(printf %s $principal | od -An -tx1 | tr -d ' \n')
	while [ ${#key} -lt 64 ]; do
		key+=5a
	done
	echo "$key" >"$dir/share/$principal.key"
done
unit="NPMU_KO='$NPMU_KO' selftests/vm/hosts_unit && exec scripts/vm-run --serve"
primary="selftests/vm/hosts_rxe && exec scripts/vm-run --serve"
if [ "$only" = --fences ]; then
	exec "$here/machine" "$@" --share "$dir/share" --peer "$unit" --peer-opt="--pmem=$dir/pm:32M" \
		-- selftests/vm/run-guest hosts_fences@300 hosts_device@180
fi
if [ -n "$only" ]; then
	root=$("$here/../../scripts/debian13-root" 2>"$dir/why") || {
		[ $? -eq 4 ] || { cat "$dir/why" >&2; exit 1; }
		echo "ok - hosts_flush: Debian 13 # SKIP $(tail -1 "$dir/why")"
		echo "# totals: pass=0 fail=0 skip=1"
		exit 0
	}
	make -s -C "$here" debian13 DEBIAN13_ROOT="$root" >&2 || exit 1
	set -- "$@" --root "$root" --share "$dir/share"
fi
case $only in
--flush)
	exec "$here/machine" "$@" --peer "$unit" --peer-opt="--nvdimm=$dir/nv:64M" --peer-opt=--root=/ \
		-- selftests/vm/run-guest debian13/hosts_library@300 debian13/hosts_flush@300
	;;
--bench)
	# NVDIMMs: for the unit, for NVMe over RDMA, for the file of the TCP server, for its memory.
	exec "$here/machine" "$@" --peer "NPMU_HOSTS_SIZE=140M $unit" --peer-opt=--root=/ \
		--peer-opt="--nvdimm=$dir/unit:192M" --peer-opt="--nvdimm=$dir/nvme:192M" \
		--peer-opt="--nvdimm=$dir/tcp:192M" --peer-opt="--nvdimm=$dir/memory:192M" -- sh -c "
			set -e
			selftests/vm/hosts_rxe
			modprobe nvme-rdma
			scripts/vm-run 2 'NPMU_DEBIAN13=$root selftests/vm/hosts_unit peers'
			echo transport=rdma,traddr=10.77.0.2,trsvcid=4420,nqn=npmu >/dev/nvme-fabrics
			until [ -e /dev/nvme0n1 ]; do sleep 0.1; done
			export NPMU_KEY_FILE=/mnt/share/alice.key
			selftests/vm/build/debian13/npmu-bench remote --peer 10.77.0.2 --nvme /dev/nvme0n1 --check \
				${NPMU_BENCH_OPTIONS-} npmu://alice@10.77.0.2/u/r"
	;;
esac
exec "$here/machine" "$@" --share "$dir/share" --peer "$unit" --peer-opt="--pmem=$dir/pm:32M" --peer "$primary" \
	-- selftests/vm/run-guest hosts@300
