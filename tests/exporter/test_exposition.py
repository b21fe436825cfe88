"""The metrics as text: every line, parts, what is absent, hostile labels, and that nothing goes stale in the caches."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.engine.board import RTT_BUCKETS
from exporter.exposition import Exposition
from exporter.exposition_names import ALL_PARTS, METRICS, Part
from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Target
from exporter.outcome import CAUSES, REASONS, Cause, FailureReason, State
from exporter.roster import build_roster
from tests.exporter.web.fakes import FakeView
from tests.exporter.web.sample import INVENTORY, isolated, make_board, make_roster, neutral_verdict, sample_verdict
from tools.debian import ensure

if TYPE_CHECKING:
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict

THREE = frozenset({Part.STATE, Part.PROBES, Part.INFO})


def _samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample by name and labels; a series that appears twice fails."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def _one_target() -> Inventory:
    target = Target(
        id="jbr-1",
        name="GT Pasteur",
        region="JBR",
        address="10.0.0.1",
        probe=ProbeSpec(kind=ProbeKind.ICMP),
        settings=Profile(),
        kind="toll-gate",
    )
    return Inventory(regions=(Region(id="JBR", name="Jawa Barat"),), targets=(target,))


WHOLE_TEXT = """\
vpn_target_state_code{target="jbr-1",region="JBR"} 2
vpn_target_outage{target="jbr-1",region="JBR"} 0
vpn_region_state{region="JBR",state="down"} 0
vpn_region_state{region="JBR",state="low"} 0
vpn_region_state{region="JBR",state="up"} 1
vpn_region_state{region="JBR",state="unknown"} 0
vpn_region_outage{region="JBR"} 0
vpn_monitor_isolated 0
vpn_monitor_impaired{reason="stuck"} 0
vpn_monitor_impaired{reason="receive_drops"} 0
vpn_monitor_impaired{reason="late"} 0
vpn_monitor_impaired{reason="reply_wait"} 0
vpn_monitor_impaired{reason="clock_step"} 0
vpn_monitor_impaired{reason="code_changed"} 0
vpn_target_state{target="jbr-1",region="JBR",state="down"} 0
vpn_target_state{target="jbr-1",region="JBR",state="low"} 0
vpn_target_state{target="jbr-1",region="JBR",state="up"} 1
vpn_target_state{target="jbr-1",region="JBR",state="unknown"} 0
vpn_target_state_timestamp_seconds{target="jbr-1",region="JBR"} 1795596400.0
vpn_target_rtt_seconds{target="jbr-1",region="JBR"} 0.0123
vpn_target_last_rtt_seconds{target="jbr-1",region="JBR"} 0.0119
vpn_target_jitter_seconds{target="jbr-1",region="JBR"} 0.0004
vpn_target_loss_ratio{target="jbr-1",region="JBR"} 0.0
vpn_target_probes_total{target="jbr-1",region="JBR"} 100
vpn_target_probe_failures_total{target="jbr-1",region="JBR",reason="timeout"} 0
vpn_region_rtt_seconds_bucket{region="JBR",le="0.005"} 0
vpn_region_rtt_seconds_bucket{region="JBR",le="0.01"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.025"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.05"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.1"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.15"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.25"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.4"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.6"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="0.9"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="1.5"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="2.5"} 3
vpn_region_rtt_seconds_bucket{region="JBR",le="+Inf"} 5
vpn_region_rtt_seconds_sum{region="JBR"} 7.25
vpn_region_rtt_seconds_count{region="JBR"} 5
vpn_target_info{target="jbr-1",region="JBR",name="GT Pasteur",address="10.0.0.1",probe="icmp",kind="toll-gate",\
profile="fiber",gateway="",role="site",latitude="",longitude=""} 1
vpn_region_info{region="JBR",name="Jawa Barat",latitude="",longitude=""} 1
vpn_profile_low_rtt_seconds{profile="fiber"} 0.15
"""


def test_the_whole_text_of_one_target() -> None:
    """Every line, in order: 13 series and an info metric; both processes' histograms are one."""
    roster = make_roster(_one_target())
    board = make_board(roster)
    board.region["rtt_buckets"][0, 0, 1] = 2
    board.region["rtt_buckets"][1, 0, 1] = 1
    board.region["rtt_buckets"][1, 0, -1] = 2
    board.region["rtt_sum"][:, 0] = (0.02, 7.23)
    text = Exposition(board).render(ALL_PARTS, roster, neutral_verdict(roster)).decode()
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("#")]
    assert "".join(lines) == WHOLE_TEXT
    own = [line for line in lines if 'target="jbr-1"' in line and "_info" not in line]
    assert len(own) == 13


