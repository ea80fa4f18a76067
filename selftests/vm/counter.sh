#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program of Documentation/process-pair.rst: a standby that starts late, after the ring
# was full and a base was written, goes on with the whole sum. A unit of DRAM will do.
set -u

top=$(dirname "$(readlink -f "$0")")/../..
admin=$top/tools/build/npmu-admin
counter=$top/tools/examples/build/npmu-counter
dir=$(mktemp -d)
cd "$dir" || exit 1
"$admin" unit attach --dram 16M --name counter >/dev/null &&
	"$admin" region create counter/sum --size 64K >/dev/null || exit 1
mkfifo first second
exec 4<>first 5<>second

# says FILE LINE: at some time it is the last line
says()
{
	local i
	for ((i = 0; i < 120; i++)); do
		[ "$(tail -n 1 "$1" 2>/dev/null)" = "$2" ] && return
		sleep 0.1
	done
	return 1
}

"$counter" counter/sum <first >one 2>err 4<&- 5<&- &
primary=$!
for ((i = 0; i < 1000; i++)); do echo 3; done >&4
says one '1000 3000' || echo '# the primary does not come to its end'
"$counter" counter/sum <second >two 2>err 4<&- 5<&- &
standby=$!
# Not before it follows: what it reads after the death it finds in any case.
for ((i = 0; i < 120; i++)); do
	[ "$("$admin" tpt list counter/sum --json | grep -o '"pid"' | wc -l)" -lt 2 ] || break
	sleep 0.1
done
kill -KILL $primary
wait $primary 2>/dev/null
echo 4 >&5
result='not ok'
says two '1001 3004' && result=ok
[ "$result" = ok ] || tail -n 2 two err | sed 's/^/# /'
kill -KILL $standby
wait $standby 2>/dev/null
cd / && rm -rf "$dir"
"$admin" unit detach counter >/dev/null
echo "$result 1 - standby__after_a_base_has_the_whole_sum"
echo 1..1
[ "$result" = ok ]
