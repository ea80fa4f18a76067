#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# npmu-admin against the module, as root in a virtual machine with pmem that may be lost and the module loaded. What is
# on the device and all units are lost. TAP; the last line is a token that only a complete run prints.
#
# Usage: vm_admin.sh NPMU-ADMIN DEVICE
#	scripts/vm --pmem FILE:128M -- sh -c 'modprobe libcrc32c; insmod drivers/npmu/npmu.ko;
#		tools/admin/tests/vm_admin.sh tools/build/npmu-admin /dev/pmem0'

set -u

# shellcheck source=scripts/tap
. "$(dirname "$0")/../../../scripts/tap"
explain() { cat "$DIR/out" "$DIR/err" 2>/dev/null; }

readonly ADMIN=$1 DEVICE=$2
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

# run NAME STATUS WORDS ARGUMENT...: the exit status, and words on stdout (status 0) or stderr. The words may be empty.
run() {
	local name=$1 want=$2 words=$3 status good=0 where
	shift 3
	"$ADMIN" "$@" >"$DIR/out" 2>"$DIR/err"
	status=$?
	where=$([[ $want == 0 ]] && echo out || echo err)
	[[ $status == "$want" ]] || good=1
	[[ -z $words ]] || grep -qF -- "$words" "$DIR/$where" || good=1
	[[ $want == 0 || ! -s $DIR/out ]] || good=1
	result $good "$name"
}

# value KEY ARGUMENT...: a key of the JSON answer.
value() {
	local key=$1
	shift
	"$ADMIN" "$@" --json | python3 -c 'import json, sys
d = json.load(sys.stdin)
d = d[0] if isinstance(d, list) else d
print(d[sys.argv[1]])' "$key"
}

# The writer role is this process's: a child that inherited the file would be refused.
store() { echo hello >&7; }

# is NAME GOT WANT
is() { [[ $2 == "$3" ]]; local r=$?; [[ $r == 0 ]] || echo "# got '$2', not '$3'"; result $r "$1"; }

# Not root: it needs no right, and gets no more than the default buffer.
setpriv --reuid=65534 --clear-groups "$ADMIN" monitor --json >"$DIR/events" 2>"$DIR/listening" &
monitor=$!
for _ in {1..100}; do grep -q listening "$DIR/listening" && break; sleep 0.1; done

run format__used_device_or_not 0 '' unit format "$DEVICE" --name u0 --max-regions 16 --force
run format__refuses_what_is_not_empty 1 '--force' unit format "$DEVICE" --name u0
run attach__pmem 0 'class' unit attach "$DEVICE"
is unit__slots "$(value max_regions unit show u0)" 16
is unit__list_shows_it "$(value name unit list)" u0
run attach__twice 1 'unit list' unit attach "$DEVICE"
run format__attached 1 'in use' unit format "$DEVICE" --name u0 --force
run unit__unknown 3 'unit list' unit show none
run create__region 0 '/dev/npmu/u0/r0' region create u0/r0 --size 16M --owner nobody:nogroup --mode 0660
is create__node_is_there_with_its_rights "$(stat -c '%F %a %U %G' /dev/npmu/u0/r0)" 'character special file 660 nobody nogroup'
run create__exists 1 'take another name' region create u0/r0 --size 16M
run create__too_large 1 'unit show u0' region create u0/r1 --size 16G
run create__in_no_unit 3 'unit list' region create none/r0 --size 1M
run create__read_only 0 '' region create u0/ro --size 4K --read-only
is create__flag "$(value read_only region show u0/ro)" True
is create__size "$(value size region show u0/r0)" 16777216
run region__unknown 3 'region list' region show u0/none
run list__unknown_unit 3 'unit list' region list none
run tpt__unknown_region 3 'region list' tpt list u0/none