def test_help_and_type_stand_once_before_their_samples() -> None:
    """The text format wants each family in one block."""
    roster = make_roster()
    text = Exposition(make_board(roster)).render(ALL_PARTS, roster, sample_verdict(roster)).decode()
    assert text.endswith("\n")
    assert "\n\n" not in text
    blocks = [name for name, _ in _blocks(text)]
    assert blocks == list(METRICS)
    for name, lines in _blocks(text):
        assert all(re.match(rf"{name}(_bucket|_sum|_count)?[{{ ]", line) for line in lines), name
        _, kind, words = METRICS[name]
        assert f"# HELP {name} {words}\n# TYPE {name} {kind}\n" in text


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """Return (metric, its sample lines) in the order of the text."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("# HELP"):
            found.append((line.split()[2], []))
        elif not line.startswith("#"):
            found[-1][1].append(line)
    return found


def test_a_provider_that_fell_is_named() -> None:
    """As what its targets' outages come from: VPNSharedFate counts by it."""
    at_provider = [replace(one, provider="XL") if one.id == "jbr-1" else one for one in INVENTORY.targets]
    roster = build_roster(replace(INVENTORY, targets=tuple(at_provider)))
    verdict = neutral_verdict(roster)
    cause = verdict.cause.copy()
    cause[roster.slot_of["jbr-1"]] = CAUSES.index(Cause.PROVIDER)
    text = Exposition(make_board(roster)).render(THREE, roster, replace(verdict, cause=cause)).decode()
    assert 'vpn_target_cause{target="jbr-1",region="JBR",cause="provider",culprit="XL"} 1' in text


def test_trouble_is_told_with_cause_culprit_and_numbers() -> None:
    """Each series that exists only while something is wrong."""
    roster = make_roster()
    found = _samples(Exposition(make_board(roster)).render(THREE, roster, sample_verdict(roster)).decode())

    def value(name: str, **labels: str) -> float | None:
        return found.get((name, frozenset(labels.items())))

    banten = {"region": "BTN"}
    assert value("vpn_target_cause", target="btn-4", cause="hub", culprit="btn-4", **banten) == 1
    assert value("vpn_target_cause", target="btn-5", cause="hub", culprit="btn-4", **banten) == 1
    assert value("vpn_target_cause", target="kal-9", cause="region", culprit="KAL", region="KAL") == 1
    assert value("vpn_target_outage", target="btn-4", **banten) == 1
    assert value("vpn_target_outage", target="btn-5", **banten) == 0
    assert value("vpn_target_cut_off", target="btn-4", **banten) == 2
    assert value("vpn_target_cut_off", target="jbr-1", region="JBR") == 0
    assert value("vpn_target_cut_off", target="btn-5", **banten) is None
    assert value("vpn_target_flapping", target="jbr-2", region="JBR") == 1
    assert value("vpn_target_flapping", target="jbr-1", region="JBR") is None
    assert value("vpn_target_pending", target="jbr-3", region="JBR", state="down") == 4
    assert value("vpn_region_outage", region="KAL") == 1
    assert value("vpn_region_state", region="JBR", state="low") == 1
    assert value("vpn_target_state_code", target="btn-4", **banten) == 0
    assert value("vpn_target_state_code", target="sum-10", region="SUM") == 3


def test_what_is_not_known_is_absent() -> None:
    """A failed probe has no RTT: never 0, -1 or the timeout."""
    roster = make_roster()
    text = Exposition(make_board(roster)).render(THREE, roster, sample_verdict(roster)).decode()
    assert 'vpn_target_last_rtt_seconds{target="btn-4"' not in text
    assert 'vpn_target_rtt_seconds{target="btn-4",region="BTN"} 0.0123' in text
    for name in ("rtt_seconds", "last_rtt_seconds", "jitter_seconds", "loss_ratio"):
        assert f'vpn_target_{name}{{target="sum-10"' not in text
    assert " nan" not in text.lower()


def test_blindness_is_told() -> None:
    """Isolated and impaired, with the reason."""
    roster = make_roster()
    text = Exposition(make_board(roster)).render(frozenset({Part.STATE}), roster, isolated(sample_verdict(roster)))
    assert b"\nvpn_monitor_isolated 1\n" in text
    assert b'vpn_monitor_impaired{reason="late"} 1\n' in text
    assert b'vpn_monitor_impaired{reason="stuck"} 0\n' in text


@pytest.mark.parametrize("part", [Part.STATE, Part.PROBES, Part.INFO])
def test_a_part_has_its_own_metrics_only(part: Part) -> None:
    """Several jobs scrape several parts; together they are the whole."""
    roster = make_roster()
    text = Exposition(make_board(roster)).render(frozenset({part}), roster, sample_verdict(roster)).decode()
    names = [name for name, _ in _blocks(text)]
    assert names == [name for name, (owner, _, _) in METRICS.items() if owner is part]


