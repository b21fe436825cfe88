"""What `/metrics` says: arrays -> text format 0.0.4, one part at a time.

Names, labels and parts are design section 7, kept in exposition_names.py. Each part has its own lock, so that the fast
scrape of the states never waits for the big one, and its own prepared blocks, which are built again only for a new
roster. A state line that did not change is not formatted again.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.engine.board import RTT_BUCKETS
from exporter.exposition_limits import limit_families
from exporter.exposition_lines import HistogramBlock, StateSetBlock, ValueBlock, open_labels
from exporter.exposition_low import low_lines
from exporter.exposition_names import HEADERS, Part
from exporter.exposition_tunnels import tunnel_families
from exporter.inventory.model import Role
from exporter.outcome import CAUSES, IMPAIRED_REASONS, REASONS, Cause, FailureReason, State
from exporter.state.verdict import NO_STATE, culprit_id
from exporter.vpn.facts import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from exporter.engine.board import Board
    from exporter.inventory.model import Region, Target
    from exporter.roster import Roster
    from exporter.state.verdict import Verdict
    from exporter.vpn.facts import TunnelReport

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_TIMEOUT: Final = REASONS.index(FailureReason.TIMEOUT)


class Exposition:
    """Renders the metrics. `render` may be called from any thread."""

    def __init__(
        self,
        board: Board,
        *,
        engine: Callable[[], bytes] = bytes,
        tunnels: Callable[[], TunnelReport] = lambda: NOTHING,
    ) -> None:
        """Prepare an exposition.

        Args:
            board: counters and histograms are read from it at each rendering.
            engine: renders the part `engine`, ending with a line end.
            tunnels: returns the newest tunnel facts; must not wait.
        """
        self._parts: dict[Part, _Part] = {
            Part.STATE: _StatePart(board),
            Part.PROBES: _ProbesPart(board),
            Part.INFO: _InfoPart(tunnels),
        }
        self._engine = engine

    def render(self, parts: frozenset[Part], roster: Roster, verdict: Verdict) -> bytes:
        """Return the parts as one text, in a fixed order.

        Args:
            parts: which ones; ALL_PARTS for everything.
            roster: who sits where.
            verdict: the judge's word on exactly that roster.
        """
        texts = [part.render(roster, verdict) for name, part in self._parts.items() if name in parts]
        if Part.ENGINE in parts:
            texts.append(self._engine())
        return b"".join(texts)


class _Seats:
    """What all blocks of a part share for one roster."""

    def __init__(self, roster: Roster) -> None:
        self.slots: NDArray[np.intp] = np.flatnonzero(roster.is_target)  # of the targets, in slot order
        self.targets: list[Target] = [target for target in roster.targets if target is not None]
        self.pairs = [open_labels(target=target.id, region=target.region) for target in self.targets]
        self.labels = [f"{{{pairs}}} " for pairs in self.pairs]
        self.regions: list[Region] = [region for region in roster.regions if region is not None]
        rows = [index for index, region in enumerate(roster.regions) if region is not None]
        self.region_rows: NDArray[np.intp] = np.array(rows, dtype=np.intp)
        self.region_pairs = [open_labels(region=region.id) for region in self.regions]


class _Part(ABC):
    """One part: blocks for the present roster, behind a lock of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roster: Roster | None = None

    def render(self, roster: Roster, verdict: Verdict) -> bytes:
        """Return the part's lines, the last one ended."""
        with self._lock:
            if roster is not self._roster:
                self._prepare(roster)
                self._roster = roster
            families = self._families(roster, verdict)
            return "".join(f"{HEADERS[name]}{lines}\n" for name, lines in families.items()).encode()

    @abstractmethod
    def _prepare(self, roster: Roster) -> None:
        """Build the blocks for a new roster."""

    @abstractmethod
    def _families(self, roster: Roster, verdict: Verdict) -> dict[str, str]:
        """Return the lines of each metric, each line begun by a line end."""


