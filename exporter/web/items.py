"""Snapshot -> the items of the JSON API: pure, plain dictionaries, absent values None.

The keys are public interface: alertbridge and others read them. docs/api.md lists them.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from exporter.outcome import CAUSES, REASONS, UNKNOWN_REASONS, State, Status
from exporter.state.verdict import NO_STATE, culprit_id
from exporter.web.evidence_row import last_measured, low_reasons, silences
from exporter.web.tunnel_row import tunnel_item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict
    from exporter.vpn.facts import TunnelReport
    from exporter.web.index import RosterIndex
    from exporter.web.view import OutageRow, ProbeRow

_DECIMALS = 6  # microseconds


def rfc3339(seconds: float | None) -> str | None:
    """Return Unix seconds as RFC 3339 in UTC with milliseconds; None stays None."""
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(value: float) -> float | None:
    """Return a float rounded to microseconds; NaN becomes None."""
    return None if math.isnan(value) else round(value, _DECIMALS)


def target_items(
    index: RosterIndex, verdict: Verdict, board: Board, slots: Sequence[int], tunnels: TunnelReport
) -> list[dict[str, Any]]:
    """Return one item per slot, in the order given."""
    seen = _newest_probes(board, index.roster)
    items = [_target_item(index, verdict, board, slot, seen) for slot in slots]
    silent = silences(board, index.roster, verdict, slots)
    before = last_measured(board, index.roster, verdict, slots)
    for item, slot in zip(items, slots, strict=True):
        since, reason = silent.get(slot, (None, None))
        item["silent_since"], item["newest_failure"] = rfc3339(since), reason
        item["last_measured"] = _measured_item(before[slot]) if slot in before else None
        item["low_reasons"] = low_reasons(board, index.roster, verdict, slot)
        fact = tunnels.facts.get(item["id"])
        item["tunnel"] = tunnel_item(fact, rfc3339(fact.handshake_at) if fact is not None else None)
    return items


def _measured_item(measured: tuple[float, float, float | None]) -> dict[str, Any]:
    """Return what was last measured of a target that is DOWN."""
    at, rtt, loss = measured
    return {
        "at": rfc3339(at),
        "rtt_seconds": number(rtt),
        "loss_ratio": round(loss, _DECIMALS) if loss is not None else None,
    }


def _target_item(
    index: RosterIndex, verdict: Verdict, board: Board, slot: int, seen: NDArray[np.float64]
) -> dict[str, Any]:
    roster = index.roster
    target = index.target(slot)
    region = index.region_of[target.region]
    state = State(int(verdict.code[slot]))
    unknown = state is State.UNKNOWN
    last_known = State(int(verdict.last_known[slot]))
    cause = int(verdict.cause[slot])
    pending = int(verdict.pending_state[slot])
    ours = bool(board.slot["generation"][slot] == roster.generation[slot])
    return {
        "id": target.id,
        "name": target.name,
        "region": target.region,
        "region_name": region.name,
        "timezone": region.timezone,
        "kind": target.kind or None,
        "address": target.address,
        "probe": target.probe.text,
        "profile": target.settings.name,
        "gateway": target.gateway,
        "role": target.role.value,
        "latitude": target.latitude,
        "longitude": target.longitude,
        "provider": target.provider,
        "model": target.model,
        "state": state.word,
        "state_since": rfc3339(float(verdict.since[slot])),
        "unknown_reason": UNKNOWN_REASONS[int(verdict.unknown_reason[slot])].value or None if unknown else None,
        "last_known": last_known.word if unknown and last_known is not State.UNKNOWN else None,
        "outage": bool(verdict.outage[slot]),
        "cut_off": bool(verdict.cut_off[slot]),
        "cut_off_targets": int(verdict.cut_off_count[slot]),
        "cause": CAUSES[cause].value if cause >= 0 else None,
        "culprit": culprit_id(verdict, roster, slot),
        "flapping": bool(verdict.flapping[slot]),
        "pending": None
        if pending == NO_STATE
        else {"state": State(pending).word, "probes": int(verdict.pending_probes[slot])},
        "rtt_seconds": number(float(verdict.rtt[slot])),
        "last_rtt_seconds": number(float(verdict.last_rtt[slot])),
        "jitter_seconds": number(float(verdict.jitter[slot])),
        "loss_ratio": number(float(verdict.loss[slot])),
        "probes_total": int(board.slot["probes_total"][slot].item()) if ours else None,
        "last_probe_at": rfc3339(float(seen[slot])),
    }


def _newest_probes(board: Board, roster: Roster) -> NDArray[np.float64]:
    """Return the UTC send time of each slot's newest grid probe; NaN: none yet."""
    count = board.slot["grid_count"][: roster.size].astype(np.int64)
    ring = board.slot["grid_sent_at"]
    sent: NDArray[np.float64] = ring[np.arange(roster.size), (count - 1) % ring.shape[1]].astype(np.float64)
    known = (count > 0) & (sent > 0) & (board.slot["generation"][: roster.size] == roster.generation)
    return np.where(known, sent + (time.time() - time.monotonic()), np.nan)


