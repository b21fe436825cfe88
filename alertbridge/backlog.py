"""The word that a chat gets first when Telegram was out of reach for long: since when, how much was held for it.

Rows do not say when their first request failed, so the first and the newest failure are noted beside them, in the same
transaction, until Telegram answers anything at all: a restart, or the other bridge of a pair, goes on from there. The
word itself is an ordinary row, so it is sent once; what it counts is read when it leaves. It changes nothing in the
rows that it speaks of: planning.py summarises them as whatever has piled up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from alertbridge import wording
from alertbridge.errors import Failure
from alertbridge.incidents import Tell
from alertbridge.store.rows import BACKLOG, NOTICE, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from alertbridge.incidents import Incident
    from alertbridge.store.queries import Queries
    from alertbridge.texts import Texts

LONG = timedelta(minutes=2)  # a shorter absence is a hiccup: nothing is said of it
_GAP = timedelta(minutes=5)  # failures come at least every two minutes; after more, it was the bridge that was off
_KEY = "telegram_away"
_AWAY = frozenset({Failure.UNSENT, Failure.TIMEOUT, Failure.SERVER})
_ALL = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """Telegram is out of reach: the first and the newest request that failed, aware UTC."""

    since: datetime
    last: datetime

    def again(self, now: datetime) -> Away:
        """Return it after one more failure. A hiccup before the bridge was off is not the same absence."""
        another = now - self.last > _GAP and self.last - self.since < LONG
        return Away(since=now if another else self.since, last=now)

    def end(self, now: datetime) -> datetime:
        """Return until when it is known to have lasted, if Telegram answers now."""
        return self.last if now - self.last > _GAP else now


def note(queries: Queries, failure: Failure | None, *, now: datetime) -> None:
    """Note what became of a request; None: Telegram took it. Any answer, a refusal too, is a proof that it is there."""
    if failure is Failure.INTERNAL:
        return  # ours: it says nothing of Telegram
    before = known(queries)
    if failure not in _AWAY:
        if before is not None:
            _end(queries, before.end(now), now=now)
        return
    away = before.again(now) if before is not None else Away(since=now, last=now)
    queries.remember(_KEY, json.dumps([away.since.isoformat(), away.last.isoformat()]))


def owe(queries: Queries, *, now: datetime) -> None:
    """Enqueue the word for every chat that something waits for, once Telegram was away for long.

    For every chat, not only for the one that is about to try: its success ends what is known of the absence.
    """
    away = known(queries)
    if away is None or (until := away.end(now)) - away.since < LONG:
        return
    for chat in queries.chats_with_rows():
        first = queries.due(chat, now, limit=1)  # where the word is owed already, it is this one
        if first and first[0].notice != BACKLOG and _news(queries.due(chat, now, limit=_ALL), until):
            values = {"away_since": away.since.isoformat(), "away_until": until.isoformat(), "silent": "yes"}
            queries.enqueue(chat=chat, kind=NOTICE, notice=BACKLOG, values=values, now=now)


def counted(queries: Queries, row: Row, *, now: datetime) -> Row | None:
    """Return a chat's word with what is held now; None: nothing is held any more."""
    away, until = known(queries), datetime.fromisoformat(row.values["away_until"])
    if away is not None and away.since.isoformat() == row.values["away_since"]:
        until = away.end(now)  # it lasts, as far as we know
    news = _news(queries.due(row.chat, now, limit=_ALL), until)
    if not news:
        return None
    incidents = queries.incidents({other.incident_id for other in news if other.incident_id is not None})
    count = _counts(news, {incident.id: incident for incident in incidents})
    return replace(row, values={**row.values, "away_until": until.isoformat(), **count})


def text(values: Mapping[str, str], texts: Texts, zone: ZoneInfo, *, now: datetime) -> str:
    """Return the word as Telegram HTML, with the chat's own time."""
    since, until = (datetime.fromisoformat(values[key]).astimezone(UTC) for key in ("away_since", "away_until"))
    lasted = wording.duration((until - since).total_seconds(), texts)
    start, end = (wording.when(moment, zone, now=now) for moment in (since, until))
    lines = [
        texts("notice.backlog", start=start, end=end, duration=lasted),
        texts("notice.backlog_held", count=values["messages"]),
    ]
    over, still = values["over"], values["open"]
    if (over, still) != ("0", "0"):
        lines.append(texts("notice.backlog_incidents", over=over, open=still))
    return "\n".join(lines)


def _end(queries: Queries, until: datetime, *, now: datetime) -> None:
    """Note when the absence ended, in every word that has yet to leave: its chat may be tried a minute later."""
    queries.forget(_KEY)
    for chat in queries.chats_with_rows():
        for row in queries.due(chat, now, limit=1):
            if row.notice == BACKLOG:
                queries.update_rows([row.id], values={**row.values, "away_until": until.isoformat()})


def known(queries: Queries) -> Away | None:
    """Return the absence that lasts, as it is noted; None: Telegram answers, as far as we know."""
    try:
        since, last = json.loads(queries.value(_KEY) or "null")
        return Away(since=datetime.fromisoformat(since), last=datetime.fromisoformat(last))
    except (ValueError, TypeError):  # none, or not readable: nothing is known of an absence
        return None


def _news(rows: Sequence[Row], until: datetime) -> list[Row]:
    """Return what people would have heard by then: no edits, which tell nothing new, and not the word itself."""
    return [row for row in rows if row.kind != Tell.UPDATE and row.notice != BACKLOG and row.created_at <= until]


def _counts(news: Sequence[Row], incidents: Mapping[int, Incident]) -> dict[str, str]:
    """Return how many messages are held, and how many incidents of them are over or still open."""
    named = {row.incident_id for row in news}
    closed = {number: incident.phase.closed for number, incident in incidents.items() if number in named}
    over = sum(closed.values())
    return {"messages": str(len(news)), "over": str(over), "open": str(len(closed) - over)}
