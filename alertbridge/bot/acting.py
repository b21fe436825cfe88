"""The commands that do something: silence, end a silence, restart; and what was done (`/log actions`).

Each is one function of a Question, whether it was typed or a button was pressed. Who may, how fresh and how often is
decided before (responder.py, presses.py); hands.py takes incidents.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from alertbridge import wording
from alertbridge.alertmanager import Matcher, Silence
from alertbridge.bot import silencing
from alertbridge.bot.callbacks import Kind
from alertbridge.bot.durations import LONGEST, SHORTEST, split_request
from alertbridge.bot.kinds import Answer, Question, WrongUsageError
from alertbridge.bot.lookup import both, find_region, find_target, several
from alertbridge.bot.open_incidents import meant, place_of
from alertbridge.bot.paging import page_of, paged, pages
from alertbridge.errors import PeerError
from alertbridge.sending import Button

if TYPE_CHECKING:
    from alertbridge.bot.lookup import Found

_RESTART_SECONDS = 30.0  # how long the exporter may take to probe again
_LOOK_SECONDS = 1.0
_ACTIONS = 400


# ---- silences --------------------------------------------------------------------------------------------------------


async def silence(question: Question) -> Answer:
    """Silence a target or a region for a time, or until it is back: `/silence jbr-hub 4h reason`."""
    texts = question.texts
    request = split_request(question.argument)
    if request is None:
        raise WrongUsageError(texts("act.silence_usage"))
    name, span, reason = request
    if span is not None and not SHORTEST <= span <= LONGEST:
        raise WrongUsageError(texts("act.silence_span", longest=f"{LONGEST.days}d"))
    if span is None:
        incidents = await meant(question, name=name)
        if len(incidents) != 1:
            raise WrongUsageError(texts("act.one_only"))
        return await silencing.until_back(question, incidents[0], reason)
    what, matchers = await _subject(question, name)
    return await silencing.create(question, what, matchers, span, reason)


async def silences(question: Question) -> Answer:
    """List every silence that is not over, whoever made it; operators get buttons that end them."""
    texts, now = question.texts, question.now
    found = tuple((await question.alertmanager.silences()).values())
    known = await question.store.transact(lambda q: q.watched_silences())
    if not found:
        return Answer(text=texts("act.silences_none"))
    lines = [
        silencing.line(n, one, known.get(one.id), texts, zone=question.zone, now=now)
        for n, one in enumerate(found, start=1)
    ]
    head = [f"<b>{texts('act.silences', count=len(found))}</b>"]
    answer = paged(question, head, lines, [])
    spans = pages(lines)
    span = spans[page_of(question.page, len(spans))]
    ends = []
    for number, one in enumerate(found[span], start=span.start + 1):
        data = question.signer.pack(Kind.UNSILENCE, one.id)
        if data is not None:
            ends.append(Button(text=f"✖ {number}", data=data))
    rows = tuple(tuple(ends[start : start + 5]) for start in range(0, len(ends), 5))
    return Answer(text=answer.text, buttons=(*rows, *answer.buttons))


async def unsilence(question: Question) -> Answer:
    """End silences: by the first characters of the id, by target or region, or of the message that is replied to."""
    texts, text = question.texts, question.argument
    found = await question.alertmanager.silences()
    chosen: list[Silence] = []
    if not text and question.reply_to is not None:
        labels = [record.labels for incident in await meant(question) for record in incident.firing]
        chosen = [one for one in found.values() if any(one.hides(each) for each in labels)]
    elif not text:
        raise WrongUsageError(texts("bot.usage", example="/unsilence jbr-hub"))
    elif len(text) >= 4:  # noqa: PLR2004 - fewer characters of an id fit too much
        chosen = [one for one in found.values() if one.id.casefold().startswith(text.casefold())]
    if not chosen and text:
        wanted = text.casefold()
        chosen = [
            one
            for one in found.values()
            if any(not m.regex and m.equal and m.value.casefold() == wanted for m in one.matchers)
        ]
    if not chosen and text:
        _, matchers = await _subject(question, text)
        chosen = [one for one in found.values() if set(matchers) <= set(one.matchers)]
    if not chosen:
        raise WrongUsageError(texts("act.silence_unknown", text=text))
    return await silencing.end(question, chosen)


async def _subject(question: Question, name: str) -> tuple[str, tuple[Matcher, ...]]:
    """Return what a name means, as people read it, and the matchers that hide it.

    An open incident of exactly this id works without the exporter: it may be what is down.
    """
    try:
        target = await find_target(question.exporter, name)
        region = await find_region(question.exporter, name)
    except PeerError:
        incidents = await meant(question, name=name)
        if len(incidents) != 1:
            raise
        return place_of(incidents[0]), silencing.matchers_of(incidents[0])
    exact = next((item for found in (region, target) if (item := _exactly(found, name)) is not None), None)
    item = exact or target.item or region.item
    if item is None:
        found = both(target, region)
        if not found.near:
            raise WrongUsageError(question.texts("act.unknown_name", text=name))
        raise several(question, found, text=name, after=question.argument.removeprefix(name).strip())
    kind = "region" if item is region.item else "target"
    return str(item.get("name")), (Matcher(name=kind, value=str(item["id"])),)


def _exactly(found: Found, name: str) -> dict[str, object] | None:
    item = found.item
    names = {str(item.get("id")).casefold(), str(item.get("name")).casefold()} if item else set()
    return item if name.casefold() in names else None


# ---- restart, record -------------------------------------------------------------------------------------------------


async def ask_restart(question: Question) -> Answer:
    """Ask for confirmation: the button does it."""
    texts = question.texts
    data = question.signer.pack(Kind.RESTART, question.asker.user_id, int(time.time()))
    buttons = ((Button(text=texts.entries["button.restart"], data=data),),) if data is not None else ()
    return Answer(text=texts("act.restart_sure"), buttons=buttons)


async def restart(question: Question) -> Answer:
    """Let the exporter restart its probing processes, and say when they probe again.

    Raises:
        PeerError: the exporter did not take it.
    """
    texts, loop = question.texts, asyncio.get_running_loop()
    await question.exporter.restart()
    begun = loop.time()
    reason = ""
    while loop.time() - begun < _RESTART_SECONDS:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            page = await question.exporter.page("regions")
        except PeerError as error:
            reason = str(error)
            continue
        reason = ", ".join(map(str, page.get("impaired") or ()))
        if not reason:
            span = wording.duration(loop.time() - begun, texts)
            return Answer(text=texts("act.restarted", duration=span, who=question.who))
    return Answer(text=texts("act.restart_unsure", reason=reason, who=question.who), result=f"unsure: {reason}")


async def actions(question: Question) -> Answer:
    """Tell what people did, newest first: who, when, where, what, with which result."""
    texts = question.texts
    found = await question.store.transact(lambda q: q.actions(limit=_ACTIONS))
    if not found:
        return Answer(text=texts("act.actions_none"))
    lines = [
        texts(
            "act.action",
            when=wording.when(action.at, question.zone, now=question.now),
            who=f"{action.who} ({action.user_id})",
            what=action.what,
            chat=action.chat_id,
            result=action.result or texts("act.unfinished"),
        )
        for action in found
    ]
    return paged(question, [f"<b>{texts('act.actions')}</b>"], lines, [])
