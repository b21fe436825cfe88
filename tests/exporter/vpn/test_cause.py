"""When an outage is the tunnel's: known to be down, and nothing wider explains it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.outcome import CAUSES, Cause, State
from exporter.roster import build_roster
from exporter.vpn.cause import TunnelCauses, tunnel_owners
from exporter.vpn.facts import Finding, TunnelFact
from tests.exporter.vpn.rows import inventory, target
from tests.exporter.web.sample import neutral_verdict

if TYPE_CHECKING:
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict

HUB = target("hub", tunnel="openvpn:bandung")
INNER = target("inner", gateway="hub")
SITE = target("site-1", gateway="inner")
OWN = target("site-own", gateway="inner", tunnel="openvpn:own")
ALONE = target("stand-alone")
ROSTER = build_roster(inventory(HUB, INNER, SITE, OWN, ALONE))


def _fact(*, up: bool | None, finding: Finding = Finding.NOT_CONNECTED) -> TunnelFact:
    return TunnelFact(kind="openvpn", peer="bandung", up=up, finding=finding)


DOWN = {"hub": _fact(up=False)}


def _fallen(*names: str, cause: Cause = Cause.UNKNOWN, roster: Roster = ROSTER) -> Verdict:
    """Return a verdict in which these are in outages of their own, and all others up."""
    verdict = neutral_verdict(roster)
    for name in names:
        slot = roster.slot_of[name]
        verdict.code[slot] = State.DOWN
        verdict.outage[slot] = True
        verdict.cause[slot] = CAUSES.index(cause)
    return verdict


def _causes(verdict: Verdict, roster: Roster = ROSTER) -> dict[str, str]:
    slots = {name: slot for name, slot in roster.slot_of.items() if verdict.cause[slot] >= 0}
    return {name: CAUSES[int(verdict.cause[slot])].value for name, slot in slots.items()}


ALL_BEHIND = ("hub", "inner", "site-1", "site-own")


def test_sites_are_behind_the_tunnel_of_the_nearest_gateway() -> None:
    """At any depth; one's own tunnel goes first; without any there is none."""
    owner = tunnel_owners(ROSTER)
    names = {slot: name for name, slot in ROSTER.slot_of.items()}
    found = {name: names.get(int(owner[slot])) for name, slot in ROSTER.slot_of.items()}
    assert found == {"hub": "hub", "inner": "hub", "site-1": "hub", "site-own": "site-own", "stand-alone": None}


@pytest.mark.parametrize("guess", [Cause.UNKNOWN, Cause.DEVICE, Cause.SITE])
def test_a_tunnel_known_to_be_down_is_the_cause(guess: Cause) -> None:
    verdict = TunnelCauses().refine(_fallen("hub", "inner", "site-1", cause=guess), ROSTER, DOWN)
    assert _causes(verdict) == {"hub": "tunnel", "inner": "tunnel", "site-1": "tunnel"}


@pytest.mark.parametrize("guess", [Cause.PROVIDER, Cause.HUB, Cause.REGION, Cause.UPLINK, Cause.ENGINE])
def test_what_explains_more_stays(guess: Cause) -> None:
    """A provider that has fallen takes its tunnels with it."""
    before = _fallen("hub", "inner", "site-1", cause=guess)
    assert TunnelCauses().refine(before, ROSTER, DOWN) is before


@pytest.mark.parametrize(
    "fact",
    [
        _fact(up=None, finding=Finding.STALE),
        _fact(up=True, finding=Finding.CONNECTED),
    ],
    ids=["unknown", "up"],
)
def test_only_a_tunnel_known_to_be_down_counts(fact: TunnelFact) -> None:
    before = _fallen("hub", "inner", "site-1")
    assert TunnelCauses().refine(before, ROSTER, {"hub": fact}) is before


