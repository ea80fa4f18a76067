#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line without a module: what is refused as wrong usage, with which status and words; where output goes; and
# that the manual names every command and option. Nothing here changes anything, with or without a module. TAP.
#
# Usage: cli_test.sh NPMU-ADMIN

set -u

# shellcheck source=scripts/tap
. "$(dirname "$0")/../../../scripts/tap"

readonly ADMIN=$1
MAN=$(dirname "$0")/../../../Documentation/man/npmu-admin.8
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

# refused NAME WORDS ARGUMENT...: status 2, nothing on stdout, and the words and where the help is on stderr.
refused() {
	local name=$1 words=$2 status good=0
	shift 2
	"$ADMIN" "$@" >"$DIR/out" 2>"$DIR/err"
	status=$?
	[[ $status == 2 && ! -s $DIR/out ]] || good=1
	grep -qF -- "$words" "$DIR/err" && grep -qF -- '--help' "$DIR/err" || good=1
	[[ $good == 0 ]] || { echo "# status $status"; cat "$DIR/out" "$DIR/err"; }
	result $good "$name"
}

refused command__none 'no command'
refused noun__unknown "'units' is no noun" units list
refused noun__shortened "'reg' is no noun" reg list
refused verb__none "'region' needs a verb" region
refused verb__unknown "no verb 'destroy'" region destroy u0/r0
refused verb__shortened "no verb 'cre'" region cre u0/r0
refused option__short "unknown option '-j'" unit list -j
refused option__shortened "unknown option '--forc'" region delete u0/r0 --forc
refused option__of_another_command "unknown option '--force'" region create u0/r0 --size 1M --force
refused option__twice 'given twice' region create u0/r0 --size 1M --size 1M
refused option__no_value 'needs a value' region create u0/r0 --size
refused option__swallows_no_option 'needs a value' unit format /dev/null --name --force
refused option__surplus_value 'takes no value' region delete u0/r0 --force=yes
refused operand__missing 'needs UNIT/REGION' region delete
refused operand__surplus 'one operand too many' unit show u0 u1
refused size__missing 'needs --size' region create u0/r0
refused size__junk "'64Q' is not a size" region create u0/r0 --size 64Q
refused size__negative 'it is negative' region create u0/r0 --size -64M
refused size__zero 'it is zero' region resize u0/r0 --size 0
refused size__empty 'it is empty' region resize u0/r0 --size=
refused size__overflow 'it is too large' region create u0/r0 --size 16777216T
refused size__fraction 'it is not whole' region create u0/r0 --size 1.5G
refused size__above_every_unit 'no unit is larger' region create u0/r0 --size 17T
refused region__without_unit 'write UNIT/REGION' region show r0
refused region__dots 'begins with a dot' region show u0/..
refused create__name_with_a_dot 'begins with a dot' region create u0/.lost-slot-0 --size 1M
refused region__three_parts 'is not a region' region show u0/r0/x
refused region__name_too_long 'longer than 63' region rename u0/r0 "$(printf 'a%.0s' {1..64})"
refused unit__name_too_long 'longer than 31' unit show "$(printf 'a%.0s' {1..32})"
refused unit__illegal_byte 'is not a unit' unit detach 'u 0'
refused rename__with_unit 'without the unit' region rename u0/r0 u0/r1
refused mode__executable 'is not a mode' region create u0/r0 --size 1M --mode 0755
refused owner__unknown_user "no user 'no-such-user'" region create u0/r0 --size 1M --owner no-such-user
refused owner__unknown_group "no group 'no-such-group'" region set u0/r0 --owner 0:no-such-group
refused owner__no_id "no user '4294967295'" region set u0/r0 --owner 4294967295
refused owner__empty 'is not an owner' region set u0/r0 --owner :
refused set__nothing 'nothing to change' region set u0/r0
refused set__read_only_junk 'on or off' region set u0/r0 --read-only=yes
refused fence__epoch_junk 'is not a number' region fence u0/r0 --expected-epoch 0x7
refused format__without_name 'needs --name' unit format /dev/null
refused format__slots 'too large' unit format /dev/null --name u0 --max-regions 10001
refused attach__nothing 'needs a DEVICE' unit attach
refused attach__both 'one or the other' unit attach /dev/null --dram 64M --name d0
refused attach__dram_without_name 'needs --name' unit attach --dram 64M
refused attach__dram_too_small '4M to 16T' unit attach --dram 1M --name d0
refused attach__dram_odd 'multiple of 4K' unit attach --dram 4194305 --name d0
refused attach__slots_of_a_device 'is for --dram' unit attach /dev/null --max-regions 8
refused monitor__count 'too small' monitor --count 0

"$ADMIN" unit attach "$DIR/none" >/dev/null 2>"$DIR/err"
[[ $? == 3 ]] && grep -qF doctor "$DIR/err"; result $? device__not_there
"$ADMIN" unit check "$DIR/none" >/dev/null 2>&1
[[ $? == 3 ]]; result $? check__no_file
truncate -s 8M "$DIR/image"
"$ADMIN" unit check "$DIR/image" --json >"$DIR/out" 2>/dev/null
[[ $? == 1 ]] && python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["found"] is False and d["errors"] > 0 and d["device_size"] == 8 << 20, d
assert all(f["severity"] and f["text"] and f["offset"] >= 0 for f in d["findings"]), d' <"$DIR/out"
result $? check__empty_image
"$ADMIN" --json version | python3 -c 'import json, sys; assert json.load(sys.stdin)["version"]'
result $? json__before_the_noun
[[ $("$ADMIN" version) == "npmu-admin "[0-9]* ]]; result $? version__text

"$ADMIN" version >/dev/full 2>"$DIR/err"
[[ $? == 1 ]] && grep -q 'cannot write' "$DIR/err"; result $? stdout__full
"$ADMIN" version >&- 2>/dev/null
[[ $? == 1 ]]; result $? stdout__closed
"$ADMIN" --help >/dev/full 2>&1
[[ $? == 1 ]]; result $? stdout__full_help

# Help and manual against the command table, as the help shows it.
plain=$(mandoc -Tascii -O width=200 "$MAN" 2>/dev/null | sed 's/.\x08//g')
missing=0
while read -r noun verb; do
	[[ $noun == @(unit|region|checkpoint|grant|tpt|ni|key) ]] || verb=
	help=$("$ADMIN" "$noun" ${verb:+"$verb"} --help) || missing=1
	grep -q '^Example: ' <<<"$help" || { echo "# no help: $noun $verb"; missing=1; }
	grep -qF "npmu-admin $noun${verb:+ $verb}" <<<"$plain" || { echo "# not in the manual: $noun $verb"; missing=1; }
	while read -r option; do
		grep -qF -- "$option" <<<"$plain" || { echo "# not in the manual: $option"; missing=1; }
	done < <(awk '/^  --/ { print $1 }' <<<"$help")
done < <("$ADMIN" --help | awk '/^  [a-z]/ { print $1, $2 }')
result $missing manual__complete

tap_end
