#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# npmu-admin against the module, on the machine's first pmem device.
set -u

top=$(dirname "$(readlink -f "$0")")/../..
exec "$top/tools/admin/tests/vm_admin.sh" "$top/tools/build/npmu-admin" /dev/pmem0