class _StatePart(_Part):
    """States, outages and causes: what alerts read."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    def _prepare(self, roster: Roster) -> None:
        self._seats = seats = _Seats(roster)
        self._code = ValueBlock("vpn_target_state_code", seats.labels)
        self._outage = ValueBlock("vpn_target_outage", seats.labels)
        hubs = [row for row, target in enumerate(seats.targets) if target.role is Role.HUB]
        self._hub_slots = seats.slots[hubs]
        self._cut_off = ValueBlock("vpn_target_cut_off", [seats.labels[row] for row in hubs])
        self._region_state = StateSetBlock("vpn_region_state", seats.region_pairs)
        self._region_outage = ValueBlock("vpn_region_outage", [f"{{{pairs}}} " for pairs in seats.region_pairs])

    def _families(self, roster: Roster, verdict: Verdict) -> dict[str, str]:
        slots, rows = self._seats.slots, self._seats.region_rows
        impaired = [
            f'\nvpn_monitor_impaired{{reason="{why}"}} {int(why in verdict.impaired)}' for why in IMPAIRED_REASONS
        ]
        return {
            "vpn_target_state_code": self._code.render(verdict.code[slots]),
            "vpn_target_outage": self._outage.render(verdict.outage[slots].astype(np.uint8)),
            "vpn_target_cause": self._causes(roster, verdict),
            "vpn_target_low_reason": low_lines(self._board, roster, verdict, slots, self._seats.pairs),
            "vpn_target_cut_off": self._cut_off.render(verdict.cut_off_count[self._hub_slots]),
            "vpn_target_flapping": self._flapping(verdict),
            "vpn_target_pending": self._pending(verdict),
            "vpn_region_state": self._region_state.render(verdict.region_code[rows]),
            "vpn_region_outage": self._region_outage.render(verdict.region_outage[rows].astype(np.uint8)),
            "vpn_monitor_isolated": f"\nvpn_monitor_isolated {int(verdict.isolated)}",
            "vpn_monitor_impaired": "".join(impaired),
        }

    def _causes(self, roster: Roster, verdict: Verdict) -> str:
        seats = self._seats
        lines: list[str] = []
        for row in np.flatnonzero(verdict.cause[seats.slots] >= 0).tolist():
            slot = int(seats.slots[row])
            cause = CAUSES[int(verdict.cause[slot])]
            culprit = seats.targets[row].provider if cause is Cause.PROVIDER else culprit_id(verdict, roster, slot)
            extra = open_labels(cause=cause.value, culprit=culprit)
            lines.append(f"\nvpn_target_cause{{{seats.pairs[row]},{extra}}} 1")
        return "".join(lines)

    def _flapping(self, verdict: Verdict) -> str:
        rows = np.flatnonzero(verdict.flapping[self._seats.slots]).tolist()
        return "".join(f"\nvpn_target_flapping{self._seats.labels[row]}1" for row in rows)

    def _pending(self, verdict: Verdict) -> str:
        seats = self._seats
        lines: list[str] = []
        for row in np.flatnonzero(verdict.pending_state[seats.slots] != NO_STATE).tolist():
            slot = int(seats.slots[row])
            word = State(int(verdict.pending_state[slot])).word
            missing = int(verdict.pending_probes[slot])
            lines.append(f'\nvpn_target_pending{{{seats.pairs[row]},state="{word}"}} {missing}')
        return "".join(lines)


class _ProbesPart(_Part):
    """What the probes measured, and the state as a set for people."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    def _prepare(self, roster: Roster) -> None:
        self._seats = seats = _Seats(roster)
        self._generation = roster.generation[seats.slots]
        self._state = StateSetBlock("vpn_target_state", seats.pairs)
        self._since = ValueBlock("vpn_target_state_timestamp_seconds", seats.labels)
        self._rtt = ValueBlock("vpn_target_rtt_seconds", seats.labels)
        self._last_rtt = ValueBlock("vpn_target_last_rtt_seconds", seats.labels)
        self._jitter = ValueBlock("vpn_target_jitter_seconds", seats.labels)
        self._loss = ValueBlock("vpn_target_loss_ratio", seats.labels)
        self._probes = ValueBlock("vpn_target_probes_total", seats.labels)
        timeouts = [f'{{{pairs},reason="{FailureReason.TIMEOUT}"}} ' for pairs in seats.pairs]
        self._timeouts = ValueBlock("vpn_target_probe_failures_total", timeouts)
        self._region_rtt = HistogramBlock("vpn_region_rtt_seconds", seats.region_pairs, RTT_BUCKETS)

    def _families(self, roster: Roster, verdict: Verdict) -> dict[str, str]:  # noqa: ARG002 - all parts are asked alike
        slots, rows = self._seats.slots, self._seats.region_rows
        probes, failures = self._counters()
        buckets = self._board.region["rtt_buckets"][:, rows].astype(np.int64).sum(axis=0)
        sums = self._board.region["rtt_sum"][:, rows].astype(np.float64).sum(axis=0)
        return {
            "vpn_target_state": self._state.render(verdict.code[slots]),
            "vpn_target_state_timestamp_seconds": self._since.render(verdict.since[slots]),
            "vpn_target_rtt_seconds": self._rtt.render(verdict.rtt[slots]),
            "vpn_target_last_rtt_seconds": self._last_rtt.render(verdict.last_rtt[slots]),
            "vpn_target_jitter_seconds": self._jitter.render(verdict.jitter[slots]),
            "vpn_target_loss_ratio": self._loss.render(verdict.loss[slots]),
            "vpn_target_probes_total": self._probes.render(probes),
            "vpn_target_probe_failures_total": self._timeouts.render(failures[:, _TIMEOUT]) + self._others(failures),
            "vpn_region_rtt_seconds": self._region_rtt.render(buckets, sums),
        }

    def _counters(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return probes (targets,) and failures (targets, reasons); -1 where a slot changed hands since the roster."""
        slots, columns = self._seats.slots, self._board.slot
        # In this order: the engine goes on counting meanwhile, and failures must never be more than probes.
        failures = columns["failures_total"][slots].astype(np.int64)
        probes = columns["probes_total"][slots].astype(np.int64)
        moved = columns["generation"][slots] != self._generation
        probes[moved] = -1
        failures[moved] = -1
        return probes, failures

    def _others(self, failures: NDArray[np.int64]) -> str:
        """Return the lines of the reasons that have happened; `timeout` is always there and not among them."""
        happened = failures > 0
        happened[:, _TIMEOUT] = False
        rows, columns = np.nonzero(happened)
        lines = [
            f'\nvpn_target_probe_failures_total{{{self._seats.pairs[row]},reason="{REASONS[column].value}"}} {count}'
            for row, column, count in zip(
                rows.tolist(), columns.tolist(), failures[rows, columns].tolist(), strict=True
            )
        ]
        return "".join(lines)


class _InfoPart(_Part):
    """Names, addresses and coordinates, which change with the roster only; and what the VPN says of tunnels."""

    def __init__(self, tunnels: Callable[[], TunnelReport]) -> None:
        super().__init__()
        self._tunnels = tunnels

    def _prepare(self, roster: Roster) -> None:
        self._targets = "".join(
            "\nvpn_target_info{"
            + open_labels(
                target=target.id,
                region=target.region,
                name=target.name,
                address=target.address,
                probe=target.probe.text,
                kind=target.kind,
                profile=target.settings.name,
                gateway=target.gateway,
                role=target.role.value,
                latitude=target.latitude,
                longitude=target.longitude,
            )
            + "} 1"
            for target in roster.targets
            if target is not None
        )
        self._regions = "".join(
            "\nvpn_region_info{"
            + open_labels(region=region.id, name=region.name, latitude=region.latitude, longitude=region.longitude)
            + "} 1"
            for region in roster.regions
            if region is not None
        )
        self._limits = limit_families(roster)

    def _families(self, roster: Roster, verdict: Verdict) -> dict[str, str]:  # noqa: ARG002 - all parts are asked alike
        return {
            "vpn_target_info": self._targets,
            "vpn_region_info": self._regions,
            **self._limits,
            **tunnel_families(self._tunnels(), roster),
        }
