#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test program ni over siw, that is over iWARP: other than soft RoCE it runs on TCP, and neither
# end of a connection is told the number of the other's queue pair.
NPMU_NI_DEVICE=siw exec "$(dirname "$0")/build/ni"
