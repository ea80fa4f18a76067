#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The KUnit suites of the module (drivers/npmu/tests). They ran when run-guest loaded
# it, in a machine with kunit.enable=1; their results stand in debugfs. Each file of
# suites must have one there, of which each case came to its end. Where NPMU_TESTS asks
# for some ("suite.case", a pattern), only those.
set -u

cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
results=/sys/kernel/debug/kunit
count=0 failed=0

point() # "ok" or "not ok", name
{
	count=$((count + 1))
	echo "$1 $count - $2"
	[ "$1" = ok ] || failed=1
}

# What KUnit says of one suite, as test points named suite.case.
report() # suite
{
	local suite=$1 line points=0 plan=0 ended=no said=()
	while IFS= read -r line; do
		if [[ $line =~ ^\ {4}(not\ ok|ok)\ [0-9]+\ ([^ ]+.*)$ ]]; then
			points=$((points + 1))
			[ "${BASH_REMATCH[1]}" = ok ] || printf '# %s\n' "${said[@]}" | head -40
			point "${BASH_REMATCH[1]}" "$suite.${BASH_REMATCH[2]}"
			said=()
		elif [[ $line =~ ^\ {4}1\.\.([0-9]+)$ ]]; then
			plan=${BASH_REMATCH[1]}
		elif [[ $line =~ ^(not\ ok|ok)\ [0-9]+\ $suite$ ]]; then
			ended=${BASH_REMATCH[1]}
		else
			said+=("${line#"${line%%[! ]*}"}")
		fi
	done < <(cat "$results/$suite/results")
	[ $points -gt 0 ] || point "not ok" "$suite: has no case"
	[ "$plan" = $points ] || point "not ok" "$suite: $points of $plan cases came to their end"
	[ "$ended" = ok ] || [ "$ended $failed" = "not ok 1" ] || point "not ok" "$suite: ended with $ended"
}

mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
if [ ! -d $results ]; then
	echo "ok 1 - suites # SKIP the kernel has no KUnit"
	echo 1..1
	exit 4
fi
for file in drivers/npmu/tests/*_test.c; do
	suite=$(sed -n 's/^\t\.name = "\(.*\)",$/\1/p' "$file")
	# shellcheck disable=SC2053 # a pattern
	[ -z "${NPMU_TESTS:-}" ] || [[ $suite == ${NPMU_TESTS%%.*} ]] || continue
	if [ -n "$suite" ] && [ -e "$results/$suite/results" ]; then
		report "$suite"
	else
		point "not ok" "$(basename "$file"): suite '$suite' did not run"
	fi
done
echo "1..$count"
[ $failed -eq 0 ] && [ $count -gt 0 ]
