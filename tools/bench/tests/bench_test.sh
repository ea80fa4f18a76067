#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# That npmu-bench works, on a file and in a few rounds: what it prints, with which status, and that its manual names what
# it measures. No time is looked at. TAP.
#
# Usage: bench_test.sh NPMU-BENCH

set -u

# shellcheck source=scripts/tap
. "$(dirname "$0")/../../../scripts/tap"
explain() { cat "$DIR/err"; }

readonly BENCH=$1
MAN=$(dirname "$0")/../../../Documentation/man/npmu-bench.8
shm=/dev/shm
[[ -d $shm && -w $shm ]] || shm=${TMPDIR:-/var/tmp}
DIR=$(mktemp -d "$shm/npmu-bench-test.XXXXXX")
trap 'rm -rf "$DIR"' EXIT

bench() { "$BENCH" "$@" >"$DIR/out" 2>"$DIR/err"; }

# refused NAME ARGUMENT...: status 2, nothing on stdout
refused() {
	local name=$1 status
	shift
	bench "$@"
	status=$?
	[[ $status == 2 && ! -s $DIR/out ]] && grep -qF -- --help "$DIR/err"
	result $? "$name"
}

# json NAME EXPRESSION: of the document d, and of values(group, what, key)
json() {
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
def values(group, what, key="mean_ns"):
	return [r[key] for r in d["results"] if (r["group"], r["what"]) == (group, what)]
man = open(sys.argv[3]).read()
sys.exit(not eval(sys.argv[2]))' "$DIR/json" "$2" "$MAN" 2>>"$DIR/err"
	result $? "$1"
}

refused command__none --file "$DIR/file"
refused command__unknown measure --file "$DIR/file"
refused remote__no_url remote
refused remote__a_local_region remote u/r
refused remote__unknown_part remote --only fence npmu://a@h/u/r
refused serve__a_word serve /dev/null
refused serve__unknown serve --port 1
refused place__none local
refused place__two local --file "$DIR/file" --region u/r
refused part__unknown local --file "$DIR/file" --only commits
refused rounds__none local --file "$DIR/file" --rounds 0
refused max_state__too_large local --file "$DIR/file" --max-state 2G
refused max_state__would_wrap local --file "$DIR/file" --max-state 17179869185G

bench local --file "$DIR/file" --rounds 10 --max-state 1M --json --check
status=$?
cp "$DIR/out" "$DIR/json"
[[ $status == 1 ]]
result $? check__what_cannot_be_measured_is_missed
json json__has_its_keys '{"name", "class", "rounds", "results", "not_measured", "checks"} == set(d) and all(
	set(r) == {"group", "what", "size", "mean_ns", "p50_ns", "p99_ns", "p999_ns", "limit", "ratio", "rounds"} for r in d["results"])'
json commit__each_size 'values("commit", "update_crc", "size") == [8, 64, 256, 1024, 4096, 16384, 65536, 1048576]'
json commit__all_are_measured 'all(v > 0 for w in ("raw", "update_crc", "update_no_crc", "batch16_crc", "batch16_no_crc",
	"overwrite", "overwrite_part_64", "overwrite_read", "socket") for v in values("commit", w))'
json commit__has_its_ratio 'all(v > 0 for v in values("commit", "update_crc", "ratio"))'
json quantile__null_with_too_few_samples 'set(values("commit", "update_crc", "p999_ns")) == {None}'
json bandwidth__in_and_out 'all(values("bandwidth", w)[0] > 0 for w in ("memcpy_in", "base_crc", "base_no_crc", "recovery_crc"))'
json takeover__measured 'values("takeover", "takeover")[0] > 0'
json file__says_what_it_cannot '{("follow", "update_crc"), ("fence", "fence")} <= {(n["group"], n["what"]) for n in d["not_measured"]}'
json checks__all_are_there '{c["name"]: c["result"] for c in d["checks"]}.keys() == {"update_64_crc", "update_64_no_crc", "base_crc", "base_no_crc", "takeover_1g"}'
json manual__names_all 'all(r["what"] in man for r in d["results"])'

bench local --file "$DIR/file" --rounds 3 --max-state 1M --only fence --check
result $? check__a_part_not_asked_for_is_not_missed

bench local --file "$DIR/file" --rounds 3 --max-state 1M --only fence --disk-dir "$DIR"
[[ $? == 1 || $shm != /dev/shm ]]
result $? disk_dir__memory_is_refused
bench local --file "$DIR/file" --rounds 3 --max-state 1M --only fence --dax-dir "$DIR"
[[ $? == 1 ]]
result $? dax_dir__without_dax_is_refused

bench local --file "$DIR/file" --rounds 3 --max-state 1M --only takeover --plot "$DIR/plot" &&
	[[ -s $DIR/plot/takeover.dat && -s $DIR/plot/takeover.gnuplot ]]
result $? plot__writes_data_and_script

bench local --file "$DIR/none/file"
[[ $? == 1 && ! -s $DIR/out ]]
result $? file__cannot_be_made

# A key that is not there; and no peer is asked before the region was found.
NPMU_KEY_FILE=$DIR/none bench remote npmu://a@127.0.0.1/u/r --peer 127.0.0.1
[[ $? == 1 && ! -s $DIR/out ]] && grep -q "$DIR/none" "$DIR/err"
result $? remote__says_what_is_missing

tap_end
