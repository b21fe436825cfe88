"""What readings say, one after the other: connected, gone, silent, idle; and bytes that only ever grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.vpn.counters import ByteCounters
from exporter.vpn.evidence import OpenVpnEvidence, PeerView, WireGuardEvidence
from exporter.vpn.facts import Finding
from exporter.vpn.freshness import Interval, is_fresh
from tests.exporter.vpn.rows import KEY, NOW, reading, row

LOOK = 5.0


def _view(evidence: WireGuardEvidence | OpenVpnEvidence, name: str) -> PeerView:
    view = evidence.view(name)
    assert view is not None
    return view


# --- OpenVPN ---------------------------------------------------------------------------------------------------------


def test_a_listed_client_is_up_and_one_no_longer_listed_is_down() -> None:
    evidence = OpenVpnEvidence()
    evidence.take(reading(row("bandung", handshake_at=NOW - 60)), NOW)
    view = evidence.view("bandung")
    assert (view.up, view.finding, view.handshake_at, view.endpoint) == (
        True,
        Finding.CONNECTED,
        NOW - 60,
        "198.51.100.7:1",
    )
    evidence.take(reading(row("dago")), NOW + 10)
    view = evidence.view("bandung")
    assert (view.up, view.finding, view.handshake_at) == (False, Finding.NOT_CONNECTED, None)


def test_a_name_that_never_was_listed_is_told_apart() -> None:
    """It is not connected; but it may as well be misspelt in targets.yml, so no cause is built on it."""
    evidence = OpenVpnEvidence()
    evidence.take(reading(row("bandung")), NOW)
    assert evidence.view("bandugn") == PeerView(up=False, finding=Finding.NEVER_CONNECTED)


def test_a_name_missing_from_a_damaged_table_is_not_known() -> None:
    """The row that cannot be read may be its own."""
    evidence = OpenVpnEvidence()
    evidence.take(reading(row("bandung"), damaged=1), NOW)
    assert evidence.view("dago") == PeerView(up=None, finding=Finding.DAMAGED)
    assert evidence.view("bandung").up


def test_two_clients_with_one_certificate_are_noticed() -> None:
    """They throw each other out every few seconds: a new session at every look."""
    evidence = OpenVpnEvidence()
    for turn in range(4):
        evidence.take(reading(row(session=f"{turn} {NOW + turn}")), NOW + turn * LOOK)
    assert evidence.view("bandung").finding is Finding.USED_TWICE
    assert evidence.view("bandung").up
    for turn in range(4, 20):
        evidence.take(reading(row(session=f"3 {NOW + 3}")), NOW + turn * LOOK)
    assert evidence.view("bandung").finding is Finding.CONNECTED


def test_an_ordinary_reconnect_is_no_second_client() -> None:
    evidence = OpenVpnEvidence()
    for turn, session in enumerate("aabb"):
        evidence.take(reading(row(session=session)), NOW + turn * LOOK)
    assert evidence.view("bandung").finding is Finding.CONNECTED


def test_clients_that_share_a_name_on_purpose_are_one_tunnel() -> None:
    """duplicate-cn: up while any is there, bytes of all, endpoint of the newest."""
    evidence = OpenVpnEvidence()
    old, new = row(session="1", handshake_at=NOW - 9), row(session="2", handshake_at=NOW - 1)
    evidence.take(reading(new, old), NOW)
    evidence.take(
        reading(row(received=5, session="2", handshake_at=NOW - 1), row(received=7, session="1", handshake_at=NOW - 9)),
        NOW + LOOK,
    )
    assert evidence.view("bandung").handshake_at == NOW - 1
    assert evidence.total("bandung") == (12, 0)


# --- WireGuard -------------------------------------------------------------------------------------------------------


class _Peer:
    """A peer whose counters are moved by hand; a look every five seconds."""

    def __init__(self, *, handshake_at: float | None = None, keepalive: int | None = None) -> None:
        self.evidence = WireGuardEvidence()
        self.now = NOW
        self.received = self.sent = 1000
        self.handshake_at = handshake_at
        self.keepalive = keepalive
        self._take()

    def _take(self) -> None:
        self.evidence.take(
            reading(
                row(KEY, self.received, self.sent, handshake_at=self.handshake_at, keepalive=self.keepalive),
            ),
            self.now,
        )

    def look(self, *, received: int = 0, sent: int = 0, seconds: float = LOOK) -> tuple[bool | None, Finding]:
        self.received += received
        self.sent += sent
        self.now += seconds
        self._take()
        view = _view(self.evidence, KEY)
        return view.up, view.finding


def test_a_peer_that_was_sent_data_and_is_silent_for_25_s_is_down() -> None:
    """Although its last handshake is young: that alone would show it as up for three minutes."""
    peer = _Peer(handshake_at=NOW - 10)
    assert peer.look(received=480, sent=480) == (True, Finding.CONNECTED)
    seen = [peer.look(sent=480) for _ in range(7)]
    assert seen[:5] == [(True, Finding.CONNECTED)] * 5  # 25 s from the look at which we had certainly asked
    assert seen[5:] == [(False, Finding.SILENT)] * 2
    assert peer.look(received=148, sent=92) == (True, Finding.CONNECTED)


def test_a_peer_behind_which_nobody_answers_is_up() -> None:
    """It sends an empty packet about every ten seconds when it gets data: tunnel up, device down."""
    peer = _Peer(handshake_at=NOW - 10)
    for turn in range(40):
        up, _ = peer.look(received=32 if turn % 2 else 0, sent=480)
        assert up


@pytest.mark.parametrize("keepalive", [None, 25, 5])
def test_keepalives_prove_nothing(keepalive: int | None) -> None:
    """Nobody answers them: a peer that is only kept alive by us is idle, not down."""
    peer = _Peer(keepalive=keepalive)
    for _ in range(20):
        assert peer.look(sent=32) == (None, Finding.IDLE)


def test_one_packet_just_before_a_look_does_not_condemn() -> None:
    """A target probed once a minute: its answer may be an empty packet ten seconds later."""
    peer = _Peer(handshake_at=NOW)
    for _ in range(10):
        assert peer.look(sent=96) == (True, Finding.CONNECTED)
        assert peer.look() == (True, Finding.CONNECTED)
        assert peer.look(received=32) == (True, Finding.CONNECTED)


def test_an_idle_peer_is_up_for_the_life_of_a_session_and_then_not_known() -> None:
    """Nothing is asked of it, so its silence says nothing: never down."""
    peer = _Peer(handshake_at=NOW)
    assert peer.look(seconds=179) == (True, Finding.CONNECTED)
    assert peer.look(seconds=2) == (None, Finding.IDLE)
    assert peer.look(seconds=3600) == (None, Finding.IDLE)


def test_a_peer_that_was_never_there_is_not_known_until_asked() -> None:
    """Unanswered handshakes (148 bytes every five seconds) are asking."""
    peer = _Peer()
    assert peer.look() == (None, Finding.IDLE)
    seen = [peer.look(sent=148)[0] for _ in range(7)]
    assert seen == [None] * 5 + [False] * 2


def test_an_interface_made_anew_starts_afresh() -> None:
    """Counters fall: nothing is concluded from before, and the bytes go on growing."""
    peer = _Peer(handshake_at=NOW - 170)
    peer.look(sent=480)
    peer.look(received=-1000, sent=-1480, seconds=60)
    assert peer.look() == (None, Finding.IDLE)
    assert peer.evidence.total(KEY) == (0, 480)


def test_an_unknown_key_is_no_peer() -> None:
    assert _Peer().evidence.view("other") is None
    assert _Peer().evidence.total("other") is None


def test_one_key_on_two_interfaces_is_one_peer() -> None:
    """The bytes of both, the newer handshake."""
    evidence = WireGuardEvidence()
    evidence.take(reading(row(KEY, 10, handshake_at=NOW - 9), row(KEY, 10, handshake_at=NOW - 1)), NOW)
    evidence.take(reading(row(KEY, 11, handshake_at=NOW - 9), row(KEY, 12, handshake_at=NOW - 1)), NOW + LOOK)
    assert evidence.total(KEY) == (3, 0)
    assert _view(evidence, KEY).handshake_at == NOW - 1


# --- counters and freshness ------------------------------------------------------------------------------------------


def test_bytes_of_all_sessions_are_added_up() -> None:
    """What was there before we looked is left out; each later session counts whole."""
    counters = ByteCounters()
    for received, session in ((500, "a"), (600, "a"), (50, "b"), (70, "b")):
        counters.add([row(received=received, session=session)])
    counters.add([])  # gone
    assert counters.total("bandung") == (170, 0)
    counters.add([row(received=5, session="c")])
    assert counters.total("bandung") == (175, 0)
    assert counters.total("dago") is None


@given(st.lists(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 99)), max_size=4)))
def test_bytes_never_fall(looks: list[list[tuple[str, int, int]]]) -> None:
    """Whatever sessions come, go and start again: a counter that fell would look like a burst."""
    counters = ByteCounters()
    before = {"a": (0, 0), "b": (0, 0)}
    for look in looks:
        counters.add([row(name, received, received, session=str(session)) for name, session, received in look])
        for name, (received, _) in before.items():
            total = counters.total(name) or (0, 0)
            assert total[0] >= received
            before[name] = total


@pytest.mark.parametrize(
    ("gaps", "believed"),
    [([], 125.0), ([10] * 5, 25.0), ([60], 125.0), ([300] * 3, 605.0), ([10, 10, 10, 3600, 10], 25.0), ([7200], 125.0)],
    ids=["first", "debian", "default", "seldom", "pause", "pause-first"],
)
def test_a_file_is_believed_for_two_of_its_intervals(gaps: list[float], believed: float) -> None:
    """Learnt from the file itself; one long pause is no habit."""
    interval, at = Interval(), NOW
    interval.written(at)
    for gap in gaps:
        at += gap
        interval.written(at)
    assert interval.believed_seconds == believed


def test_what_is_old_or_from_the_future_is_not_fresh() -> None:
    assert is_fresh(NOW, NOW + 25, 25)
    assert not is_fresh(NOW, NOW + 26, 25)
    assert is_fresh(NOW, NOW - 60, 25)
    assert not is_fresh(NOW, NOW - 61, 25)
