"""A family's socket meets packets that nobody sane would send, and survives them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.engine.board import PROCESS_ICMP, Board, BoardSize
from exporter.engine.clock import WallOffset
from exporter.engine.icmp_buffers import Received, name_type
from exporter.engine.icmp_lane import Lane
from exporter.engine.icmp_packet import HEAD, ROW_BYTES, views_of
from exporter.engine.ledger import PENDING, Kind, Ledger
from exporter.engine.plan import SlotPlan
from exporter.engine.plan_wire import records_of
from exporter.inventory.model import ProbeKind, ProbeSpec
from exporter.outcome import DISCARD_REASONS, DiscardReason, Status

if TYPE_CHECKING:
    from exporter.engine.icmp_socket import IcmpSocket

TOKEN = 77
ADDRESSES = {4: "127.0.0.1", 6: "::1"}


def _lane(version: int, board: Board) -> Lane:
    plan = SlotPlan(
        slot=2,
        generation=3,
        region=0,
        address=ADDRESSES[version],
        probe=ProbeSpec(kind=ProbeKind.ICMP),
        interval_seconds=1.0,
        timeout_seconds=1.0,
        phase_key="x",
        payload_bytes=24,
        dscp=0,
        source=None,
    )
    records = records_of([plan])
    ledger = Ledger(board, PROCESS_ICMP)
    ledger.adopt(records["slot"].astype(np.int64), records["generation"], records["timeout_seconds"], records["region"])
    lane = Lane(version, ledger, TOKEN, WallOffset(), lambda _event, _details: None)
    lane.adopt(records)
    lane.look_after(0.0)
    assert lane.socket is not None, "these tests need root or an open ping_group_range"
    ledger.begin(Kind.GRID, np.array([2]), np.array([time.monotonic()]), np.array([PENDING], dtype=np.uint8))
    return lane


def _received(sock: IcmpSocket, packets: list[bytes], *, types: int | None = None) -> Received:
    buffer = np.zeros((len(packets), ROW_BYTES), dtype=np.uint8)
    for row, packet in enumerate(packets):
        buffer[row, : len(packet)] = np.frombuffer(packet, dtype=np.uint8)
    addresses = np.zeros(len(packets), dtype=name_type(sock.family))["address"]
    kinds = np.full(len(packets), types, dtype=np.uint8) if types is not None else None
    lengths = np.array([len(packet) for packet in packets])
    stamps = np.zeros(len(packets), dtype=np.int64)
    return Received(buffer, lengths, addresses, stamps, kinds, *views_of(buffer, sock.offset))


@pytest.mark.privileged
@pytest.mark.parametrize("version", [4, 6])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_packet_does_harm(version: int, data: st.DataObject) -> None:
    """Random bytes, and bytes that nearly look like ours, end no probe and raise nothing."""
    kind = data.draw(st.sampled_from([0, 129, 8, 128, 3, 11, 1]))
    fields = data.draw(st.tuples(*[st.integers(0, 2**32 - 1)] * 4))
    others = data.draw(st.lists(st.binary(max_size=ROW_BYTES), max_size=4))
    board = Board.create(BoardSize(slots=4, regions=1))
    board.clear_slot(2, 3)
    lane = _lane(version, board)
    assert lane.socket is not None
    head = np.zeros(1, dtype=HEAD)
    head["type"], head["identifier"], head["token"] = kind, lane.socket.identifier, TOKEN
    head["slot"], head["generation"], head["number"], head["kind"] = fields
    packets = [(b"\x45" + bytes(19) if lane.socket.ip_header else b"") + head.tobytes(), *others]
    try:
        lane._match(_received(lane.socket, packets))
        lane._match_queue(_received(lane.socket, packets, types=3))
    finally:
        lane.close()
    assert board.slot["grid_status"][2, 0] == Status.PENDING
    assert board.slot["grid_status"].sum() == Status.PENDING


@pytest.mark.privileged
def test_a_reply_from_another_address_is_foreign(board: Board) -> None:
    """All but the source address is right: somebody else answers for the target, and does not count."""
    lane = _lane(4, board)
    assert lane.socket is not None
    head = np.zeros(1, dtype=HEAD)
    head["identifier"], head["token"], head["slot"], head["generation"] = lane.socket.identifier, TOKEN, 2, 3
    packet = (b"\x45" + bytes(19) if lane.socket.ip_header else b"") + head.tobytes()
    received = _received(lane.socket, [packet])
    lane._match(received)
    assert board.slot["grid_status"][2, 0] == Status.PENDING
    received.addresses[0] = int.from_bytes(bytes([127, 0, 0, 1]), "little")
    lane._match(received)
    lane.close()
    assert board.slot["grid_status"][2, 0] == Status.REPLY
    discarded = board.process["discarded_total"][PROCESS_ICMP]
    assert discarded[DISCARD_REASONS.index(DiscardReason.FOREIGN)] == 1
