#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: selftests/vm/hosts.sh DIR [OPTION OF scripts/vm]...
#
# Runs on the host. Three machines on a private wire: the test program `hosts` with a client in
# the first, a unit on pmem in the second, another client (hosts_primary) in the third.
# The program tells the others what to do, by scripts/vm-run and scripts/vm-wire.
set -u

here=$(dirname "$(readlink -f "$0")")
dir=$(readlink -f "$1")
shift
mkdir -p "$dir/share"
[ ! -d "$dir/share/vm-run" ] || rm -rf "$dir/share/vm-run"
serve="selftests/vm/hosts_rxe && exec scripts/vm-run --serve"
exec "$here/machine" "$@" --share "$dir/share" --peer "$serve" --peer-opt="--pmem=$dir/pm:32M" --peer "$serve" \
	-- selftests/vm/run-guest hosts@300
