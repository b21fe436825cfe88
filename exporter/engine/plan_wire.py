"""Plans on their way to a probing process: one record per slot for ICMP, JSON for the others; nothing is pickled.

100,000 slots are a few megabytes. They travel in an anonymous file whose descriptor is passed over the control socket,
so that neither side ever waits for the other.
"""

from __future__ import annotations

import io
import ipaddress
import json
import os
import socket
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from exporter.engine.board import anonymous_file
from exporter.engine.plan import Plan, SlotPlan
from exporter.engine.schedule import phase_fraction
from exporter.inventory.model import ProbeKind, ProbeSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

RECORD: Final = np.dtype(
    [
        ("slot", "u4"),
        ("generation", "u4"),
        ("region", "i4"),
        ("version", "u1"),  # 4, 6; 0: the name has never resolved
        ("address", "u1", (16,)),  # network order; IPv4 uses the first four
        ("scope", "u4"),  # interface index of a link-local address
        ("interval_seconds", "f8"),
        ("timeout_seconds", "f8"),
        ("fraction", "f8"),
        ("payload_bytes", "u4"),
        ("dscp", "u1"),
        ("source_version", "u1"),  # 0: the kernel's choice
        ("source", "u1", (16,)),
        ("confirm", "?"),
    ],
)


def packed_address(text: str | None) -> tuple[int, bytes, int]:
    """Return (IP version, 16 bytes, scope) of an address literal; version 0 for none or what is no literal."""
    if text is None:
        return 0, bytes(16), 0
    bare, _, zone = text.partition("%")
    try:
        return 4, socket.inet_pton(socket.AF_INET, bare) + bytes(12), 0
    except OSError:
        pass
    try:
        packed = socket.inet_pton(socket.AF_INET6, bare)
        if not zone:
            return 6, packed, 0
        return 6, packed, int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    except OSError:  # no address, or no such interface
        return 0, bytes(16), 0


def is_literal(text: str) -> bool:
    """Return whether an inventory address is an IP literal rather than a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def records_of(slots: Iterable[SlotPlan]) -> NDArray[Any]:
    """Return slots as RECORD rows; an address that is no literal counts as not resolved."""
    rows = []
    for slot in slots:
        source_version, source, _ = packed_address(slot.source)
        version, address, scope = packed_address(slot.address)
        rows.append(
            (
                slot.slot,
                slot.generation,
                slot.region,
                version,
                tuple(address),
                scope,
                slot.interval_seconds,
                slot.timeout_seconds,
                phase_fraction(slot.phase_key),
                slot.payload_bytes,
                slot.dscp,
                source_version,
                tuple(source),
                slot.confirm,
            )
        )
    return np.array(rows, dtype=RECORD)


def encode_records(number: int, records: NDArray[Any]) -> bytes:
    """Return a plan for the ICMP process."""
    file = io.BytesIO()
    np.save(file, np.array([number], dtype=np.uint64), allow_pickle=False)
    np.save(file, records, allow_pickle=False)
    return file.getvalue()


def decode_records(data: bytes) -> tuple[int, NDArray[Any]]:
    """Return (plan number, RECORD rows)."""
    file = io.BytesIO(data)
    number = int(np.load(file, allow_pickle=False)[0])
    records: NDArray[Any] = np.load(file, allow_pickle=False)
    return number, records


def encode_json(plan: Plan) -> bytes:
    """Return a plan for the processes that handle slots one by one."""
    slots = [{**asdict(slot), "probe": _probe_to_json(slot.probe)} for slot in plan.slots]
    return json.dumps({"number": plan.number, "slots": slots}).encode()


def decode_json(data: bytes) -> Plan:
    """Return what `encode_json` was given."""
    document = json.loads(data)
    slots = tuple(SlotPlan(**{**row, "probe": _probe_from_json(row["probe"])}) for row in document["slots"])
    return Plan(number=document["number"], slots=slots)


def _probe_to_json(probe: ProbeSpec) -> dict[str, Any]:
    expect = sorted(probe.expect_status) if probe.expect_status is not None else None
    return {"kind": probe.kind.value, "text": probe.text, "port": probe.port, "url": probe.url, "expect_status": expect}


def _probe_from_json(row: dict[str, Any]) -> ProbeSpec:
    expect = frozenset(row["expect_status"]) if row["expect_status"] is not None else None
    return ProbeSpec(**{**row, "kind": ProbeKind(row["kind"]), "expect_status": expect})


def send_plan(control: socket.socket, data: bytes) -> None:
    """Hand an encoded plan to the process at the other end; raises OSError when it is gone."""
    fd = anonymous_file()
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(data)
        socket.send_fds(control, [b"P"], [fd])
    finally:
        os.close(fd)


def receive_plan(control: socket.socket) -> bytes | None:
    """Return the next plan's bytes, None when the parent is gone; raises BlockingIOError when there is none."""
    message, fds, _, _ = socket.recv_fds(control, 1, 1)
    if not message:
        return None
    with os.fdopen(fds[0], "rb") as file:
        file.seek(0)
        return file.read()
