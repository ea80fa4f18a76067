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
NPMU_KO=$(./module CONFIG_NPMU_DEBUG=y)
export NPMU_KO
exec ./machine "$@" -- selftests/vm/run-guest fence_window