run grant__add 0 'host2' grant add u0/r0 host2 --access rw
is grant__as_json "$(value access grant list u0/r0) $(value offset grant list u0/r0) $(value length grant list u0/r0)" 'rw 0 0'
run grant__twice 1 'grant remove' grant add u0/r0 host2 --access r
run grant__range 0 '' grant add u0/r0 host3@site --access r --offset 4K --length 8K
run grant__range_beyond 1 'region show u0/r0' grant add u0/r0 host4 --access r --offset 16M --length 4K
run grant__in_the_way_of_a_cut 1 'remove it first' region resize u0/r0 --size 4K
is grant__counted "$(value grants region show u0/r0)" 2
run grant__create 0 'create' grant add u0 maker --create --quota 1M --max-regions 2
is grant__creators "$(value creators unit show u0) $(value quota grant list u0) $(value max_regions grant list u0)" '1 1048576 2'
run grant__list_as_text 0 'host3@site' grant list
run grant__unknown_region 3 'region list' grant list u0/none
run grant__add_to_none 3 'region list' grant add u0/none host2 --access r
run grant__no_access 2 '--access' grant add u0/r0 host5
run grant__unit_without_create 2 '--create' grant add u0 host5 --quota 1M
run grant__unit_with_access 2 'UNIT/REGION' grant add u0 host5 --access r
run grant__check_tells 0 'principal host2 may read and write all of it' unit check "$DEVICE"
run grant__remove 0 '' grant remove u0/r0 host2
run grant__remove_again 3 'grant list u0' grant remove u0/r0 host2
run grant__remove_range 0 '' grant remove u0/r0 host3@site
run grant__remove_create 0 '' grant remove u0 maker
is grant__none_left "$("$ADMIN" grant list --json | tr -d ' \n')" '[]'

run checkpoint__none 1 'tpt list u0/r0' checkpoint show u0/r0
run checkpoint__unknown_region 3 'region list' checkpoint show u0/none

