#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs on the host, from `suites`: complaints.sh DIR [OPTION OF scripts/vm]...
#
# A test of the tester: tests that say that all is well while the kernel complains
# (complain/complain.c, one of each kind) must fail, and one meanwhile of which it does
# not must pass. For the debug kernel, which has all the detectors.
set -u

cd "$(dirname "$(readlink -f "$0")")" || exit 2
dir=$1
shift
whats=$(sed -n 's/^\t{ "\([a-z_]*\)", about_.*/\1/p' complain/complain.c)
tests=$(printf 'complain_%s ' $whats)
mkdir -p build/complain
cp complain/* build/complain/
home=$(../../scripts/debug-kernel) &&
	make -s -C "$home/build" M="$PWD/build/complain" modules >&2 || exit 2
export NPMU_COMPLAIN=$PWD/build/complain/complain.ko

# shellcheck disable=SC2016,SC2086 # for the guest's shell; lists
./machine --allow-splat "$@" -- bash -c '
	for test; do ln -sf ../complaint.sh "selftests/vm/build/$test"; done
	exec selftests/vm/run-guest "$@"' - $tests >"$dir/said" 2>&1
status=$?

pass=0 fail=0
point() # name, condition...
{
	local name=$1
	shift
	if "$@"; then
		pass=$((pass + 1))
		echo "ok - complaints: $name"
	else
		fail=$((fail + 1))
		echo "not ok - complaints: $name"
	fi
}
said() { grep -qxF -- "$1" "$dir/said"; }
not_said() { ! said "$1"; }

for what in $whats; do
	point "${what}__test_ran" said "ok - complain_$what: says_that_all_is_well"
	case $what in
	nothing) point nothing__passes not_said "not ok - complain_$what: kernel log" ;;
	leak) point leak__fails said "not ok - memory__none_lost" ;;
	*) point "${what}__fails" said "not ok - complain_$what: kernel log" ;;
	esac
done
point lock_order__ends_lockdep said "not ok - lockdep__still_looks"
point leak__is_told said "not ok - module: kernel log"
point leak__names_who grep -q '^#.*about_leak' "$dir/said"
point run__fails test $status -eq 1
[ $fail -eq 0 ] || sed 's/^/# /' "$dir/said"
echo "# totals: pass=$pass fail=$fail skip=0"
[ $fail -eq 0 ]