def test_failure_reasons_come_with_their_first_event() -> None:
    """The series budget: timeout always, the others once they happened."""
    roster = make_roster(_one_target())
    board = make_board(roster)
    exposition = Exposition(board)
    verdict = neutral_verdict(roster)
    before = exposition.render(frozenset({Part.PROBES}), roster, verdict).decode()
    assert before.count("vpn_target_probe_failures_total{") == 1
    board.slot["failures_total"][0, REASONS.index(FailureReason.UNREACHABLE)] = 3
    after = exposition.render(frozenset({Part.PROBES}), roster, verdict).decode()
    assert 'vpn_target_probe_failures_total{target="jbr-1",region="JBR",reason="unreachable"} 3\n' in after
    assert 'reason="timeout"} 0\n' in after


def test_a_slot_that_changed_hands_shows_no_foreign_counter() -> None:
    """Between a reload and the judge's next word, a slot may already count for another target."""
    roster = make_roster(_one_target())
    board = make_board(roster)
    exposition = Exposition(board)
    verdict = neutral_verdict(roster)
    assert b"vpn_target_probes_total{" in exposition.render(THREE, roster, verdict)
    board.clear_slot(0, 99)
    assert b"vpn_target_probes_total{" not in exposition.render(THREE, roster, verdict)


def test_removed_targets_vanish_and_others_stay() -> None:
    """A reload builds the lines anew; a freed slot leaves no series."""
    roster = make_roster()
    board = make_board(roster)
    exposition = Exposition(board)
    exposition.render(ALL_PARTS, roster, sample_verdict(roster))
    smaller = replace(INVENTORY, targets=INVENTORY.targets[:3], regions=INVENTORY.regions[:1])
    after = build_roster(smaller, roster)
    text = exposition.render(ALL_PARTS, after, neutral_verdict(after)).decode()
    assert "btn-" not in text
    assert "BTN" not in text
    assert text.count("vpn_target_state_code{") == 3
    assert text == Exposition(board).render(ALL_PARTS, after, neutral_verdict(after)).decode()


_CODES = st.lists(st.integers(0, 3), min_size=10, max_size=10)
_RTTS = st.lists(st.one_of(st.none(), st.floats(0, 5)), min_size=10, max_size=10)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(_CODES, _RTTS), min_size=2, max_size=5))
def test_lines_that_are_kept_never_go_stale(steps: list[tuple[list[int], list[float | None]]]) -> None:
    """Whatever changed in whatever order, the text is the one that a fresh exposition gives."""
    roster = make_roster()
    board = make_board(roster)
    exposition = Exposition(board)
    for codes, rtts in steps:
        verdict = _with(neutral_verdict(roster), roster, codes, rtts)
        kept = exposition.render(ALL_PARTS, roster, verdict)
        assert kept == Exposition(board).render(ALL_PARTS, roster, verdict)


def _with(verdict: Verdict, roster: Roster, codes: list[int], rtts: list[float | None]) -> Verdict:
    for slot, code, rtt in zip(roster.slot_of.values(), codes, rtts, strict=True):
        verdict.code[slot] = code
        verdict.rtt[slot] = verdict.last_rtt[slot] = np.nan if rtt is None else rtt
        verdict.outage[slot] = code == State.DOWN
    return verdict


_HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(deadline=None, max_examples=150)
@given(_HOSTILE, _HOSTILE, _HOSTILE)
def test_hostile_labels_come_back_as_they_went(name: str, identifier: str, region: str) -> None:
    """Quotes, backslashes, line ends, braces: whatever a file says survives the text format."""
    target = replace(_one_target().targets[0], id=identifier, name=name, region=region, kind=name)
    inventory = Inventory(regions=(Region(id=region, name=name),), targets=(target,))
    roster = make_roster(inventory)
    text = Exposition(make_board(roster)).render(ALL_PARTS, roster, neutral_verdict(roster)).decode()
    found = _samples(text)
    labels = frozenset({"target": identifier, "region": region}.items())
    assert found["vpn_target_state_code", labels] == 2
    info = next(dict(pairs) for (metric, pairs) in found if metric == "vpn_target_info")
    assert (info["name"], info["target"], info["region"], info["kind"]) == (name, identifier, region, name)


def test_bucket_bounds_are_no_integers() -> None:
    """Prometheus 2 and 3 write `le` of integers differently; that would break recorded series on an upgrade."""
    assert [bound for bound in RTT_BUCKETS if float(bound).is_integer()] == []


def test_promtool_has_nothing_to_say() -> None:
    """`promtool check metrics` is silent about the whole text, engine part included."""
    view = FakeView()
    text = view.exposition.render(ALL_PARTS, *view.snapshot())
    promtool = ensure("prometheus")["promtool"]
    checked = subprocess.run([str(promtool), "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.stdout + checked.stderr).decode() == ""
    assert checked.returncode == 0


def test_every_series_is_there_once_in_all_parts() -> None:
    """Engine part included, no name is used twice."""
    view = FakeView()
    text = view.exposition.render(ALL_PARTS, *view.snapshot()).decode()
    assert len(_samples(text)) == sum(not line.startswith("#") for line in text.splitlines())