exec 7<>/dev/npmu/u0/r0
# An empty checkpoint in the append form: one copy of its header is enough.
header=$(python3 "$(dirname "$0")/ckpt_header.py" 2 100 24576 8192 | od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g')
# shellcheck disable=SC2059 # a format without arguments
printf "$header" >&7
is checkpoint__append "$(value form checkpoint show u0/r0) $(value free checkpoint show u0/r0) $(value readers checkpoint show u0/r0)" "append 8192 []"
run checkpoint__as_text 0 '' checkpoint show u0/r0
store
is tpt__writer "$(value writer tpt list u0/r0) $(value pid tpt list u0/r0) $(value command tpt list u0/r0)" "True $$ $(cat /proc/$$/comm)"
python3 - "$ADMIN" <<'P'
import json, os, subprocess, sys
with open("/proc/self/comm", "wb", buffering=0) as comm: # an escape sequence, and no UTF-8
    comm.write(b"\033[31m\xff\x9b")
os.open("/dev/npmu/u0/ro", os.O_RDONLY)
list_ro = [sys.argv[1], "tpt", "list", "u0/ro"]
text = subprocess.run(list_ro, stdout=subprocess.PIPE, check=True).stdout
assert b"\033" not in text and b"\xff" not in text and b"?[31m??" in text, text
entry, = json.loads(subprocess.run(list_ro + ["--json"], stdout=subprocess.PIPE, check=True).stdout)
assert entry["command"] == "?[31m??" and entry["pid"] == os.getpid() and not entry["writer"], entry
P
result $? tpt__hostile_command_name
epoch=$(value fence_epoch region show u0/r0)
run delete__in_use 1 'tpt list u0/r0' region delete u0/r0
run shrink__in_use 1 '--force' region resize u0/r0 --size 4M
run detach__in_use 1 'tpt list u0' unit detach u0
run set__read_only_with_a_writer 1 '--force' region set u0/r0 --read-only=on
run grow__in_use 0 '' region resize u0/r0 --size 32M
is grow__size "$(value size region show u0/r0)" 33554432
run fence__wrong_epoch 1 'region show u0/r0' region fence u0/r0 --expected-epoch 77
store; result $? fence__wrong_epoch_harms_nobody
run fence__right_epoch 0 '' region fence u0/r0 --expected-epoch "$epoch"
! store 2>/dev/null; result $? fence__writer_is_out
is fence__raises_the_epoch "$(value fence_epoch region show u0/r0)" $((epoch + 1))
exec 7>&-

run rename__region 0 '/dev/npmu/u0/state' region rename u0/r0 state
[[ -c /dev/npmu/u0/state && ! -e /dev/npmu/u0/r0 ]]; result $? rename__node
run rename__taken 1 'another name' region rename u0/state ro
run set__all_at_once 0 '' region set u0/state --owner 0:0 --mode 640 --read-only=on
is set__node "$(stat -c '%a %u %g' /dev/npmu/u0/state)" '640 0 0'
is set__flag "$(value read_only region show u0/state)" True
run set__back 0 '' region set u0/state --read-only=off
is set__keeps_the_rest "$(value read_only region show u0/state) $(value mode region show u0/state)" "False 416"

setpriv --reuid=65534 --clear-groups "$ADMIN" region delete u0/state >/dev/null 2>"$DIR/err"
[[ $? == 1 ]] && grep -q 'run it as root' "$DIR/err"; result $? delete__without_capability
unshare -n "$ADMIN" doctor >"$DIR/out"
[[ $? == 1 ]] && grep -q '^fail  netlink: .*Mend: nsenter' "$DIR/out"; result $? doctor__other_network_namespace
run doctor__all_well 0 'unit u0' doctor
chmod 0666 /dev/npmu/u0/state
run doctor__node_differs 0 'warn  node u0/state' doctor
rm /dev/npmu/u0/state
"$ADMIN" doctor >"$DIR/out"
[[ $? == 1 ]] && grep -q '^fail  node u0/state: .*Mend: npmu-admin region set u0/state --mode 0640' "$DIR/out"
result $? doctor__node_missing
run doctor__mends_the_node 0 '' region set u0/state --mode 0640
run doctor__node_mended 0 'ok    nodes' doctor
# The socket of events must not take the place of a closed standard output, or output would go to the kernel.
"$ADMIN" monitor --count 1 >&- 2>"$DIR/err" &
for _ in {1..100}; do grep -q listening "$DIR/err" && break; sleep 0.1; done
"$ADMIN" region set u0/state --mode 0640 >/dev/null
wait $!; [[ $? == 1 ]]; result $? stdout__closed_with_a_socket_open

exec 7<>/dev/npmu/u0/state
store
run delete__force 0 '' region delete u0/state --force
exec 7>&-
[[ ! -e /dev/npmu/u0/state ]]; result $? delete__node_gone
run detach__unit 0 '' unit detach u0
run detach__again 3 'unit list' unit detach u0
run check__whole 0 'u0' unit check "$DEVICE"
dd if=/dev/urandom of="$DEVICE" bs=4k count=1 seek=8 conv=fsync,notrunc status=none
"$ADMIN" unit check "$DEVICE" >"$DIR/out" 2>"$DIR/err"
[[ $? == 1 ]] && grep -q 'superblock copy 1 at 0x8000' "$DIR/out"; result $? check__damaged_copy
run attach__other_name 0 'mine' unit attach "$DEVICE" --name mine
is attach__repaired "$(value repaired unit show mine)" 1
run doctor__says_repaired 0 'warn  unit mine' doctor
run detach__other_name 0 '' unit detach mine
run check__mended 0 '' unit check "$DEVICE"
blockdev --setro "$DEVICE"
run attach__read_only 1 "blockdev --setrw $DEVICE" unit attach "$DEVICE"
blockdev --setrw "$DEVICE"

# doctor NAME STATUS PATTERN...: its exit status, and a line for each pattern.
doctor() {
	local name=$1 want=$2 status good=0 pattern
	shift 2
	"$ADMIN" doctor >"$DIR/out" 2>"$DIR/err"
	status=$?
	[[ $status == "$want" ]] || good=1
	for pattern; do grep -qE -- "$pattern" "$DIR/out" || { good=1; echo "# no line: $pattern"; }; done
	result $good "$name"
}

# Both copies of a record are lost: nobody knows any more which bytes are the region's.
run lost__attach 0 '' unit attach "$DEVICE" --name mine
run lost__region_to_lose 0 '' region create mine/lost --size 4K
slot=$(value slot region show mine/lost)
run lost__detach 0 '' unit detach mine
for copy in 0 1; do
	dd if=/dev/urandom of="$DEVICE" bs=4k count=1 seek=$((16 + 16 * copy + slot)) conv=fsync,notrunc status=none
done
"$ADMIN" unit check "$DEVICE" >"$DIR/out" 2>"$DIR/err"
[[ $? == 1 ]] && grep -q "unit attach $DEVICE.*region list" "$DIR/err"; result $? lost__check
run lost__attach_again 0 '' unit attach "$DEVICE" --name mine
doctor doctor__unsound_unit 1 \
	"^fail  unit mine: 1 regions are damaged or quarantined.*Mend: .*region list mine.*region delete" \
	"^fail  region mine/.lost-slot-$slot: damaged.*Mend: .*$(basename "$ADMIN") region delete mine/.lost-slot-$slot"
run create__in_an_unsound_unit 1 'region list mine' region create mine/more --size 4K
run lost__delete 0 '' region delete "mine/.lost-slot-$slot"
doctor doctor__sound_again 0 '^(ok  |warn)  unit mine: '
run create__in_a_sound_unit 0 '' region create mine/more --size 4K

# The device goes away under the unit.
namespace=$(basename "$(readlink -f "/sys/block/$(basename "$DEVICE")/device")")
echo "$namespace" >/sys/bus/nd/drivers/nd_pmem/unbind
doctor doctor__unit_gone 1 \
	"^fail  unit mine: its device $DEVICE went away. Mend: npmu-admin unit detach mine, .*unit attach $DEVICE"
run gone__create 1 'unit detach mine' region create mine/none --size 4K
run gone__delete 1 'unit detach mine' region delete mine/more
run gone__detach 0 '' unit detach mine
run gone__attach 3 'doctor' unit attach "$DEVICE"
echo "$namespace" >/sys/bus/nd/drivers/nd_pmem/bind
for _ in {1..100}; do [[ -b $DEVICE ]] && break; sleep 0.1; done
run gone__attach_again 0 '' unit attach "$DEVICE" --name mine
doctor doctor__unit_is_back 0 '^(ok  |warn)  unit mine: '
run gone__nothing_is_lost 0 '' region show mine/more
run gone__end 0 '' unit detach mine

dd if=/dev/zero of="$DEVICE" bs=64k count=1 conv=fsync,notrunc status=none
run attach__nothing_there 1 'unit check' unit attach "$DEVICE"
run attach__no_block_device 1 'doctor' unit attach /dev/null
run attach__dram 0 'volatile' unit attach --dram 64M --name d0
run attach__name_taken 1 '--name' unit attach --dram 64M --name d0
run detach__dram 0 '' unit detach d0

# Stopped, it loses events, says so in the stream, and goes on.
run lost__unit 0 '' unit attach --dram 64M --name d0
kill -STOP $monitor
run lost__region 0 '' region create d0/r --size 4K
python3 -c '
import os
for i in range(500): # each claims and, closed, gives the role up: two events
    fd = os.open("/dev/npmu/d0/r", os.O_RDWR); os.write(fd, b"x"); os.close(fd)'
kill -CONT $monitor
run lost__end 0 '' unit detach d0
sleep 1
kill $monitor
python3 - "$DIR/events" <<'P'
import json, sys
seen = [json.loads(line) for line in open(sys.argv[1])]
names = [e["event"] for e in seen]
want = ["unit-attached", "region-created", "region-created", *["grant-added"] * 3, *["grant-removed"] * 3,
        "writer-claimed", "region-resized", "writer-fenced", "region-renamed", "region-set"]
assert names[:len(want)] == want, names
assert seen[3]["region"] == "r0" and seen[3]["principal"] == "host2", seen[3]
assert seen[5]["principal"] == "maker" and "region" not in seen[5], seen[5]
assert seen[12]["region"] == "r0" and seen[12]["new_name"] == "state", seen[12]
assert "region-deleted" in names and names[-1] == "unit-detached", names[-1]
assert "lost" in names, len(names)
P
result $? monitor__each_event_in_order

tap_end && echo NPMU_ADMIN_VM_COMPLETE
