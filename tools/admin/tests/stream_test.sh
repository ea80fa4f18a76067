#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# checkpoint export, import, follow and takeover on plain files, so without a module and without root: what goes in comes
# out, what cannot be is refused and changes nothing, and a stream says what it holds. TAP.
#
# Usage: stream_test.sh NPMU-ADMIN

set -u

# shellcheck source=scripts/tap
. "$(dirname "$0")/../../../scripts/tap"
explain() { cat err; }

program=$(readlink -f "$1")
WRITER=$(dirname "$program")/tests/append_writer
HEADER=$(readlink -f "$(dirname "$0")")/ckpt_header.py
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
cd "$DIR" || exit 1

admin() { "$program" checkpoint "$@" >out 2>err; }

# fails NAME STATUS WORDS ARGUMENT...: nothing on stdout, the words on stderr
fails() {
	local name=$1 status=$2 words=$3 got
	shift 3
	admin "$@" <in
	got=$?
	[[ $got == "$status" && ! -s out ]] && grep -qF -- "$words" err
	result $? "$name"
}

# new: a region of zeros
new() { rm -f region && truncate -s 1M region; }

head -c 300000 /dev/urandom >in
new
admin import --file region --tag 5 --json <in &&
	python3 -c '
import json
d = json.load(open("out"))
assert d["sequence"] == 1 and d["length"] == 300000 and d["tag"] == 5 and d["form"] == "append", d
assert d["fence_epoch"] >= 1 and d["region"] == "region", d'
result $? import__answers_in_json
admin export --file region && cmp -s in out; result $? export__what_was_imported
: >empty
admin import --file region <empty && admin export --file region && [[ ! -s out ]]; result $? import__of_nothing
admin import --file region <in && grep -q 'sequence *3' out && admin export --file region && cmp -s in out
result $? import__again_replaces

# How far it is, where somebody looks at it: on a terminal, and after a while. The pieces come, or are taken, until it
# was said.
new
cat >progress.py <<'P'
import os, pty, select, subprocess, sys, time
program, verb = sys.argv[1:]
terminal, other_end = pty.openpty()
p = subprocess.Popen([program, "checkpoint", verb, "--file", "region"], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE if verb == "export" else subprocess.DEVNULL, stderr=other_end)
os.close(other_end)
said = b""
deadline = time.time() + 60
while b"region: " not in said and time.time() < deadline:
    if p.poll() is not None:
        break
    if verb == "export":
        os.read(p.stdout.fileno(), 100000)
    else:
        p.stdin.write(b"x" * 100)
        p.stdin.flush()
    if select.select([terminal], [], [], 0.1)[0]:
        said += os.read(terminal, 4096)
p.stdin.close()
if verb == "export":
    p.stdout.read()
status = p.wait()
try:
    while True:
        more = os.read(terminal, 4096)
        if not more:
            break
        said += more
except OSError:
    pass
assert status == 0 and said.startswith(b"\r\x1b[Kregion: ") or said.startswith(b"\rregion: "), (status, said)
# The line is gone in the end.
assert status == 0 and said.endswith(b"\r\x1b[K"), (status, said)
P
python3 progress.py "$program" import 2>err; result $? import__says_on_a_terminal_how_far_it_is
rm -f region && truncate -s 32M region
head -c 9000000 /dev/urandom >in && admin import --file region <in
python3 progress.py "$program" export 2>err; result $? export__says_on_a_terminal_how_far_it_is
new
{ printf one; sleep 2.5; printf two; } | admin import --file region && [[ ! -s err ]]; result $? import__says_nothing_where_there_is_no_terminal

# Larger than a third of a new region
new
head -c 450000 /dev/urandom >large
admin import --file region <large && admin export --file region && cmp -s large out; result $? import__makes_room_in_a_new_region
new
cp region before
head -c 2000000 /dev/zero >in
fails import__longer_than_the_region 1 'larger one' import --file region
cmp -s before region; result $? import__refused_changes_nothing

# One that is there holds less than what comes
new
printf 'one' >in && admin import --file region <in
cp region before
head -c 500000 /dev/zero >in
fails import__longer_than_the_checkpoint 1 'bytes at most' import --file region --takeover 1
cmp -s before region; result $? import__that_does_not_fit_fences_nobody
python3 -c '
import os
fd = os.open("region", os.O_RDWR)
for at in 40, 4096 + 40:
    os.pwrite(fd, b"\xff", at)'
cp region before
printf 'two' >in
fails import__over_a_damaged_one 1 'damaged' import --file region --takeover 1
fails takeover__of_a_damaged_one 1 'damaged' takeover --file region --expected-epoch 1
cmp -s before region; result $? damaged__fences_nobody