def test_a_tunnel_through_which_something_answers_is_not_down() -> None:
    """Whatever its server says: the table may be older than the recovery, or the name another's."""
    before = _fallen("hub", "inner")
    assert before.code[ROSTER.slot_of["site-1"]] == State.UP
    assert TunnelCauses().refine(before, ROSTER, DOWN) is before


NEVER = {"hub": _fact(up=False, finding=Finding.NEVER_CONNECTED)}


def test_a_client_that_has_never_connected_is_down_like_any_other() -> None:
    """A new site, or a restart of the exporter in the middle of an outage."""
    verdict = TunnelCauses().refine(_fallen("hub", "inner", "site-1"), ROSTER, NEVER)
    assert set(_causes(verdict).values()) == {"tunnel"}


def test_a_misspelt_name_is_no_cause() -> None:
    """The target answered although its client was never listed: then the name is another's, until it is listed."""
    causes = TunnelCauses()
    healthy = _fallen()
    assert causes.refine(healthy, ROSTER, NEVER) is healthy
    before = _fallen("hub", "inner", "site-1")
    assert causes.refine(before, ROSTER, NEVER) is before
    assert causes.refine(before, ROSTER, dict(NEVER)) is before
    causes.refine(_fallen(), ROSTER, {"hub": _fact(up=True, finding=Finding.CONNECTED)})
    verdict = causes.refine(_fallen("hub", "inner", "site-1"), ROSTER, DOWN)
    assert set(_causes(verdict).values()) == {"tunnel"}


def test_others_are_left_alone() -> None:
    """Who is up, who has another tunnel, who has none, and who is cut off."""
    verdict = TunnelCauses().refine(_fallen(*ALL_BEHIND, "stand-alone"), ROSTER, DOWN)
    assert _causes(verdict) == {
        "hub": "tunnel",
        "inner": "tunnel",
        "site-1": "tunnel",
        "site-own": "unknown",
        "stand-alone": "unknown",
    }
    cut_off = _fallen("hub", "inner", "site-1", cause=Cause.HUB)
    cut_off.outage[ROSTER.slot_of["site-1"]] = False
    assert TunnelCauses().refine(cut_off, ROSTER, DOWN) is cut_off


def test_a_cause_once_named_stays_until_the_outage_ends() -> None:
    """The tunnel is back before the site answers: what the outage came from has not changed."""
    causes = TunnelCauses()
    fallen = _fallen("hub", "inner", "site-1")
    causes.refine(fallen, ROSTER, DOWN)
    back = {"hub": _fact(up=True, finding=Finding.CONNECTED)}
    assert _causes(causes.refine(_fallen("hub"), ROSTER, back)) == {"hub": "tunnel"}
    healthy = _fallen()
    assert causes.refine(healthy, ROSTER, back) is healthy
    again = _fallen("hub", "inner", "site-1")
    assert causes.refine(again, ROSTER, back) is again


def test_the_verdict_that_was_given_is_not_written_to() -> None:
    """Verdicts are read by other threads."""
    before = _fallen("hub", "inner", "site-1")
    kept = before.cause.copy()
    assert TunnelCauses().refine(before, ROSTER, DOWN) is not before
    assert np.array_equal(before.cause, kept)


def test_another_roster_is_looked_at_anew() -> None:
    """After a reload slots belong to others; an outage of a target that was replaced is another one."""
    causes = TunnelCauses()
    causes.refine(_fallen("hub", "inner", "site-1"), ROSTER, DOWN)
    moved = replace(HUB, address="10.20.0.99")
    roster = build_roster(inventory(moved, INNER, SITE, ALONE), ROSTER)
    unknown = {"hub": _fact(up=None, finding=Finding.STALE)}
    verdict = causes.refine(_fallen("hub", "inner", "site-1", roster=roster), roster, unknown)
    assert _causes(verdict, roster) == {"hub": "unknown", "inner": "tunnel", "site-1": "tunnel"}
    fresh = causes.refine(_fallen("hub", "inner", "site-1", roster=roster), roster, DOWN)
    assert set(_causes(fresh, roster).values()) == {"tunnel"}
