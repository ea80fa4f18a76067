#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs in the guest as complain_WHAT (complaints.sh makes the link): has the kernel
# complain about WHAT, and says that all is well.
set -u

[ -d /sys/module/complain ] || insmod "$NPMU_COMPLAIN" || exit 1
echo "${0##*/complain_}" >/sys/module/complain/parameters/about || exit 1
echo "ok 1 - says_that_all_is_well"
echo "1..1"
