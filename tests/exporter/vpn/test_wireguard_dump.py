"""Dumps of WireGuard in every form, and the secrets in them."""

from __future__ import annotations

import pytest

from exporter.vpn.reading import PeerRow, SourceError, Trouble
from exporter.vpn.wireguard_dump import parse_dump

NOW = 1_795_571_872.0
ONE = f"{'one/' * 10}one="
TWO = f"{'two+' * 10}two="
PRIVATE = f"{'HUSH' * 10}HUS="  # no real key
SHARED = f"{'PSST' * 10}PSS="

PEER_ONE = (SHARED, "198.51.100.7:51820", "10.20.0.2/32,10.20.1.0/24", "1795571800", "1000", "2000", "25")
PEER_TWO = ("(none)", "(none)", "(none)", "0", "0", "148", "off")
ROWS = (
    PeerRow(
        name=ONE,
        session="",
        received_bytes=1000,
        sent_bytes=2000,
        endpoint="198.51.100.7:51820",
        handshake_at=1795571800.0,
        keepalive_seconds=25,
    ),
    PeerRow(name=TWO, session="", received_bytes=0, sent_bytes=148),
)


def _text(*lines: tuple[str, ...]) -> str:
    return "".join("\t".join(line) + "\n" for line in lines)


WHOLE = _text(("wg0", PRIVATE, ONE, "51820", "off"), ("wg0", ONE, *PEER_ONE), ("wg0", TWO, *PEER_TWO))
FORMS = {
    "all": WHOLE,
    "one interface": _text((PRIVATE, ONE, "51820", "off"), (ONE, *PEER_ONE), (TWO, *PEER_TWO)),
    "without secrets": _text(("wg0", ONE, *PEER_ONE[1:]), ("wg0", TWO, *PEER_TWO[1:])),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_of_a_dump_says_the_same(form: str) -> None:
    """All interfaces, one, or stripped by a timer; a peer that was never there has no handshake and no endpoint."""
    reading = parse_dump(FORMS[form], at=NOW)
    assert reading.rows == ROWS
    assert reading.at == NOW


@pytest.mark.parametrize("form", sorted(FORMS))
def test_no_secret_is_kept(form: str) -> None:
    """Neither the private key nor a pre-shared one has a place in what is read."""
    kept = repr(parse_dump(FORMS[form], at=NOW))
    assert PRIVATE not in kept
    assert SHARED not in kept


@pytest.mark.parametrize(
    "line",
    [
        ("wg0", ONE, *PEER_ONE, "more"),
        ("wg0", "short", *PEER_ONE),
        (ONE, SHARED),
        ("wg0", ONE, *PEER_ONE[:4], "many", "2000", "25"),
    ],
    ids=["columns", "key", "few", "number"],
)
def test_what_is_no_dump_is_refused_without_being_quoted(line: tuple[str, ...]) -> None:
    """The message names the line's number: the line itself may hold a key."""
    with pytest.raises(SourceError) as caught:
        parse_dump(WHOLE + _text(line), at=NOW)
    assert caught.value.trouble is Trouble.FORMAT
    assert "line 4" in caught.value.detail
    for secret in (PRIVATE, SHARED, ONE):
        assert secret not in str(caught.value)


def test_no_interface_is_no_peer() -> None:
    """`wg show all dump` on a machine without WireGuard prints nothing; that is no mistake."""
    assert parse_dump("", at=NOW).rows == ()


def test_an_age_in_place_of_a_moment_is_understood() -> None:
    """Boringtun prints how long ago the handshake was."""
    line = ("wg0", ONE, "(none)", "(none)", "10.20.0.2/32", "72", "1", "2", "off")
    assert parse_dump(_text(line), at=NOW).rows[0].handshake_at == NOW - 72
