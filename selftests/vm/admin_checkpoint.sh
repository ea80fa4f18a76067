#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What npmu-admin tells of the checkpoint in a region, asked of the module and of the
# media alone, on the machine's first pmem device. A program wrote it and is gone.
set -u

top=$(dirname "$(readlink -f "$0")")/../..
# shellcheck source=scripts/tap
. "$top/scripts/tap"
explain() { tail -n 5 err; }
program=$top/tools/build/npmu-admin
words=$top/tools/examples/build/npmu-word-count
device=/dev/pmem0
dir=$(mktemp -d)
cd "$dir" || exit 1

"$program" unit format "$device" --name check --force >/dev/null &&
	"$program" unit attach "$device" >/dev/null &&
	"$program" region create check/words --size 2M >/dev/null &&
	"$program" region create check/empty --size 1M >/dev/null || exit 1
yes 'some words again and again' | head -c 4M >corpus
# The ring is so small that a base must make room soon.
"$words" --ring 4096 --slow 2000 --verbose check/words corpus >out 2>err &
pid=$!
for ((i = 0; i < 600 && $(grep -c '' err) < 60; i++)); do sleep 0.1; done
kill -KILL $pid; wait $pid 2>/dev/null
[ "$(grep -c '' err)" -ge 60 ]; result $? words__are_counted

cat >told.py <<'P'
import fcntl, json, os, struct, subprocess, sys
admin, device = sys.argv[1:]
def ask(*words):
    return json.loads(subprocess.run([admin, *words, "--json"], stdout=subprocess.PIPE).stdout)
def of_media():
    return {c["region"]: c for c in ask("unit", "check", device)["checkpoints"]}
told = ask("region", "show", "check/words")["checkpoint"]
assert told["state"] == "valid" and told["form"] == "append" and told["updates"] > 0, told
assert told["base_end"] == told["base_offset"] + told["base_length"], told
assert told["update_end"] == told["update_offset"] + told["update_length"], told
assert told["free"] == told["ring_size"] - (told["end"] - told["base_position"]), told
fd = os.open("/dev/npmu/check/words", os.O_RDONLY)
attach = struct.pack("<IIQQ16sII", 48, 1, told["instance"], told["end"] - 64, b"standby", 0, 0)
fcntl.ioctl(fd, 0xbe << 8 | 8, attach)
reader, = ask("region", "show", "check/words")["checkpoint"]["readers"]
assert reader["name"] == "standby" and reader["lag"] == 64 and reader["pid"] == os.getpid(), reader
os.close(fd)
region = ask("region", "show", "check/words")
told = region["checkpoint"]
assert told == ask("checkpoint", "show", "check/words"), told
media = of_media()["words"]
assert media.pop("slot") == region["slot"] and media.pop("fence_epoch") == region["fence_epoch"]
assert region["fence_epoch"] == told["update_fence_epoch"], region
assert media == told and media["readers"][0]["lag"] == 64, (media, told)
for words in ("unit", "check", device), ("region", "show", "check/words"):
    text = subprocess.run([admin, *words], stdout=subprocess.PIPE).stdout
    assert b"standby" in text and b"base: end" in text and text.count(b"latest update: end") == 1, text
# A damaged one is told of by both, and the unit is none the worse.
fd = os.open("/dev/npmu/check/words", os.O_RDWR)
for at in 40, 4096 + 40:
    os.pwrite(fd, b"\xff", at)
os.fsync(fd)
os.close(fd)
assert ask("region", "show", "check/words")["checkpoint"]["state"] == "damaged"
assert of_media()["words"]["state"] == "damaged" and ask("unit", "check", device)["errors"] == 0
assert ask("region", "show", "check/empty")["checkpoint"]["state"] == "none" and "empty" not in of_media()
P
python3 told.py "$program" "$device" >out 2>err; result $? media__tell_the_same
setpriv --reuid=65534 --clear-groups "$program" region show check/words --json >out 2>err
grep -q '"state": *"hidden"' out; result $? region__shown_to_others_without_its_checkpoint

cd / && rm -rf "$dir"
"$program" unit detach check >/dev/null
tap_end
