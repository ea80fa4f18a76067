#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs on the host, from `suites`: fence_debug.sh DIR [OPTION OF scripts/vm]...
#
# Builds the module with the knobs of CONFIG_NPMU_DEBUG and runs the tests that need
# them in a machine that has it.
set -eu

cd "$(dirname "$(readlink -f "$0")")"
shift
make -s -f debug.mk >&2
seconds=300
[ "${NPMU_STRESS:-}" != 1 ] || seconds=3600
exec ../../scripts/vm --timeout $seconds "$@" -- env NPMU_STRESS="${NPMU_STRESS:-}" \
	NPMU_TESTS="${NPMU_TESTS:-}" NPMU_KO="$PWD/build/debug-module/drivers/npmu/npmu.ko" \
	selftests/vm/run-guest fence_window
