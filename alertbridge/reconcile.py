"""Holds open incidents against the truth: the exporter, Alertmanager and Prometheus are asked, truth.py decides.

A webhook can be missing for ever (an alert that ends while silenced or inhibited) and can be false (when Prometheus
dies, Alertmanager ends everything). So this runs every 30 s, and at once when the last alert of an incident ends.

While something is open it looks every 5 s: a message follows, by an edit, when another cause is found or another number
is cut off; when many more are affected it speaks up again, because edits make no sound.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from alertbridge import intake
from alertbridge.composing import merged_facts
from alertbridge.errors import PeerError
from alertbridge.facts import moment
from alertbridge.following import follow
from alertbridge.incidents import WATCHDOG, Incident, Phase, Tell
from alertbridge.patience import attempted
from alertbridge.truth import CONFIRM_WITHIN, Evidence, Standing, conclude
from alertbridge.wording import alert_shows, utc_now
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from alertbridge.alertmanager import Alertmanager, Held
    from alertbridge.exporter import Exporter, Sight
    from alertbridge.prometheus import Prometheus
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.store.queries import Queries
    from alertbridge.truth import Closing

log = get_logger(__name__)

EVERY_SECONDS = 30.0
CONFIRM_EVERY_SECONDS = 2.0  # while somebody waits for "is it back?"
FOLLOW_EVERY_SECONDS = 5.0  # while something is open, and not more than the next line
# In one transaction, which webhooks wait for: a change costs 1 to 2 ms. A look takes as many as it needs, worst first.
_AT_ONCE = 100
_FOLLOWED = 500  # in a larger storm the digest follows every 30 s: looking costs the exporter something
RECEIVERS = "receivers"  # store key: the receivers whose webhooks we got, as they are named in Alertmanager
TRUNCATED = "truncated"  # store key: `max_alerts` cut a webhook, so the rest of it is asked for at once
_UNHEARD_AFTER = timedelta(seconds=60)  # an alert that Alertmanager holds this long without a webhook to us
_BY_STATE = {"up": Standing.UP, "low": Standing.LOW, "down": Standing.BAD, "unknown": Standing.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the peers said; None: no usable answer."""

    sight: Sight | None = None
    firing: tuple[Mapping[str, str], ...] | None = None
    held: Mapping[str, Held] | None = None


