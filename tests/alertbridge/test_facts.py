"""Facts of an incident over time: when its trouble began, and what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from alertbridge.facts import Facts, from_item, from_json, merge, reads_differently

BEGAN, LATER = "2026-11-25T07:03:12Z", "2026-11-25T07:09:00Z"


def test_the_first_look_that_finds_the_trouble_dates_it() -> None:
    """A look before it does not."""
    early = merge(Facts(), Facts(state="up", state_since=BEGAN), bad_state="low")
    assert early.bad_since is None
    assert merge(early, Facts(state="low", state_since=LATER), bad_state="low").bad_since == LATER


def test_blindness_does_not_begin_the_trouble_anew() -> None:
    """LOW, unknown, LOW: the exporter's state_since is newer, the trouble is the same."""
    facts = merge(Facts(), Facts(state="low", state_since=BEGAN), bad_state="low")
    facts = merge(facts, Facts(state="unknown", state_since="2026-11-25T07:08:00Z"), bad_state="low")
    facts = merge(facts, Facts(state="low", state_since=LATER), bad_state="low")
    assert facts.bad_since == BEGAN


def test_what_gets_worse_begins_when_it_got_worse() -> None:
    """LOW since 14:03, DOWN since 14:09: the DOWN is told with its own begin."""
    facts = merge(Facts(), Facts(state="low", state_since=BEGAN), bad_state="low")
    assert merge(facts, Facts(state="down", state_since=LATER), bad_state="down").bad_since == LATER


def test_a_silence_keeps_its_begin_when_the_exporter_forgets_it() -> None:
    """Its memory holds 128 probes."""
    first = Facts(state="down", state_since=BEGAN, silent_since="2026-11-25T07:03:08Z", newest_failure="timeout")
    facts = merge(merge(Facts(), first, bad_state="down"), Facts(state="down", state_since=BEGAN), bad_state="down")
    assert (facts.silent_since, facts.newest_failure) == ("2026-11-25T07:03:08Z", "timeout")


def test_what_was_before_belongs_to_the_silence_that_it_is_told_with() -> None:
    """A lone answer in the middle of the outage is not "before"; another episode has its own."""
    before, later = (BEGAN, 0.038, 0.0), (LATER, 0.9, 0.5)
    first = Facts(state="down", state_since=BEGAN, silent_since=BEGAN, last_measured=before)
    again = Facts(state="down", state_since=BEGAN, silent_since=LATER, last_measured=later)
    told = merge(Facts(), first, bad_state="down")
    assert merge(told, again, bad_state="down").last_measured == before
    assert merge(replace(told, bad_since=None), again, bad_state="down").last_measured == later
    forgotten = Facts(state="down", state_since=BEGAN)
    assert merge(told, forgotten, bad_state="down").last_measured == before
    assert reads_differently(forgotten, first)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"at": BEGAN, "rtt_seconds": 0.038, "loss_ratio": 0.05}, (BEGAN, 0.038, 0.05)),
        ({"at": BEGAN, "rtt_seconds": 0.038, "loss_ratio": None}, (BEGAN, 0.038, None)),
        ({"at": BEGAN, "rtt_seconds": None, "loss_ratio": 0.0}, None),
        ({"at": "soon", "rtt_seconds": 0.038, "loss_ratio": 0.0}, None),
        (None, None),
    ],
)
def test_what_was_before_is_whole_or_absent(item: Any, expected: Any) -> None:
    """An older exporter has no such field; the store gives back what it got."""
    facts = from_item({"state": "down", "last_measured": item}, is_region=False, as_of=None)
    assert facts.last_measured == expected
    assert from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_reasons_survive_the_store() -> None:
    """JSON has no tuples; nonsense from a peer is left out."""
    item = {"state": "low", "low_reasons": [{"reason": "rtt", "value": 0.2, "limit": 0.15}, {"reason": 7}, "x"]}
    facts = from_item(item, is_region=False, as_of=None)
    assert facts.low_reasons == (("rtt", 0.2, 0.15),)
    assert (
        from_json(
            {key: [list(r) for r in value] if key == "low_reasons" else value for key, value in facts.to_json().items()}
        )
        == facts
    )
