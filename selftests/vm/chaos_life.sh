#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage: chaos_life.sh [KILLS]
#
# One life of a machine, for chaos.sh: three processes of the example count the words of
# /mnt/share/corpus, one as the primary. Again and again one of them is killed, or the
# primary is fenced; another one is started in its place. When they come to the end, every
# one of them must print /mnt/share/want, and they begin with a new region. With KILLS it
# ends after the round in which all lives together had so many, else never.
#
# That the final table is right does not say that nothing was lost: what is lost at the end
# is counted again. So each "commit" that a process told of must be part of what the next
# primary begins with. The collector looks after that, across lives, too.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$here/../..
admin=$top/tools/build/npmu-admin
words=$top/tools/examples/build/npmu-word-count
share=/mnt/share
kills=${1:-}
tmp=$(mktemp -d /run/chaos.XXXXXX)
processes=3
pids=() status=() primary=

broken() { echo "FAIL: $*"; tail -n 20 "$tmp/log" 2>/dev/null; exit 1; }
note() { echo "$*" >>$share/notes; }

# nap MILLISECONDS, without a fork
mkfifo "$tmp/never"
exec 8<>"$tmp/never"
nap() { read -r -t "$(printf '0.%03d' "$1")" <&8 || true; }

# What the processes tell, in the order in which they told it. No awk: some wait for a full buffer.
collect()
{
	local line max told='' offset what
	max=$(tail -n 1 $share/reached)
	while read -r line; do
		echo "$line" >>"$tmp/log"
		[[ $line =~ ^pid=[0-9]+\ ([a-z]+)\ offset=([0-9]+)$ ]] || { echo "FAIL: $line"; continue; }
		what=${BASH_REMATCH[1]} offset=${BASH_REMATCH[2]}
		if [ "$what" = commit ] && ((offset > max)); then
			max=$offset
			echo "$max" >>$share/reached
			[ -n "$told" ] || echo "the first commit of a round"
			told=yes
		elif [[ $what == @(primary|takeover) ]] && ((offset < max)); then
			echo "FAIL: $line, but $max was committed"
		fi
	done <"$tmp/told"
}

# start I: in place I
start()
{
	"$words" --ring 262144 --slow 8000 --verbose chaos/words "$tmp/corpus" >"$tmp/table.$1" 2>&9 8>&- &
	pids[$1]=$! status[$1]=
}

# Sets primary: the one that said so last.
find_primary()
{
	local pid what
	while read -r pid what _; do
		case $what in
		primary | takeover) primary=${pid#pid=} ;;
		esac
	done <"$tmp/log"
}

hit()
{
	local i=$((SRANDOM % processes)) role=standby

	find_primary
	# As often the primary as any other.
	if ((SRANDOM % 2)); then
		for i in "${!pids[@]}"; do [ "${pids[i]}" != "$primary" ] || break; done
	fi
	[ "${pids[i]}" != "$primary" ] || role=primary
	if [ $role = primary ] && ((SRANDOM % 6 == 0)); then
		# It lives, learns of it, and comes back as a standby.
		"$admin" region fence chaos/words >/dev/null && note fence
		return
	fi
	# Who ended by itself was not killed.
	kill -KILL "${pids[i]}" 2>/dev/null || return
	wait "${pids[i]}" 2>/dev/null
	status[i]=$?
	[ "${status[i]}" -eq 137 ] || { ended=$i; return; }
	note "kill $role"
	start "$i"
}

# Sets ended: the place of one that came to its end, or nothing.
find_ended()
{
	local i
	for i in "${!pids[@]}"; do
		kill -0 "${pids[i]}" 2>/dev/null || { ended=$i; return; }
	done
}

# All have come to the end, or will.
finish()
{
	local i rc
	for i in "${!pids[@]}"; do
		rc=${status[i]}
		[ -n "$rc" ] || { wait "${pids[i]}"; rc=$?; }
		[ "$rc" -eq 0 ] || broken "a process ended with status $rc"
		cmp -s "$tmp/table.$i" $share/want && continue
		diff "$tmp/table.$i" $share/want | head -5
		broken "the table of one is not that of sort and uniq"
	done
}

round()
{
	local collector i
	ended=
	: >"$tmp/log"
	"$admin" region show chaos/words >/dev/null 2>&1 || {
		echo 0 >>$share/reached
		"$admin" region create chaos/words --size 8M >/dev/null || broken "no region"
	}
	mkfifo "$tmp/told"
	collect >&3 &
	collector=$!
	exec 9>"$tmp/told"
	for ((i = 0; i < processes; i++)); do start $i; done
	until [ -n "$ended" ]; do
		nap $((SRANDOM % 250))
		if [ -z "$kills" ] || ((left-- > 0)); then hit; fi
		find_ended
	done
	finish
	exec 9>&-
	wait "$collector"
	rm "$tmp/told"
	"$admin" region delete chaos/words >/dev/null || broken "the region cannot be deleted"
	note round
}

exec 3>&1
trap '[ -z "${pids[*]-}" ] || kill -KILL "${pids[@]}" 2>/dev/null' EXIT
cp $share/corpus "$tmp/corpus" || exit 1
modprobe -a libnvdimm libcrc32c
insmod "$NPMU_KO" || exit 1
if [ -e $share/reached ]; then
	"$admin" unit attach /dev/pmem0 >/dev/null || broken "the unit cannot be attached"
	note cut
else
	"$admin" unit format /dev/pmem0 --name chaos >/dev/null &&
		"$admin" unit attach /dev/pmem0 >/dev/null || broken "no unit"
	echo 0 >$share/reached
fi
while :; do
	left=$((${kills:-0} - $(grep -c ^kill $share/notes)))
	round
	[ -z "$kills" ] || [ "$(grep -c ^kill $share/notes)" -lt "$kills" ] || break
done
pids=()
"$admin" unit detach chaos >/dev/null && rmmod npmu || broken "something is left"
