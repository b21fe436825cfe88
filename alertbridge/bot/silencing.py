"""Makes and ends silences in Alertmanager for people, and notes them, so that their end is told (keeper.py).

A silence hides exactly what it was asked for: this target, this region, or the very labels of another alert, never all
alerts of one name. "Until it is back" is a short silence that the keeper extends: if the bridge dies, it runs out.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alertbridge import intake, wording
from alertbridge.alertmanager import Matcher, Silence
from alertbridge.bot.kinds import Answer, Question
from alertbridge.bot.marking import mark
from alertbridge.bot.open_incidents import place_of
from alertbridge.errors import PeerError
from alertbridge.markup import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alertbridge.incidents import Incident
    from alertbridge.store.queries import Queries
    from alertbridge.texts import Texts

BUTTON_SPAN = timedelta(hours=1)
BACK_SPAN = timedelta(minutes=15)  # an "until it is back" silence outlives a dead bridge by no more than this
_REASON_LIMIT = 200
_ID_SHOWN = 8  # characters of a silence's id: enough to tell some hundred apart
_STARTED_EARLIER = timedelta(seconds=1)  # Alertmanager refuses nothing in the past, and must not wait for a slow clock


def matchers_of(incident: Incident) -> tuple[Matcher, ...]:
    """Return what hides an incident and nothing else."""
    kind, _, identity = incident.subject.partition(":")
    if kind == "target":
        return (Matcher(name="target", value=identity),)
    if kind == "region":
        return (Matcher(name="alertname", value="VPNRegionDown"), Matcher(name="region", value=identity))
    labels = incident.main.labels if incident.main is not None else {}
    return tuple(Matcher(name=name, value=value) for name, value in sorted(labels.items()))


async def create(question: Question, what: str, matchers: tuple[Matcher, ...], span: timedelta, reason: str) -> Answer:
    """Silence something for a time.

    Raises:
        PeerError: Alertmanager did not take it.
    """
    texts, ends_at = question.texts, question.now + span
    await _put(question, what, matchers, ends_at, reason or texts("act.no_reason"), incident=None)
    return Answer(
        text=texts(
            "act.silenced",
            what=what,
            when=wording.when(ends_at, question.zone, now=question.now),
            duration=wording.duration(span.total_seconds(), texts),
            who=question.who,
        )
    )


async def until_back(question: Question, incident: Incident, reason: str) -> Answer:
    """Silence an open incident until it is over.

    Raises:
        PeerError: Alertmanager did not take it.
    """
    texts, what = question.texts, place_of(incident)
    await _put(
        question,
        what,
        matchers_of(incident),
        question.now + BACK_SPAN,
        reason or texts("act.until_back"),
        incident=incident,
    )
    return Answer(text=texts("act.silenced_back", what=what, who=question.who))


async def speak_again(question: Question, incident: Incident) -> Answer:
    """End the silences that hide this incident and nothing else: a press on one site must not end a region's.

    Raises:
        PeerError: Alertmanager gave no usable answer, or ended none of them.
    """
    found = tuple((await question.alertmanager.silences()).values())
    chosen = [silence for silence in found if set(silence.matchers) == set(matchers_of(incident))]
    if chosen:
        return await end(question, chosen)
    wider = any(silence.hides(record.labels) for silence in found for record in incident.firing)
    key = "act.silence_wider" if wider else "act.silences_none"
    return Answer(text=question.texts(key), result="nothing of its own")


async def end(question: Question, chosen: Sequence[Silence]) -> Answer:
    """End some silences now.

    Raises:
        PeerError: Alertmanager ended none of them.
    """
    ended: list[Silence] = []
    failure: PeerError | None = None
    for silence in chosen:
        try:
            await question.alertmanager.expire(silence.id)
        except PeerError as error:
            failure = error
            continue
        ended.append(silence)
    if failure is not None and not ended:
        raise failure
    known = await question.store.transact(lambda q: _forgotten(q, ended, question))
    with contextlib.suppress(PeerError):  # the reconciler will see it
        left = tuple((await question.alertmanager.silences()).values())
        await question.store.transact(lambda q: mark(q, left, ended, question.settings, now=question.now))
    question.on_change()
    names = ", ".join(name_of(silence, known.get(silence.id)) for silence in ended)
    text = question.texts("act.unsilenced", what=names, who=question.who)
    if failure is not None:
        return Answer(text=f"{text}\n{question.texts('act.some_failed', reason=str(failure))}", result="partly")
    return Answer(text=text)


def _forgotten(queries: Queries, ended: Sequence[Silence], question: Question) -> dict[str, dict[str, Any]]:
    """Forget ended silences and return what was noted of them; tell it where they were made, if that is not here."""
    known = {key: note for key, note in queries.watched_silences().items() if key in {one.id for one in ended}}
    for silence_id, note in known.items():
        queries.forget_silence(silence_id)
        if note["chat"] != question.chat_name and question.settings.chat(note["chat"]) is not None:
            values = {"what": note["what"], "who": note["who"], "by": question.who, "silent": "yes"}
            intake.notify(queries, [note["chat"]], "silence_ended", values, now=question.now)
    return known


def line(
    number: int, silence: Silence, note: Mapping[str, Any] | None, texts: Texts, *, zone: ZoneInfo, now: datetime
) -> str:
    """Return one silence of a list."""
    if note is not None and note.get("back"):
        until = texts("act.until_back")
    else:
        left = wording.duration((silence.ends_at - now).total_seconds(), texts)
        until = texts("act.until", when=wording.when(silence.ends_at, zone, now=now), duration=left)
    return texts(
        "act.silence_line",
        number=number,
        what=name_of(silence, note),
        until=until,
        who=one_line(silence.author, 60),
        reason=one_line(silence.comment, 120),
        id=silence.id[:_ID_SHOWN],
    )


def note_of(silence: Silence, *, what: str = "", chat: str = "", incident: int | None = None) -> dict[str, Any]:
    """Return what is noted of a silence: enough to tell its end when Alertmanager no longer knows it."""
    return {
        "what": what or name_of(silence, None),
        "who": one_line(silence.author, 60),
        "chat": chat,
        "incident": incident,
        "back": incident is not None,
        "matchers": [[m.name, m.value, m.regex, m.equal] for m in silence.matchers],
    }


async def _put(
    question: Question,
    what: str,
    matchers: tuple[Matcher, ...],
    ends_at: datetime,
    reason: str,
    *,
    incident: Incident | None,
) -> None:
    silence = Silence(
        matchers=matchers,
        starts_at=question.now - _STARTED_EARLIER,
        ends_at=ends_at,
        author=question.who,
        comment=one_line(reason, _REASON_LIMIT),
    )
    silence_id = await question.alertmanager.put(silence)
    made = replace(silence, id=silence_id)
    note = note_of(
        silence,
        what=what,
        chat=question.chat_name or next(iter(question.settings.admins()), ""),
        incident=incident.id if incident is not None else None,
    )

    def work(queries: Queries) -> None:
        queries.watch_silence(silence_id, note)
        mark(queries, [made], [made], question.settings, now=question.now)

    await question.store.transact(work)
    question.on_change()


def name_of(silence: Silence, note: Mapping[str, Any] | None) -> str:
    """Return what a silence is about as people know it: as it was asked for here, else its matchers."""
    if note is not None and note.get("what"):
        return one_line(str(note["what"]), 120)
    return one_line(", ".join(map(str, silence.matchers)), 120)
