#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends to protected and to other addresses without end, whatever the kernel says to it.

What goes to 198.51.100.99 and 2001:db8:d::99 may leave in the open: it shows that the capture sees, and from when on.
"""
import os, socket, time

targets = [(socket.AF_INET, "10.20.0.4"), (socket.AF_INET6, "fd00:20::4"),
           (socket.AF_INET, "198.51.100.99"), (socket.AF_INET6, "2001:db8:d::99")]
sockets = [(socket.socket(family, socket.SOCK_DGRAM), address) for family, address in targets]
for s, _ in sockets:
    s.setblocking(False)

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.connect(os.environ["NOTIFY_SOCKET"])
manager.send(b"READY=1")
while True:
    for s, address in sockets:
        try:
            s.sendto(b"hello", (address, 9))
        except OSError:
            pass
    time.sleep(0.02)
