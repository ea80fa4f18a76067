#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: selftests/vm/powercut.sh DIR [OPTION OF scripts/vm]...
#
# Runs on the host. A machine lives again and again on the same pmem file in DIR; each
# life commits states and changes regions (powercut_life) until the power is cut at a
# random point. The next life must find every state whose commit returned, every
# change that was answered, and nothing torn. 3 cuts, 20 with NPMU_STRESS=1.
set -u

here=$(dirname "$(readlink -f "$0")")
dir=$(readlink -f "$1")
cuts=3
[ "${NPMU_STRESS:-}" != 1 ] || cuts=20
shift
options=("$@")
mkdir -p "$dir/share"
verified=0 why=

live() # when to cut (options of scripts/vm), then powercut_life's last argument
{
	local cut=$1 last=${2:-}
	# shellcheck disable=SC2086 # lists
	"$here/machine" "${options[@]}" --pmem "$dir/pm:64M" --share "$dir/share" $cut -- sh -c "
		modprobe -a libnvdimm libcrc32c; insmod \"\$NPMU_KO\" &&
		exec '$here/build/powercut_life' /mnt/share/notes $last" >"$dir/life" 2>&1 </dev/null
	rc=$?
	sed 's/^/# /' "$dir/life"
	verified=$((verified + $(grep -c '^verified: ' "$dir/life")))
	why=$(grep -m1 FAIL "$dir/life")
}

for ((cut = 1; cut <= cuts; cut++)); do
	# Shortly after the start, or when there is much to lose.
	live "--cut-on alive:$((cut % 2 ? 3000 : 600))"
	[ -z "$why" ] && [ $rc -eq 137 ] || { why=${why:-cut $cut ended with status $rc}; break; }
done
if [ -z "$why" ]; then
	live "" last
	[ -n "$why" ] || [ $rc -eq 0 ] || why="the last life ended with status $rc"
	[ -n "$why" ] || [ $verified -eq $cuts ] || why="$verified lives verified, not $cuts"
fi
if [ -z "$why" ]; then
	echo "ok - powercut: state__power_cut"
	echo "# totals: pass=1 fail=0 skip=0"
else
	echo "# $why"
	echo "not ok - powercut: state__power_cut"
	echo "# totals: pass=0 fail=1 skip=0"
	exit 1
fi