def region_items(roster: Roster, verdict: Verdict) -> list[dict[str, Any]]:
    """Return one item per region, in the order of targets.yml."""
    counts, cut_off = state_counts(roster, verdict)
    items: list[dict[str, Any]] = []
    for region in roster.inventory.regions:
        row = roster.region_index_of[region.id]
        items.append(
            {
                "id": region.id,
                "name": region.name,
                "latitude": region.latitude,
                "longitude": region.longitude,
                "timezone": region.timezone,
                "state": State(int(verdict.region_code[row])).word,
                "state_since": rfc3339(float(verdict.region_since[row])),
                "outage": bool(verdict.region_outage[row]),
                "targets": int(counts[row].sum()),
                **{state.word: int(counts[row, state]) for state in (State.UP, State.LOW, State.DOWN, State.UNKNOWN)},
                "cut_off": int(cut_off[row]),
            }
        )
    return items


def state_counts(roster: Roster, verdict: Verdict) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return targets per region index and state (regions, 4), and those cut off (regions,)."""
    slots = np.flatnonzero(roster.is_target)
    regions = roster.region[slots]
    size = len(roster.regions)
    counts = np.bincount(regions * len(State) + verdict.code[slots], minlength=size * len(State))
    return counts.reshape(size, len(State)), np.bincount(regions[verdict.cut_off[slots]], minlength=size)


def log_item(index: RosterIndex, row: ProbeRow) -> dict[str, Any]:
    """Return one line of the ping log."""
    target = index.target(row.slot)
    return {
        "time": rfc3339(row.sent_at),
        "target": target.id,
        "region": target.region,
        "sequence": row.sequence,
        "kind": "confirmation" if row.confirmation else "grid",
        "result": result_word(row.status),
        "rtt_seconds": number(row.rtt_seconds) if row.rtt_seconds is not None else None,
    }


def result_word(status: int) -> str:
    """Return how a probe ended: reply, pending, void, or the reason of its failure."""
    if status >= Status.FIRST_FAILURE:
        return REASONS[status - Status.FIRST_FAILURE].value
    return Status(status).name.lower()


def pipeline_item(index: RosterIndex, verdict: Verdict, slot: int) -> dict[str, Any]:
    """Return one state change that is near."""
    target = index.target(slot)
    return {
        "target": target.id,
        "name": target.name,
        "region": target.region,
        "state": State(int(verdict.code[slot])).word,
        "state_since": rfc3339(float(verdict.since[slot])),
        "pending_state": State(int(verdict.pending_state[slot])).word,
        "probes_missing": int(verdict.pending_probes[slot]),
    }


def outage_item(row: OutageRow, now: float) -> dict[str, Any]:
    """Return one outage; one that lasts has no end, and its duration so far."""
    lasted = (row.end if row.end is not None else now) - row.start
    return {
        "start": rfc3339(row.start),
        "end": rfc3339(row.end),
        # Where the wall clock was set back, the end lies before the beginning: how long it lasted is not known.
        "duration_seconds": round(lasted, 3) if lasted >= 0 else None,
        "target": row.target,
        "region": row.region,
        "name": row.name,
        "cause": row.cause,
        "culprit": row.culprit,
    }