# The overwrite form: a state, that each import replaces
new
python3 "$HEADER" 1 8000 >header
for copy in 0 1; do dd if=header of=region bs=4096 seek=$copy conv=notrunc status=none; done
fails export__overwrite_without_a_state 1 'nothing has been committed' export --file region
head -c 8000 /dev/urandom >in
admin import --file region --tag 3 --json <in && python3 -c '
import json
d = json.load(open("out"))
assert d["form"] == "overwrite" and d["sequence"] == 1 and d["length"] == 8000 and d["tag"] == 3, d'
result $? import__overwrite_says_its_form
admin export --file region && cmp -s in out; result $? export__overwrite_what_was_imported
printf 'two' >in
admin import --file region <in && admin export --file region && [[ $(<out) == two ]]; result $? import__overwrite_replaces_the_state
cp region before
head -c 8001 /dev/urandom >in
fails import__overwrite_longer_than_its_slots 1 '8000 bytes at most' import --file region
cmp -s before region; result $? import__overwrite_refused_changes_nothing
fails follow__overwrite 1 'checkpoint' follow --file region
admin takeover --file region --expected-epoch 0 --json && grep -q '"form": *"overwrite"' out; result $? takeover__overwrite

new
fails export__of_zeros 1 'checkpoint show' export --file region
fails export__no_such_file 3 'No such file' export --file none
head -c 100000 /dev/urandom >region
fails export__of_something_else 1 'checkpoint' export --file region
fails import__over_something_else 1 'checkpoint' import --file region
fails takeover__of_something_else 1 'checkpoint' takeover --file region --expected-epoch 0
fails export__json 2 'standard output is the data' export --file region --json
fails export__no_region 2 'give UNIT/REGION' export
fails export__region_and_file 2 'give UNIT/REGION' export u0/r0 --file region
fails takeover__no_epoch 2 'needs --expected-epoch' takeover --file region
fails import__bad_tag 2 'is not a number' import --file region --tag x
fails follow__count_of_zero 2 'is not a number' follow --file region --count 0

# Updates after a base
new
printf 'one' >in && admin import --file region <in
"$WRITER" region >wrote <<<'update two'
admin export --file region && [[ $(<out) == one ]] && grep -q 'updates follow' err; result $? export__says_that_updates_follow
admin follow --file region --count 2 && [[ $(<out) == onetwo ]]; result $? follow__bytes_alone
admin follow --file region --count 2 --framed && python3 -c '
import re
data = open("out", "rb").read()
items = []
while data:
    line, data = data.split(b"\n", 1)
    kind, rest = line.decode().split(" ", 1)
    d = dict(p.split("=") for p in rest.split(" "))
    assert list(d) == ["sequence", "fence_epoch", "tag", "length"], d
    n = int(d["length"])
    items.append((kind, int(d["sequence"]), int(d["tag"]), data[:n]))
    data = data[n:]
assert items == [("base", 1, 0, b"one"), ("update", 2, 7, b"two")], items'
result $? follow__framed

# Beside a writer that runs, from before there is anything
new
mkfifo lines
"$WRITER" region <lines >wrote & writer=$!
exec 5>lines
"$program" checkpoint follow --file region --count 3 >followed 2>err & follower=$!
for text in 'update a' 'update b' 'update c'; do echo "$text" >&5; done
wait $follower && [[ $(<followed) == abc ]]; result $? follow__as_they_come
exec 5>&-
wait $writer; result $? follow__disturbs_no_writer

# Overrun: it stands still while more than a ring is written
# overrun ARGUMENT...: what it says from then on is in the file descriptor 6
overrun() {
	new
	rm -f slow && mkfifo slow
	"$WRITER" region >wrote <<<'base x'
	"$program" checkpoint follow --file region "$@" >slow 2>err & follower=$!
	exec 6<slow
	read -r -t 20 -n 1 <&6
	kill -STOP $follower
	for i in {1..300}; do if ((i % 20)); then echo "update $i"; else echo "base b$i"; fi; done | "$WRITER" region >wrote
	kill -CONT $follower
}
overrun --framed
timeout 20 grep -aqm1 'base sequence=.* length=4$' <&6; result $? follow__overrun_goes_on_with_the_base
kill $follower
wait $follower 2>/dev/null
overrun
wait $follower; [[ $? == 1 ]] && grep -q 'overwritten before' err && grep -q -- --framed err; result $? follow__overrun_of_bytes_alone_fails
exec 6<&-

new
"$WRITER" region >wrote <<<'base x'
admin takeover --file region --expected-epoch 0 --json && python3 -c '
import json
d = json.load(open("out"))
assert d["form"] == "append" and d["fence_epoch"] >= 1 and d["sequence"] == 1, d'
result $? takeover__says_the_new_epoch
fails takeover__of_another_epoch 1 'the fence epoch is' takeover --file region --expected-epoch 9
new && admin takeover --file region --expected-epoch 0 && grep -q none out && [[ -z $(tr -d '\0' <region) ]]
result $? takeover__makes_no_checkpoint
admin export --file region >/dev/null; "$WRITER" region >wrote <<<'base x'
"$program" checkpoint export --file region >/dev/full 2>err; [[ $? == 1 ]] && grep -q 'cannot write' err; result $? export__output_full

tap_end
