#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ckpt_header.py FORM CAPACITY [RING_OFFSET RING_SIZE]: the header of a checkpoint in
which nothing was committed, 256 bytes to stdout: see linux/npmu_ckpt.h."""
import struct
import sys


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


form, capacity, *ring = map(int, sys.argv[1:])
head = struct.pack("<8sII10Q", b"NPMUCKPT", 1, form, 0, 0, 1, 5, 8192, 16384, 8192, capacity, 1, 1)
head += b"".join(struct.pack("<Q", number) for number in ring)
head = head.ljust(252, b"\0")
sys.stdout.buffer.write(head + struct.pack("<I", crc32c(head + bytes(4))))
