"""Simulated sites: a TUN device in a network namespace and a process that answers pings as it is told.

`python -m tests.network.sites` runs inside the namespace. It reads rules as JSON lines from stdin, {"address": {...}},
and answers each line with one line: what it has counted so far per address. Addresses without a rule are silent.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.namespace import Namespace

DEVICE = "sites0"
NEAR4, NEAR6 = "10.99.0.1", "fd99::1"
ROUTER4, ROUTER6 = ip_address("10.99.0.254").packed, ip_address("fd99::fe").packed
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


@dataclass
class Rule:
    """How one address behaves."""

    delay: float = 0.0  # seconds
    jitter: float = 0.0  # seconds, added evenly
    loss: float = 0.0  # 0-1
    copies: int = 1
    answer: str = "echo"  # echo, unreachable, ttl_exceeded, silent
    quote_bytes: int = 512  # of the request's ICMP part, in errors
    source: str | None = None  # answers come from here instead
    corrupt: bool = False  # the token comes back wrong


@dataclass
class Counts:
    """What happened at one address."""

    requests: int = 0
    answers: int = 0
    sizes: set[int] = field(default_factory=set)  # IP packet lengths
    tos: set[int] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def packet4(source: bytes, destination: bytes, icmp: bytes) -> bytes:
    """An IPv4 packet around an ICMP message, both checksums filled in."""
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp[:2] + b"\0\0" + icmp[4:])) + icmp[4:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 0, 0, 60, 1, 0) + source + destination
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + icmp


def packet6(source: bytes, destination: bytes, icmp: bytes) -> bytes:
    """The same for IPv6."""
    pseudo = source + destination + struct.pack("!IxxxB", len(icmp), 58)
    icmp = icmp[:2] + struct.pack("!H", checksum(pseudo + icmp[:2] + b"\0\0" + icmp[4:])) + icmp[4:]
    return struct.pack("!IHBB", 0x60000000, len(icmp), 58, 60) + source + destination + icmp


class Responder:
    """Turns requests into answers, some of them later."""

    def __init__(self, tun: int) -> None:
        self.rules: dict[bytes, Rule] = {}
        self.counts: dict[bytes, Counts] = {}
        self._tun = tun
        self._later: list[tuple[float, int, bytes]] = []
        self._number = 0
        self._random = random.Random(4)  # noqa: S311 - seeded loss, not a secret

    def take(self, packet: bytes) -> None:
        """Read one packet that was routed into the device."""
        four = packet[0] >> 4 == 4
        start = 4 * (packet[0] & 15) if four else 40
        request, answer = (8, 0) if four else (128, 129)
        if packet[start] != request or packet[9 if four else 6] != (1 if four else 58):
            return
        source, destination = (packet[12:16], packet[16:20]) if four else (packet[8:24], packet[24:40])
        rule, counts = self.rules.get(destination), self.counts.setdefault(destination, Counts())
        counts.requests += 1
        counts.sizes.add(len(packet))
        counts.tos.add(packet[1] if four else (int.from_bytes(packet[:2], "big") >> 4) & 0xFF)
        counts.sources.add(str(ip_address(source)))
        if rule is None or rule.answer == "silent" or self._random.random() < rule.loss:
            return
        counts.answers += 1
        build = packet4 if four else packet6
        if rule.answer == "echo":
            sender = ip_address(rule.source).packed if rule.source else destination
            icmp = bytearray([answer]) + packet[start + 1 :]
            if rule.corrupt:
                icmp[8] ^= 0xFF
        else:
            sender = ROUTER4 if four else ROUTER6
            kind = {"unreachable": 3 if four else 1, "ttl_exceeded": 11 if four else 3}[rule.answer]
            icmp = bytearray(struct.pack("!BBHI", kind, 0, 0, 0)) + packet[: start + rule.quote_bytes]
        for _ in range(rule.copies):
            self._number += 1
            at = time.monotonic() + rule.delay + rule.jitter * self._random.random()
            heapq.heappush(self._later, (at, self._number, build(sender, source, bytes(icmp))))

    def send_due(self) -> float:
        """Send what is due; return how long there is nothing more to send."""
        while self._later:
            wait = self._later[0][0] - time.monotonic()
            if wait > 0:
                return wait
            os.write(self._tun, heapq.heappop(self._later)[2])
        return 1.0


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until stdin closes."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    for command in (
        f"link set {DEVICE} up txqueuelen 5000",
        f"addr add {NEAR4}/24 dev {DEVICE}",
        f"addr add {NEAR6}/64 dev {DEVICE} nodad",
        f"route add 10.50.0.0/16 dev {DEVICE}",
        f"route add fd50::/64 dev {DEVICE}",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    responder = Responder(tun)
    _say({"ready": True})
    while True:
        wait = responder.send_due()
        readable, _, _ = select.select([tun, sys.stdin], [], [], wait)
        if tun in readable:
            for _ in range(100):
                try:
                    responder.take(os.read(tun, 65536))
                except BlockingIOError:
                    break
        if sys.stdin in readable:
            line = sys.stdin.readline()
            if not line:
                return
            for address, rule in json.loads(line).items():
                responder.rules[ip_address(address).packed] = Rule(**rule)
            counted = {
                str(ip_address(address)): {
                    "requests": counts.requests,
                    "answers": counts.answers,
                    "sizes": sorted(counts.sizes),
                    "tos": sorted(counts.tos),
                    "sources": sorted(counts.sources),
                }
                for address, counts in responder.counts.items()
            }
            _say(counted)


class Sites:
    """The responder process, from the test's side."""

    def __init__(self, space: Namespace) -> None:
        command = space.command([sys.executable, "-m", "tests.network.sites"])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the responder has ended"
        return line

    def rules(self, rules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Lay down rules per address; return the counts so far per address."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(rules) + "\n")
        self._process.stdin.flush()
        counted: dict[str, Any] = json.loads(self._read())
        return counted

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=10)


if __name__ == "__main__":
    main()
