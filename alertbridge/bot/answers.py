"""Items of the exporter's API -> the text of an answer (pure). Every answer says how old what it tells is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alertbridge import wording
from alertbridge.facts import Facts, from_item, moment
from alertbridge.markup import escape, fit, one_line
from alertbridge.wording import MARKS, ORDER, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alertbridge.texts import Texts

_SHOWN = {"up": Shown.UP, "low": Shown.LOW, "down": Shown.DOWN, "unknown": Shown.UNKNOWN}


def counts_text(regions: Sequence[Mapping[str, Any]], texts: Texts) -> str:
    """Return the counts by state of some regions together, worst first; states with none are left out."""
    numbers = {state: sum(_count(region.get(state)) for region in regions) for state in _SHOWN}
    shown = sorted((ORDER[_SHOWN[state]], state, count) for state, count in numbers.items() if count)
    parts = [f"{MARKS[_SHOWN[state]]} {count} {texts(f'word.{state}')}" for _, state, count in shown]
    return " ".join(parts)


def as_of(page: Mapping[str, Any], texts: Texts, *, zone: ZoneInfo, now: datetime) -> str:
    """Return the line that says how old the data is."""
    made = moment(str(page.get("generated_at") or "")) or now
    return f"<i>{texts('bot.as_of', when=wording.when(made, zone, now=now))}</i>"


def listing(
    page: Mapping[str, Any], state: str, texts: Texts, *, zone: ZoneInfo, now: datetime
) -> tuple[list[str], list[str], list[str]]:
    """Return head, lines and foot of all targets of a state: the most behind them first, then the longest."""
    items = [from_item(item, is_region=False, as_of=None) for item in page["items"]]
    if not items:
        return [texts("bot.none", word=texts(f"word.{state}"))], [], [as_of(page, texts, zone=zone, now=now)]
    items.sort(key=lambda facts: (-facts.cut_off_targets, moment(facts.state_since) or now))
    total = page.get("total")
    count = total if isinstance(total, int) else len(items)
    head = [f"<b>{texts('bot.list', mark=MARKS[_SHOWN[state]], count=count, word=texts(f'word.{state}'))}</b>"]
    body = [target_line(facts, texts, now=now) for facts in items]
    foot = [as_of(page, texts, zone=zone, now=now)]
    return head, body, foot


def target_line(facts: Facts, texts: Texts, *, now: datetime) -> str:
    """Return one target in one line."""
    values = {
        "mark": MARKS[_SHOWN.get(facts.state, Shown.UNKNOWN)],
        "where": one_line(f"{facts.region_name} · {facts.name}", 160),
        "duration": _age(facts, texts, now=now),
    }
    if facts.cut_off and facts.culprit:
        return texts("bot.line_behind", culprit=facts.culprit, **values)
    line = texts("bot.line", **values)
    behind = facts.cut_off_targets
    return f"{line} · {texts('incident.cut_off', count=behind)}" if behind else line


def region_lines(regions: Iterable[Mapping[str, Any]], texts: Texts) -> list[str]:
    """Return one line per region, worst first."""
    ordered = sorted(regions, key=lambda r: (ORDER[_state(r)], -_count(r.get("down")), str(r.get("name"))))
    return [
        texts.html(
            "bot.region_line",
            mark=MARKS[_state(region)],
            name=escape(str(region.get("name"))),
            id=escape(str(region.get("id"))),
            counts=counts_text([region], texts),
        )
        for region in ordered
    ]


def target_text(item: Mapping[str, Any], texts: Texts, *, now: datetime) -> str:
    """Return everything about one target."""
    facts = from_item(item, is_region=False, as_of=None)
    shown = _SHOWN.get(facts.state, Shown.UNKNOWN)
    since = moment(facts.state_since)
    lines = [
        f"{MARKS[shown]} <b>{texts(f'word.{shown}')}</b> · {escape(f'{facts.region_name} · {facts.name}')}",
    ]
    if since is not None:
        when = wording.when(since, wording.zone(facts.timezone), now=now)
        lines.append(texts("bot.since", gloss=texts(f"gloss.{shown}"), when=when, duration=_age(facts, texts, now=now)))
    if facts.unknown_reason:
        reason = texts.word(f"reason.{facts.unknown_reason}", default=facts.unknown_reason)
        lines.append(texts("incident.why", reason=reason))
    if facts.cut_off and facts.culprit:
        lines.append(texts("incident.behind", culprit=facts.culprit))
    elif facts.cause:
        lines.append(texts("incident.cause", cause=texts.word(f"cause.{facts.cause}", default=facts.cause)))
    if facts.cut_off_targets:
        lines.append(texts("incident.cut_off", count=facts.cut_off_targets))
    lines.append(
        texts(
            "bot.rtt",
            rtt=_milliseconds(facts.rtt_seconds),
            jitter=_milliseconds(facts.jitter_seconds),
            loss="-" if facts.loss_ratio is None else f"{facts.loss_ratio * 100:.0f} %",
        )
    )
    lines.append(f"<code>{escape(str(item.get('id')))}</code> <code>{escape(facts.address)}</code>")
    if facts.gateway:
        lines.append(texts("incident.gateway", gateway=facts.gateway))
    return "\n".join(lines)


def log_text(name: str, page: Mapping[str, Any], zone: ZoneInfo, texts: Texts, *, now: datetime) -> str:
    """Return the newest single probes of a target, newest first."""
    head = [f"<b>{texts('bot.log', name=name)}</b>"]
    body = []
    for item in page["items"]:
        at, rtt = moment(str(item.get("time") or "")), item.get("rtt_seconds")
        result = _milliseconds(rtt) if isinstance(rtt, int | float) else _not_answered(str(item.get("result")), texts)
        when = wording.when(at, zone, now=now) if at is not None else "-"
        body.append(f"<code>{texts('bot.log_line', when=when, result=result)}</code>")
    return fit(head, body, [as_of(page, texts, zone=zone, now=now)], more=lambda left: texts("digest.more", count=left))


def _not_answered(result: str, texts: Texts) -> str:
    """Return why a probe has no reply, in words."""
    return texts.word(f"bot.log_{result}", default=texts.word(f"failure.{result}", default=result))


def _age(facts: Facts, texts: Texts, *, now: datetime) -> str:
    since = moment(facts.state_since)
    span = now - since if since is not None else timedelta(0)
    return wording.duration(span.total_seconds(), texts) if since is not None else "-"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def _state(region: Mapping[str, Any]) -> Shown:
    return _SHOWN.get(str(region.get("state")), Shown.UNKNOWN)


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
