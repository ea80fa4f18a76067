#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# npmu-admin checkpoint export, import, follow and takeover beside a writer that lives: the
# word count of tools/examples. A unit of DRAM will do.
set -u

top=$(dirname "$(readlink -f "$0")")/../..
# shellcheck source=scripts/tap
. "$top/scripts/tap"
explain() { tail -n 3 err told 2>/dev/null; }
program=$top/tools/build/npmu-admin
words=$top/tools/examples/build/npmu-word-count
dir=$(mktemp -d)
cd "$dir" || exit 1

admin() { "$program" checkpoint "$@" >out 2>err; }
epoch() { "$program" region show stream/words --json | sed -n 's/.*"fence_epoch": *\([0-9]*\).*/\1/p'; }

# told WORDS: the writer says so, at some time
told()
{
	local i
	for ((i = 0; i < 300; i++)); do
		grep -q "$1" told 2>/dev/null && return
		sleep 0.1
	done
	return 1
}

"$program" unit attach --dram 32M --name stream >/dev/null &&
	"$program" region create stream/words --size 4M >/dev/null &&
	"$program" region create stream/other --size 1M >/dev/null || exit 1
yes 'some words again and again' | head -c 4M >corpus

head -c 200000 /dev/urandom >in
admin import stream/other --tag 3 <in && admin export stream/other && cmp -s in out; result $? import__comes_out_again
"$program" checkpoint show stream/other --json | grep -q '"base_tag": *3'; result $? import__is_shown
admin export stream/none; [ $? -eq 3 ]; result $? export__no_such_region

"$words" --slow 200000 --verbose stream/words corpus >table 2>told &
pid=$!
told commit; result $? writer__works
timeout 60 "$program" checkpoint follow stream/words --framed --count 8 >out 2>err
[ $? -eq 0 ] && [ "$(grep -aoE '(base|update) sequence=[0-9]+ fence_epoch=[0-9]+ tag=[0-9]+ length=[0-9]+$' out | wc -l)" -eq 8 ]
result $? follow__beside_a_writer
admin import stream/words <in; [ $? -eq 1 ] && grep -q 'has a writer' err && grep -q -- --takeover err; result $? import__with_a_writer
admin takeover stream/words --expected-epoch $(($(epoch) + 1)); [ $? -eq 1 ] && grep -q 'fence epoch is' err
result $? takeover__of_another_epoch
kill -0 $pid; result $? writer__not_disturbed
head -c 4M /dev/zero >large
before=$(epoch)
admin import stream/words --takeover "$before" <large; [ $? -eq 1 ] && grep -q 'bytes at most' err && [ "$(epoch)" = "$before" ]
result $? import__that_does_not_fit_fences_nobody
admin takeover stream/words --expected-epoch "$before" --json && grep -q "\"fence_epoch\": *$((before + 1))" out
result $? takeover__says_the_new_epoch
told fenced; result $? writer__learns_of_it
kill -KILL $pid
wait $pid 2>/dev/null
admin import stream/words --takeover "$(epoch)" --tag 9 <in && admin export stream/words && cmp -s in out
result $? import__takes_over

# The region goes while it is followed
"$program" checkpoint follow stream/other >followed 2>err &
pid=$!
for ((i = 0; i < 300; i++)); do [ "$(stat -c %s followed)" -lt 200000 ] || break; sleep 0.1; done
"$program" region delete stream/other --force >/dev/null
wait $pid; [ $? -eq 1 ] && grep -q 'checkpoint follow stream/other' err; result $? follow__region_deleted

cd / && rm -rf "$dir"
"$program" unit detach stream >/dev/null
tap_end
