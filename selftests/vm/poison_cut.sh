#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: selftests/vm/poison_cut.sh DIR [OPTION OF scripts/vm]...
#
# Runs on the host. A machine lives again and again on the same pmem file in DIR, and in
# each life memory of the unit fails until the power is cut at a random point
# (poison_life). In the next life that memory is good, as QEMU's is; that it failed is
# known from the unit's own list alone. 2 cuts, 10 with NPMU_STRESS=1.
set -u

here=$(dirname "$(readlink -f "$0")")
dir=$(readlink -f "$1")
cuts=2
[ "${NPMU_STRESS:-}" != 1 ] || cuts=10
shift
options=("$@")
mkdir -p "$dir/share"
verified=0 why=

live() # when to cut (options of scripts/vm), then poison_life's last argument
{
	local cut=$1 pages=${2:-}
	# shellcheck disable=SC2086 # lists
	"$here/machine" "${options[@]}" --pmem "$dir/pm:64M" --share "$dir/share" $cut -- sh -c "
		modprobe -a libnvdimm libcrc32c; insmod \"\$NPMU_KO\" &&
		exec '$here/build/poison_life' /mnt/share/notes $pages" >"$dir/life" 2>&1 </dev/null
	rc=$?
	grep -v '^failing' "$dir/life" | sed 's/^/# /'
	verified=$((verified + $(grep -c '^verified: ' "$dir/life")))
	why=$(grep -m1 FAIL "$dir/life")
}

for ((cut = 1; cut <= cuts; cut++)); do
	live --cut-on=failing:400 20
	[ -z "$why" ] && [ $rc -eq 137 ] || { why=${why:-cut $cut ended with status $rc}; break; }
done
if [ -z "$why" ]; then
	live ""
	[ -n "$why" ] || [ $rc -eq 0 ] || why="the last life ended with status $rc"
	[ -n "$why" ] || [ $verified -eq $cuts ] || why="$verified lives verified, not $cuts"
fi
if [ -z "$why" ]; then
	echo "ok - poison_cut: poison__survives_a_power_cut"
	echo "# totals: pass=1 fail=0 skip=0"
else
	echo "# $why"
	echo "not ok - poison_cut: poison__survives_a_power_cut"
	echo "# totals: pass=0 fail=1 skip=0"
	exit 1
fi
