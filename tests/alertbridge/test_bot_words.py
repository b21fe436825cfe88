"""The pure parts of the bot: plain questions, durations, short names, callback data, matchers, access."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbridge.alertmanager import Matcher
from alertbridge.bot.callbacks import LONGEST_BYTES, Kind, Signer
from alertbridge.bot.durations import parse_duration, split_request
from alertbridge.bot.grammar import understand
from alertbridge.bot.lookup import is_short_for
from alertbridge.bot.paging import PER_PAGE, page_of, pages
from alertbridge.markup import LIMIT, escape, utf16

SIGNER = Signer(b"a key")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("status jabar", ("find", "jabar")),
        ("Status Jawa Barat?", ("find", "jawa barat")),
        ("status", ("status", "")),
        ("kondisi sekarang gimana", ("status", "")),
        ("apa yang down?", ("down", "")),
        ("Apa saja yang mati sekarang?", ("down", "")),
        ("what's down?", ("down", "")),
        ("is jbr-hub down", ("find", "jbr-hub")),
        ("ada yang lemot?", ("low", "")),
        ("which sites are slow", ("find", "sites")),
        ("daftar wilayah", ("regions", "")),
        ("show me the map", ("map", "")),
        ("grafik jbr-hub 24h", ("graph", "jbr-hub 24h")),
        ("ping 10.20.1.11", ("log", "10.20.1.11")),
        ("siapa saya?", ("whoami", "saya")),
        ("minta laporan minggu ini", ("report", "minggu")),
        ("report for jabar, last 24h", ("report", "jabar 24h")),
        ("bantuan", ("help", "")),
        ("apa yang dibungkam", ("silences", "")),
        ("hello there", None),
        ("ack jbr-hub", None),
        ("restart", None),
        ("?!", None),
    ],
)
def test_the_grammar_understands(text: str, meaning: tuple[str, str] | None) -> None:
    """Indonesian and English; nothing else, and no actions."""
    assert understand(text) == meaning


@given(st.text(max_size=300))
def test_the_grammar_takes_any_text(text: str) -> None:
    """Never an action, whatever is written."""
    found = understand(text)
    assert found is None or found[0] not in {"ack", "silence", "unsilence", "restart"}


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("30m", 1800), ("4h", 14400), ("2d", 172800), ("1h30m", 5400), ("1w", 604800), ("30mnt", 1800), ("4jam", 14400),
        ("2hari", 172800), ("1MINGGU", 604800), ("0m", 0), ("5s", None), ("4", None), ("h", None), ("4hx", None),
        ("jbr-4h", None), ("", None), ("-4h", None), ("123456h", None),
    ],
)  # fmt: skip
def test_durations(word: str, seconds: int | None) -> None:
    """In both languages; minutes are `m`."""
    assert parse_duration(word) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("jbr-hub 4h reason here", ("jbr-hub", timedelta(hours=4), "reason here")),
        ("GT Pasteur 1 2 hari", ("GT Pasteur 1", timedelta(days=2), "")),
        ("GT Pasteur 1 4h", ("GT Pasteur 1", timedelta(hours=4), "")),
        ("GT 2 hari tutup", ("GT", timedelta(days=2), "tutup")),
        ("jbr-hub pulih menunggu teknisi", ("jbr-hub", None, "menunggu teknisi")),
        ("jbr-hub", None),
        ("4h", None),
        ("", None),
    ],
)
def test_requests_for_a_silence(text: str, parts: tuple[str, timedelta | None, str] | None) -> None:
    """A name of several words, then how long, then why."""
    assert split_request(text) == parts


@pytest.mark.parametrize(
    ("short", "name", "fits"),
    [
        ("jabar", "Jawa Barat", True),
        ("jateng", "Jawa Tengah", True),
        ("sumut", "Sumatera Utara", True),
        ("sulsel", "Sulawesi Selatan", True),
        ("ntb", "Nusa Tenggara Barat", True),
        ("babel", "Kepulauan Bangka Belitung", True),
        ("kepri", "Kepulauan Riau", True),
        ("jabar", "Jawa Timur", False),
        ("jaw", "Jawa", False),
        ("", "Jawa Barat", False),
    ],
)
def test_short_names_of_provinces(short: str, name: str, fits: bool) -> None:
    """Made of the beginnings of the words."""
    assert is_short_for(short, name) is fits


@given(st.sampled_from(list(Kind)), st.lists(st.text(alphabet=st.characters(exclude_characters=":")), max_size=4))
def test_callback_data_comes_back_and_is_never_too_long(kind: Kind, arguments: list[str]) -> None:
    """Whatever is packed is unpacked, or is too long for a button."""
    try:
        data = SIGNER.pack(kind, *arguments)
    except UnicodeEncodeError:
        return
    if data is None:
        return
    assert 1 <= len(data.encode()) <= LONGEST_BYTES
    assert SIGNER.unpack(data) == (kind, tuple(arguments))
    assert Signer(b"another").unpack(data) is None


@given(st.text(max_size=80))
def test_foreign_callback_data_is_no_button(data: str) -> None:
    """Without our signature nothing is read of it."""
    assert SIGNER.unpack(data) is None


def test_the_longest_ids_fit() -> None:
    """A silence's id, a large incident, the ids of Telegram's users."""
    assert SIGNER.pack(Kind.UNSILENCE, "9d3c0f6e-0000-4000-8000-000000000001") is not None
    assert SIGNER.pack(Kind.SILENCE_BACK, 2**63) is not None
    assert SIGNER.pack(Kind.RESTART, 2**52, 2**33) is not None


@pytest.mark.parametrize(
    ("matcher", "labels", "fits"),
    [
        (Matcher(name="target", value="a"), {"target": "a"}, True),
        (Matcher(name="target", value="a"), {"target": "ab"}, False),
        (Matcher(name="target", value="a.*", regex=True), {"target": "ab"}, True),
        (Matcher(name="target", value="a", regex=True), {"target": "ab"}, False),
        (Matcher(name="target", value="a", equal=False), {"target": "b"}, True),
        (Matcher(name="target", value="", equal=True), {}, True),
        (Matcher(name="target", value="(?P<", regex=True), {"target": "b"}, False),
    ],
)
def test_matchers_fit_as_in_alertmanager(matcher: Matcher, labels: dict[str, str], fits: bool) -> None:
    """Whole values; a missing label is an empty one; an expression that Python cannot read fits nothing."""
    assert matcher.fits(labels) is fits


@given(st.integers(), st.lists(st.text(max_size=900), max_size=90))
def test_every_line_stands_on_one_page_that_a_message_takes(wanted: int, lines: list[str]) -> None:
    """Whichever page was asked for, it exists; no line is lost between two."""
    spans = pages([escape(line, 900) for line in lines])
    assert [line for span in spans for line in lines[span]] == lines
    assert all(len(lines[span]) <= PER_PAGE for span in spans)
    assert all(sum(utf16(line) + 1 for line in lines[span]) < LIMIT for span in spans)
    assert 0 <= page_of(wanted, len(spans)) < len(spans)
