#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: selftests/vm/hosts.sh DIR [OPTION OF scripts/vm]...
#
# Runs on the host. Three machines on a private wire: the test program `hosts` with a client in
# the first, a unit on pmem in the second, another client (hosts_primary) in the third.
# The program tells the others what to do, by scripts/vm-run and scripts/vm-wire.
#
#	NPMU_KO		the module
set -u

here=$(dirname "$(readlink -f "$0")")
dir=$(readlink -f "$1")
shift
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
exec "$here/machine" "$@" --share "$dir/share" --peer "$unit" --peer-opt="--pmem=$dir/pm:32M" --peer "$primary" \
	-- selftests/vm/run-guest hosts@300
