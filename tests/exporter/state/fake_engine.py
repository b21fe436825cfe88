"""A probing engine in virtual time: writes a real board as design section 5 says, without sockets, clocks or waiting.

Set what the network does in the arrays `rtt`, `jitter`, `loss`, `cut` and `failure`; move time with `advance`. All work
is vectorised over slots, so that days of a thousand targets take seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from exporter.engine.board import CONFIRM, GRID, PROCESSES, Board, BoardSize
from exporter.inventory.model import Inventory, ProbeKind, ProbeSpec, Profile, Region, Role, Target, Uplink
from exporter.outcome import REASONS, FailureReason, Status, failure_status
from exporter.roster import Roster, build_roster

if TYPE_CHECKING:
    from numpy.typing import NDArray

TICK_SECONDS = 0.05
FIRST_PROBES = 3  # of a new slot, one second apart
CONFIRM_SECONDS = 0.2
CONNECT_CONFIRM_SECONDS = 1.0


def target(name: str, **changes: Any) -> Target:
    """Return a target; `settings` keys may be given directly."""
    settings = {key: changes.pop(key) for key in list(changes) if key in Profile.__dataclass_fields__}
    values: dict[str, Any] = {
        "id": name,
        "name": name.upper(),
        "region": "JBR",
        "address": f"10.0.0.{name}",
        "probe": ProbeSpec(kind=ProbeKind.ICMP),
        "settings": Profile(**settings),
        **changes,
    }
    return Target(**values)


def inventory(*targets: Target, uplinks: tuple[str, ...] = ()) -> Inventory:
    """Return an inventory with the regions and hub roles that its targets imply."""
    hubs = {t.gateway for t in targets}
    seated = tuple(
        Target(**{n: getattr(t, n) for n in Target.__dataclass_fields__} | {"role": Role.HUB}) if t.id in hubs else t
        for t in targets
    )
    regions = tuple(Region(id=name, name=name) for name in dict.fromkeys(t.region for t in targets))
    return Inventory(regions=regions, targets=seated, uplinks=tuple(Uplink(address=a) for a in uplinks))


class FakeEngine:
    """One board, its roster, and a network that does as it is told. Times are virtual monotonic seconds."""

    def __init__(self, roster: Roster, *, now: float = 1000.0, seed: int = 1, room: int = 0) -> None:
        """Begin at `now` with every target reachable in 20 ms; `room` spare slots allow a later `apply`."""
        self.board = Board.create(BoardSize(slots=max(roster.size + room, 1), regions=64))
        self.now = now
        self.tick_seconds = TICK_SECONDS
        self.random = np.random.default_rng(seed)
        slots = self.board.size.slots
        self.rtt = np.full(slots, 0.020)  # seconds
        self.jitter = np.zeros(slots)  # standard deviation of the RTT, seconds
        self.loss = np.zeros(slots)  # 0-1
        self.cut = np.zeros(slots, dtype=np.bool_)  # nothing comes back, also of what is under way
        self.failure = np.zeros(slots, dtype=np.uint8)  # a failure status that answers every probe at once; 0: none
        self.stopped = np.zeros(PROCESSES, dtype=np.bool_)  # SIGSTOP
        self.due = np.full(slots, np.inf)
        self.grid_begin = np.zeros(slots)  # grid probes are due at this moment plus whole intervals
        self.begun = np.zeros(slots, dtype=np.int64)
        self.confirm_due = np.full(slots, np.inf)
        self._flight = {name: np.empty(0, dtype=dtype) for name, dtype in _FLIGHT.items()}
        self.roster = roster
        self._seat(roster, range(roster.size))

    def column(self, name: str) -> NDArray[Any]:
        """Return a slot column of the board."""
        return cast("NDArray[Any]", self.board.slot[name])

    def process(self, name: str) -> NDArray[Any]:
        """Return a process column of the board."""
        return cast("NDArray[Any]", self.board.process[name])

    def apply(self, roster: Roster) -> None:
        """Follow the next roster, as the supervisor does: clear fresh slots, free freed ones."""
        for slot in roster.freed:
            self.board.free_slot(slot)
            self.due[slot] = np.inf
        self.roster = roster
        self._seat(roster, roster.fresh)

    def _seat(self, roster: Roster, slots: Any) -> None:
        """Give slots to their targets; phases are spread evenly."""
        for slot in slots:
            if roster.generation[slot] == 0:
                continue
            self.board.clear_slot(slot, int(roster.generation[slot]))
            self.begun[slot] = 0
            interval = min(float(roster.interval_seconds[slot]), 1.0)
            phase = (slot * 0.6180339887) % 1.0
            self.due[slot] = self.now + interval * phase
            self.grid_begin[slot] = self.now + float(roster.interval_seconds[slot]) * phase
            keep = self._flight["slot"] != slot
            self._flight = {name: column[keep] for name, column in self._flight.items()}

    def kill(self, process: int) -> None:
        """Lose a prober and start its successor: what was under way is void."""
        mine = self._process_of(self._flight["slot"]) == process
        for row in mine.nonzero()[0]:
            self._write_status(self._rows(np.array([row])), Status.VOID)
        self._flight = {name: column[~mine] for name, column in self._flight.items()}

    def drop(self, process: int, count: int) -> None:
        """Let the kernel drop replies (counter only)."""
        self.process("receive_drops_total")[process] += count

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        for _ in range(round(seconds / self.tick_seconds)):
            self.now += self.tick_seconds
            self._tick()

    def _process_of(self, slots: NDArray[np.int64]) -> NDArray[Any]:
        return self.roster.process[slots] if len(slots) else np.empty(0, dtype=np.int8)

    def _rows(self, index: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {name: column[index] for name, column in self._flight.items()}

    def _tick(self) -> None:
        running = ~self.stopped
        self.process("heartbeat_at")[running] = self.now
        self._finish()
        size = self.roster.size
        live = running[self.roster.process] & (self.roster.generation > 0)
        due = (self.due[:size] <= self.now) & live
        if due.any():
            slots = due.nonzero()[0]
            self._send(slots, self.due[slots], confirm=False)
            interval = self.roster.interval_seconds[slots]
            third = self.begun[slots] == FIRST_PROBES
            self.due[slots] += np.where(self.begun[slots] < FIRST_PROBES, np.minimum(interval, 1.0), interval)
            self.due[slots] -= np.where(third, (self.due[slots] - self.grid_begin[slots]) % interval, 0.0)
            late = self.due[slots] <= self.now - interval  # after a stop the grid goes on, it does not catch up
            missed = np.ceil((self.now - self.due[slots]) / interval)
            self.due[slots] += np.where(late, missed * interval, 0.0)
        self._confirm(live)
        self._finish()
        self.process("drained_at")[running] = self.now

    def _confirm(self, live: NDArray[np.bool_]) -> None:
        """Send confirmation probes: the newest probe is overdue by max(0.4 s, 1.5 x median RTT), every 200 ms."""
        if self.board.control["isolated"][0]:
            return
        size = self.roster.size
        count = self.column("grid_count")[:size].astype(np.int64)
        slots = np.arange(size)
        newest = self.column("grid_sent_at")[slots, (count - 1) % GRID]
        status = self.column("grid_status")[slots, (count - 1) % GRID]
        waits = np.maximum(0.4, 1.5 * np.nan_to_num(self.column("median_rtt")[:size]))
        waits = np.minimum(waits, self.roster.timeout_seconds)
        answered = self.column("last_reply_sent_at")[:size] >= newest
        failed = status >= Status.FIRST_FAILURE
        suspect = (count > 0) & ~answered & (failed | (self.now - newest >= waits))
        suspect &= live & (self.column("quiet")[:size] == 0) & self.roster.is_target
        was = np.isfinite(self.confirm_due[:size])
        # An unanswered suspicion goes on while newer grid probes are still young.
        suspect |= was & ~answered & live & (self.column("quiet")[:size] == 0)
        begins = suspect & ~was
        self.confirm_due[:size][begins] = self.now
        self.confirm_due[:size][~suspect] = np.inf
        due = (self.confirm_due[:size] <= self.now + 1e-9).nonzero()[0]
        if len(due):
            self._send(due, np.full(len(due), self.now), confirm=True)
            step = np.where(self.roster.process[due] == 0, CONFIRM_SECONDS, CONNECT_CONFIRM_SECONDS)
            self.confirm_due[due] += step

    def _send(self, slots: NDArray[Any], sent_at: NDArray[Any], *, confirm: bool) -> None:
        kind = "confirm" if confirm else "grid"
        ring = CONFIRM if confirm else GRID
        number = self.column(f"{kind}_count")[slots].astype(np.int64)
        self.column(f"{kind}_sent_at")[slots, number % ring] = sent_at
        if not confirm:
            self.column("grid_rtt")[slots, number % ring] = np.nan
            self.begun[slots] += 1
        self.column(f"{kind}_status")[slots, number % ring] = Status.PENDING
        self.column(f"{kind}_count")[slots] = number + 1
        self.column("revision")[slots] += 1
        rtt = np.maximum(self.rtt[slots] + self.jitter[slots] * self.random.standard_normal(len(slots)), 1e-4)
        lost = self.random.random(len(slots)) < self.loss[slots]
        answer = np.where(self.failure[slots] > 0, self.failure[slots], int(Status.REPLY))
        new = {
            "slot": slots,
            "number": number,
            "confirm": np.full(len(slots), confirm),
            "sent_at": sent_at,
            "arrives": np.where(lost, np.inf, sent_at + rtt),
            "deadline": sent_at + self.roster.timeout_seconds[slots],
            "answer": answer,
        }
        self._flight = {
            name: np.concatenate([column, new[name].astype(column.dtype)]) for name, column in self._flight.items()
        }
        self.process("sent_total")[0] += len(slots)
        np.add.at(self.process("lateness_buckets"), (self.roster.process[slots], 0), 1)

    def _finish(self) -> None:
        """End every probe whose answer has come or whose time is over; a stopped prober reads nothing."""
        flight = self._flight
        if not len(flight["slot"]):
            return
        flight["arrives"][self.cut[flight["slot"]]] = np.inf
        reads = ~self.stopped[self._process_of(flight["slot"])]
        answered = reads & (flight["arrives"] <= np.minimum(self.now, flight["deadline"]))
        expired = reads & ~answered & (flight["deadline"] <= self.now)
        for status in np.unique(flight["answer"][answered]):
            self._end(self._rows((answered & (flight["answer"] == status)).nonzero()[0]), int(status))
        self._end(self._rows(expired.nonzero()[0]), failure_status(FailureReason.TIMEOUT))
        keep = ~(answered | expired)
        self._flight = {name: column[keep] for name, column in flight.items()}

    def _end(self, rows: dict[str, NDArray[Any]], status: int) -> None:
        if not len(rows["slot"]):
            return
        self._write_status(rows, status)
        grid = ~rows["confirm"]
        slots = rows["slot"][grid]
        np.add.at(self.column("probes_total"), slots, np.uint64(1))
        if status == Status.REPLY:
            np.maximum.at(self.column("last_reply_sent_at"), rows["slot"], rows["sent_at"])
            rtt = rows["arrives"] - rows["sent_at"]
            self.column("grid_rtt")[slots, rows["number"][grid] % GRID] = rtt[grid]
            self.process("replies_total")[0] += len(rows["slot"])
        else:
            reason = status - Status.FIRST_FAILURE
            np.add.at(self.column("failures_total"), (slots, np.full(len(slots), reason)), np.uint64(1))

    def _write_status(self, rows: dict[str, NDArray[Any]], status: int) -> None:
        for confirm, name, ring in ((False, "grid_status", GRID), (True, "confirm_status", CONFIRM)):
            mine = rows["confirm"] == confirm
            self.column(name)[rows["slot"][mine], rows["number"][mine] % ring] = status
        np.add.at(self.column("revision"), rows["slot"], np.uint32(1))


_FLIGHT: dict[str, str] = {
    "slot": "i8",
    "number": "i8",
    "confirm": "?",
    "sent_at": "f8",
    "arrives": "f8",
    "deadline": "f8",
    "answer": "u1",
}

SEND_ERROR = failure_status(FailureReason.SEND_ERROR)
PERMISSION = failure_status(FailureReason.PERMISSION)
DNS = failure_status(FailureReason.DNS)
REFUSED = failure_status(FailureReason.REFUSED)
assert len(REASONS) == len(FailureReason)


def engine_for(*targets: Target, uplinks: tuple[str, ...] = (), seed: int = 1) -> FakeEngine:
    """Return an engine over a fresh roster of the targets."""
    return FakeEngine(build_roster(inventory(*targets, uplinks=uplinks)), seed=seed)
