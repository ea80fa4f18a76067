#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test program ni over siw, that is over iWARP: other than soft RoCE it runs on TCP, and neither
# end of a connection is told the number of the other's queue pair. The unit is in the guest's own
# network namespace, its clients are in another, each with a device of its own on a pair of
# interfaces.
set -e
modprobe -a siw veth
ip netns add client
ip link add npmu0 mtu 9000 type veth peer name npmu1 mtu 9000 netns client
ip addr add 192.168.99.1/24 dev npmu0
ip -n client addr add 192.168.99.2/24 dev npmu1
ip link set npmu0 up
ip -n client link set npmu1 up
rdma link add npmu0 type siw netdev npmu0
ip netns exec client rdma link add npmu1 type siw netdev npmu1
NPMU_NI_CLIENT=/run/netns/client exec "$(dirname "$0")/build/ni"