@dataclass(slots=True)
class Reconciler:
    """Asks and decides. `run` is its only task; `wake` makes it look at once."""

    store: Transactions
    settings: Callable[[], Settings]
    exporter: Exporter
    prometheus: Prometheus
    alertmanager: Alertmanager
    on_change: Callable[[], None]
    now: Callable[[], datetime] = utc_now
    every_seconds: float = EVERY_SECONDS
    confirm_every_seconds: float = CONFIRM_EVERY_SECONDS
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look at once."""
        self._event.set()

    async def run(self) -> None:
        """Reconcile until cancelled."""
        while True:
            self._event.clear()
            pause = await attempted(self.check, "reconciler")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.every_seconds if pause is None else pause):
                    await self._event.wait()

    async def check(self) -> float:
        """Look once at everything; return after how many seconds to look again.

        Raises:
            StoreError: the store cannot be used now.
        """
        incidents = await self.store.transact(lambda q: q.open_incidents())
        answers = await self._ask(incidents)
        now, told = self.now(), False
        worst_first = [one.id for one in sorted(incidents, key=lambda one: (-one.level, one.id))]
        for start in range(0, len(worst_first), _AT_ONCE):
            ids = worst_first[start : start + _AT_ONCE]
            concluded, more = await self.store.transact(partial(self._conclude, ids=ids, answers=answers, now=now))
            told = told or more
            for incident, reason, phase in concluded:
                log.info("incident", subject=incident.subject, reason=reason.value, phase=phase.value)
        held = answers.held
        if held is not None:
            more = await self.store.transact(lambda q: self._take_unheard(q, held, self.settings(), now))
            told = told or more
        if told:  # once: the ends of a storm are one message
            self.on_change()
        pause = self.every_seconds
        if 0 < len(incidents) <= _FOLLOWED:
            pause = min(pause, FOLLOW_EVERY_SECONDS)
        waiting = any(
            i.phase is Phase.CONFIRMING and i.ended_at is not None and now - i.ended_at < 2 * CONFIRM_WITHIN
            for i in incidents
        )
        return min(pause, self.confirm_every_seconds) if waiting else pause

    async def _ask(self, incidents: tuple[Incident, ...]) -> Answers:
        """Ask all peers at the same time."""
        subjects = {incident.subject for incident in incidents}

        async def firing() -> tuple[Mapping[str, str], ...] | None:
            return await self.prometheus.firing() if any(s.startswith("alert:") for s in subjects) else None

        results = await asyncio.gather(
            self.exporter.look(subjects), firing(), self.alertmanager.alerts(), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, PeerError):
                raise result
        sight, fired, held = results
        return Answers(
            sight=None if isinstance(sight, BaseException) else sight,
            firing=None if isinstance(fired, BaseException) else fired,
            held=None if isinstance(held, BaseException) else held,
        )

    def _conclude(
        self, queries: Queries, *, ids: Sequence[int], answers: Answers, now: datetime
    ) -> tuple[list[tuple[Incident, Closing, Phase]], bool]:
        """Decide some of the incidents that were asked about; return what changed, and whether more is to be told."""
        settings, told = self.settings(), False
        concluded: list[tuple[Incident, Closing, Phase]] = []
        for incident in queries.incidents(ids):
            if incident.phase.closed:
                continue  # meanwhile
            told = self._note_suppression(queries, incident, answers.held, settings, now) or told
            evidence = evidence_for(incident, answers)
            conclusion = conclude(incident, evidence, now=now)
            facts = answers.sight.facts.get(incident.subject) if answers.sight is not None else None
            stored = merged_facts(incident, facts) if facts is not None else None
            if conclusion.phase is not None:
                intake.conclude(queries, incident, conclusion, settings, now=now, facts=stored)
                concluded.append((incident, conclusion.reason, conclusion.phase))
            elif stored is not None:
                told = follow(queries, incident, stored, settings, now=now) or told
        return concluded, told or bool(concluded)

    def _note_suppression(
        self, queries: Queries, incident: Incident, held: Mapping[str, Held] | None, settings: Settings, now: datetime
    ) -> bool:
        """Show on the message that Alertmanager hides an alert, or no longer does."""
        if held is None:
            return False
        changed = False
        for record in incident.firing:
            found = held.get(record.fingerprint)
            suppressed = found.suppressed if found is not None else ""
            if suppressed != record.suppressed:
                queries.update_records([record.fingerprint], suppressed=suppressed)
                changed = True
        if changed:
            intake.tell(queries, incident, Tell.UPDATE, settings, now=now)
        return changed

    def _take_unheard(self, queries: Queries, held: Mapping[str, Held], settings: Settings, now: datetime) -> bool:
        """Take alerts that Alertmanager holds for our receiver and whose webhook never reached us."""
        ours = set(filter(None, (queries.value(RECEIVERS) or "").split("\n")))
        cut = queries.value(TRUNCATED) is not None
        if cut:
            queries.forget(TRUNCATED)
        unheard = []
        for fingerprint, item in held.items():
            if item.suppressed or item.alert.name == WATCHDOG or not ours & item.receivers:
                continue
            if not cut and now - item.alert.starts_at < _UNHEARD_AFTER:
                continue
            known = queries.record(fingerprint)
            if known is None or (known.ends_at is not None and item.alert.starts_at > known.ends_at):
                unheard.append(item.alert)
        if unheard:
            log.warning("alerts without a webhook", alerts=len(unheard), reason=TRUNCATED if cut else "lost")
            intake.take(queries, unheard, settings, now=now)
        return bool(unheard)


def evidence_for(incident: Incident, answers: Answers) -> Evidence:
    """Return how an incident's subject is, by the peer that can say (pure)."""
    held = answers.held or {}
    alive = any(
        (found := held.get(record.fingerprint)) is not None and not found.suppressed for record in incident.firing
    )
    if incident.subject.startswith("alert:"):
        return Evidence(standing=_standing_of_alert(incident, answers), held=alive)
    if answers.sight is None:
        return Evidence(standing=Standing.SILENT, held=alive)
    facts = answers.sight.facts.get(incident.subject)
    if facts is None:
        return Evidence(standing=Standing.GONE, held=alive)
    shown = alert_shows(incident).value
    # The alert ended, but the exporter still says what it told: a false end (Prometheus died).
    if shown == facts.state or (shown == "flapping" and facts.flapping) or facts.outage or facts.cut_off:
        return Evidence(standing=Standing.BAD, held=alive)
    return Evidence(standing=_BY_STATE[facts.state or "unknown"], since=moment(facts.state_since), held=alive)


def _standing_of_alert(incident: Incident, answers: Answers) -> Standing:
    """Return the standing of an alert that is about no target: the exporter knows of three, Prometheus of the rest."""
    name, sight = incident.label("alertname"), answers.sight
    if name == "VPNExporterDown":
        return Standing.BAD if sight is None else Standing.UP
    if name in {"VPNMonitorIsolated", "VPNEngineImpaired"}:
        if sight is None:
            return Standing.SILENT
        bad = sight.isolated if name == "VPNMonitorIsolated" else bool(sight.impaired)
        return Standing.BAD if bad else Standing.UP
    if answers.firing is None:
        return Standing.SILENT
    labels = incident.main.labels if incident.main is not None else {}
    alike = any(all(labels.get(key, value) == value for key, value in series.items()) for series in answers.firing)
    return Standing.BAD if alike else Standing.UP
