#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: selftests/vm/chaos.sh DIR [OPTION OF scripts/vm]...
#
# Runs on the host. Makes a corpus of the documentation of the installed packages and has it
# counted by tools/examples/word-count in machines that live again and again on the same pmem
# file in DIR. In each life processes of both roles are killed (chaos_life.sh) until the
# power is cut; the last life comes to the end. 24 kills and 2 cuts, 1000 and 50 with
# NPMU_STRESS=1.
set -u

here=$(dirname "$(readlink -f "$0")")
dir=$(readlink -f "$1")
kills=24 cuts=2
[ "${NPMU_STRESS:-}" != 1 ] || kills=1000 cuts=50
shift
options=("$@")
mkdir -p "$dir/share"
failed=0

point() # name, why it failed
{
	if [ -z "$2" ]; then
		echo "ok - chaos: $1"
	else
		echo "# $2"
		echo "not ok - chaos: $1"
		failed=$((failed + 1))
	fi
}

# What every process must print in the end, by other means.
corpus()
{
	{
		find /usr/share/doc -type f ! -name '*.gz' -size -256k -print0 | sort -z |
			xargs -0 cat 2>/dev/null | head -c 2M
		find /usr/share/man -type f -name '*.gz' -print0 | sort -z |
			xargs -0 zcat 2>/dev/null | head -c 2M
	} >"$dir/share/corpus"
	LC_ALL=C tr A-Z a-z <"$dir/share/corpus" | LC_ALL=C tr -cs a-z '\n' | grep . |
		LC_ALL=C sort | uniq -c >"$dir/share/want"
	echo "# $(stat -c %s "$dir/share/corpus") bytes, $(wc -l <"$dir/share/want") words"
}

live() # when to cut (options of scripts/vm), kills or nothing
{
	local cut=$1
	shift
	# shellcheck disable=SC2086 # lists
	"$here/machine" "${options[@]}" --pmem "$dir/pm:16M" --share "$dir/share" $cut -- \
		"$here/chaos_life.sh" "$@" >"$dir/life" 2>&1 </dev/null
	rc=$?
	sed 's/^/# /' "$dir/life"
	why=$(grep -m1 '^FAIL' "$dir/life")
}

# How often it says so in the notes of all lives.
counted() { grep -c "^$1" "$dir/share/notes"; }

corpus
: >"$dir/share/notes"
why=
for ((cut = 1; cut <= cuts; cut++)); do
	live "--cut-on commit:$((cut % 2 ? 3000 : 900))"
	[ -z "$why" ] && [ $rc -eq 137 ] || { why=${why:-cut $cut ended with status $rc}; break; }
done
if [ -z "$why" ]; then
	live "" "$kills"
	[ -n "$why" ] || [ $rc -eq 0 ] || why="the last life ended with status $rc"
fi
point counts__nothing_lost_nothing_twice "$why"
primaries=$(counted 'kill primary') standbys=$(counted 'kill standby') fences=$(counted fence)
echo "# $primaries primaries and $standbys standbys killed, $fences fenced, $(counted cut) cuts, $(counted round) tables"
why=
[ "$((primaries + standbys))" -ge $kills ] || why="only $((primaries + standbys)) kills"
[ "$primaries" -gt 0 ] && [ "$standbys" -gt 0 ] || why="of one role none was killed"
[ "$(counted cut)" -eq $cuts ] || why="$(counted cut) cuts were survived, not $cuts"
point chaos__as_much_as_meant "$why"
echo "# totals: pass=$((2 - failed)) fail=$failed skip=0"
[ $failed -eq 0 ]
