#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: selftests/vm/reboot.sh DIR [OPTION OF scripts/vm]...
#
# Runs on the host. A machine is restarted while writers have regions of its pmem mapped
# and commit without a pause: in the orderly way of reboot(2), and at once by SysRq. Its
# next life finds what was committed (powercut_life), and the kernel complains of nothing.
set -u

here=$(dirname "$(readlink -f "$0")")
dir=$(readlink -f "$1")
shift
options=("$@")
# shellcheck source=scripts/complaints
. "$here/../../scripts/complaints"
mkdir -p "$dir/share"
verified=0 why=

live() # how it ends: a command of the guest; powercut_life's last argument
{
	"$here/machine" "${options[@]}" --pmem "$dir/pm:64M" --share "$dir/share" \
		--console "$dir/console" -- sh -c "
		modprobe -a libnvdimm libcrc32c; insmod \"\$NPMU_KO\" || exit 1
		$1" >"$dir/life" 2>&1 </dev/null
	rc=$?
	# That the machine went away is what it was told to do.
	grep -E '^(verified|FAIL)' "$dir/life" | sed 's/^/# /'
	verified=$((verified + $(grep -c '^verified: ' "$dir/life")))
	why=$(grep -m1 FAIL "$dir/life")
	why=${why:-$(grep -aEm1 "$COMPLAINT" "$dir/console" | tr -d '\r')}
}

# Who changes regions is stopped before: what it notes on the host would be lost with
# the host's file system, which is shut down first. Who commits goes on to the end.
restart() # name, command, what the kernel says last
{
	live "'$here/build/powercut_life' /mnt/share/notes >/tmp/life 2>&1 &
		until grep -qE 'alive|FAIL' /tmp/life; do sleep 0.2; done
		grep -E '^(verified|FAIL)' /tmp/life
		sleep 2
		kill -0 \$! && pkill -STOP -P \$! || cat /tmp/life
		sleep 1
		$2
		sleep 60; echo FAIL: it is still here"
	[ -n "$why" ] || [ $rc -eq 98 ] || why="$1 ended with status $rc"
	[ -n "$why" ] || grep -aq "$3" "$dir/console" || why="$1: the kernel did not say $3"
	[ -z "$why" ] || tail -n 40 "$dir/life" | sed 's/^/# /'
}

restart reboot "busybox reboot -f" "reboot: Restarting system"
[ -n "$why" ] || restart sysrq "echo 1 >/proc/sys/kernel/sysrq; echo b >/proc/sysrq-trigger" "sysrq: Resetting"
if [ -z "$why" ]; then
	live "exec '$here/build/powercut_life' /mnt/share/notes last"
	[ -n "$why" ] || [ $rc -eq 0 ] || why="the last life ended with status $rc"
	[ -n "$why" ] || [ $verified -eq 2 ] || why="$verified lives verified, not 2"
fi
if [ -z "$why" ]; then
	echo "ok - reboot: state__survives_a_restart"
	echo "# totals: pass=1 fail=0 skip=0"
else
	echo "# $why"
	echo "not ok - reboot: state__survives_a_restart"
	echo "# totals: pass=0 fail=1 skip=0"
	exit 1
fi
