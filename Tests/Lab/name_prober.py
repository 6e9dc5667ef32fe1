# SPDX-License-Identifier: Apache-2.0
"""Asks a DNS server for a few names over and over, and writes down what each answer leads to.

name_prober.py ADDRESS INTERVAL-MICROSECONDS NAME...

A line an answer: when the question went out and when the answer came (nanoseconds), the name, the
type, the code, and the addresses in all of its records: A, AAAA, and hints of HTTPS and SVCB. Times are those of CLOCK_BOOTTIME.
"""
import select
import socket
import struct
import sys
import time

TYPES = {"A": 1, "AAAA": 28, "HTTPS": 65, "SVCB": 64, "ANY": 255}


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def query(number, name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", TYPES[kind], 1)


def skip_name(message, at):
    while message[at] and message[at] < 0xC0:
        at += message[at] + 1
    return at + (2 if message[at] else 1)


def hints(data):
    at = 2 + skip_name(data[2:], 0)
    while at + 4 <= len(data):
        key, length = struct.unpack_from("!2H", data, at)
        value = data[at + 4 : at + 4 + length]
        size = {4: 4, 6: 16}.get(key)
        if size:
            yield from (value[i : i + size] for i in range(0, length, size))
        at += 4 + length


def addresses(message):
    at = skip_name(message, 12) + 4
    for _ in range(sum(struct.unpack_from("!3H", message, 6))):
        at = skip_name(message, at)
        kind, _, _, length = struct.unpack_from("!2HIH", message, at)
        data = message[at + 10 : at + 10 + length]
        at += 10 + length
        found = [data] if kind in (1, 28) else list(hints(data)) if kind in (64, 65) else []
        for octets in found:
            yield socket.inet_ntop(socket.AF_INET if len(octets) == 4 else socket.AF_INET6, octets)


def main():
    server, interval, names = sys.argv[1], int(sys.argv[2]) / 1e6, sys.argv[3:]
    questions = [(name, kind) for kind in TYPES for name in names]
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    asker.connect((server, 53))
    asker.setblocking(False)
    waiting, number, due = {}, 0, time.monotonic()
    while True:
        ready, _, _ = select.select([asker], [], [], max(0, due - time.monotonic()))
        while asker in ready:
            try:
                message = asker.recv(4096)
            except (BlockingIOError, ConnectionRefusedError):
                break
            came = now()
            sent = waiting.pop(struct.unpack_from("!H", message)[0], None)
            if sent:
                print(sent[0], came, *sent[1], message[3] & 15, ",".join(addresses(message)) or "-")
        if time.monotonic() >= due:
            due = max(due + interval, time.monotonic() - 0.1)
            number = (number + 1) & 0xFFFF
            question = questions[number % len(questions)]
            waiting[number] = (now(), question)
            try:
                asker.send(query(number, *question))
            except (BlockingIOError, ConnectionRefusedError):
                del waiting[number]


main()
