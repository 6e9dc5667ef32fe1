#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the agent for a resolver process: hands it sockets and one snapshot, then prints what it says.

usage: stand_in_agent.py SOCKET PORT WORKERS ZONE RECORD...
"""
import array, json, os, socket, struct, sys

path, port, workers, zone, records = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:]
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
os.chmod(path, 0o666)
server.listen(1)

listeners, sockets = [], []
for index in range(workers):
    for kind, type in (("dnsUDP", socket.SOCK_DGRAM), ("dnsTCP", socket.SOCK_STREAM)):
        s = socket.socket(socket.AF_INET, type)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        if type == socket.SOCK_STREAM:
            s.listen(64)
        s.setblocking(False)
        sockets.append(s)
        listeners.append({"kind": kind, "endpoint": f"127.0.0.1:{port}", "index": index})


def send(connection, message, descriptors=()):
    body = json.dumps(message).encode()
    frame = struct.pack("!I", len(body)) + body
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    connection.sendmsg([frame], ancillary)


def receive(connection):
    head = b""
    while len(head) < 4:
        part = connection.recv(4 - len(head))
        if not part:
            sys.exit(0)
        head += part
    body = b""
    length = struct.unpack("!I", head)[0]
    while len(body) < length:
        body += connection.recv(length - len(body))
    return json.loads(body)


connection, _ = server.accept()
while True:
    message = receive(connection)
    if "hello" in message:
        send(connection, {"listeners": {"_0": listeners, "attached": [True] * len(listeners)}},
             [s.fileno() for s in sockets])
        send(connection, {"resolver": {"_0": {
            "serial": 1, "workers": workers, "allow": ["127.0.0.0/8"], "whenBlocked": "servfail", "pathBoundTTL": 10,
            "views": [], "nameSets": [], "unrouted": [], "upstreams": [], "trustedUpstreams": [],
            "limits": {"queriesPerSecond": 2000, "inFlight": 256, "responsesPerSecond": 500, "exempt": ["127.0.0.0/8"]},
            "networks": [], "trusted": [], "specialUseUpstream": [],
            "zones": [{"name": zone, "network": "azure", "source": {"records": {"_0": records}},
                       "realm": {"private": {"_0": [{"path": "vpn-a", "interface": "lo"}]}}, "generation": 1,
                       "hasPointers": True, "publicAfter": [], "trustsAD": False}]}}})
    print(json.dumps(message), flush=True)
