"""A planned job -> the text it sends: facts fetched where they are fresh, then rendered. Reads, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from alertbridge import backlog, digests, render, wording
from alertbridge import facts as facts_module
from alertbridge.bot.keyboards import digest_buttons, incident_buttons, notice_buttons, signer_of
from alertbridge.errors import PeerError
from alertbridge.planning import Act, Job
from alertbridge.store.rows import BACKLOG, MessageKind
from alertbridge.texts import texts
from httpservice.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alertbridge.exporter import Exporter
    from alertbridge.incidents import Incident
    from alertbridge.sending import Buttons
    from alertbridge.settings import Chat, Settings
    from alertbridge.texts import Texts

log = get_logger(__name__)

# A message must not wait for facts: without them it says what the alert says.
_FACTS_SECONDS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be sent, and the incidents with the facts that it shows."""

    text: str
    silent: bool
    buttons: Buttons = ()
    incidents: tuple[Incident, ...]  # with the newest facts, to be stored


async def with_facts(incidents: tuple[Incident, ...], exporter: Exporter) -> tuple[Incident, ...]:
    """Return the incidents with what the exporter says now; those that are over keep their last facts."""
    subjects = {i.subject for i in incidents if not i.phase.closed and not i.subject.startswith("alert:")}
    if not subjects:
        return incidents
    try:
        sight = await exporter.look(subjects, timeout_seconds=_FACTS_SECONDS, thorough=False)
    except PeerError as error:
        log.info("no facts for a message", reason=str(error))
        return incidents
    return tuple(
        incident
        if (found := sight.facts.get(incident.subject)) is None or incident.phase.closed
        else replace(incident, facts=merged_facts(incident, found))
        for incident in incidents
    )


def merged_facts(incident: Incident, found: facts_module.Facts) -> facts_module.Facts:
    """Return what is to be stored of a look at an incident's subject."""
    return facts_module.merge(incident.facts, found, bad_state=wording.alert_shows(incident).value)


def compose(
    job: Job, incidents: Mapping[int, Incident], chat: Chat, settings: Settings, *, now: datetime, quiet_now: bool
) -> Draft:
    """Return the text of a job.

    Args:
        job: what is to be sent.
        incidents: all that it shows, the other members of a digest included.
        chat: who reads it.
        settings: for the links.
        now: aware UTC.
        quiet_now: critical messages make no sound in this chat now.
    """
    words = texts(chat.language)
    told = tuple(incidents[i] for i in job.incidents if i in incidents)
    every = tuple(incidents.values())
    message = partial(
        render.incident_message, now=now, grafana_url=settings.grafana_url, runbooks_url=settings.runbooks_url
    )
    digest = partial(digests.digest_message, every, words, now=now, grafana_url=settings.grafana_url)
    silent = quiet_now or (bool(told) and all(incident.phase.closed for incident in told))
    match job.act:
        case Act.NOTICE:
            row = job.rows[0]
            if row.notice == BACKLOG:
                text = backlog.text(row.values, words, chat.timezone, now=now)
            else:
                text = render.notice(words, row.notice, dict(row.values))
            silent = quiet_now or row.values.get("silent") == "yes"
        case Act.SEND:
            before = next((row.values["before"] for row in job.rows if "before" in row.values), None)
            text = message(told[0], words, tell=job.tell, before=before)
        case Act.REPLY_OVER:
            text, silent = render.over_reply(told[0], words, now=now), True
        case Act.OVER_MANY:
            text, silent = digests.over_many(told, words, now=now), True
        case Act.REPLY_ALL_OVER:
            text, silent = digests.digest_over(len(every), words), True
        case Act.DIGEST | Act.JOIN:
            text = digest(quiet=job.quiet)
        case Act.EDIT if job.message is not None and job.message.kind is MessageKind.DIGEST:
            text = digest(quiet=job.message.quiet)
        case Act.EDIT if job.older:
            text = render.moved_message(told[0], words, now=now)
        case _:
            text = message(told[0], words)
    return Draft(text=text, silent=silent, buttons=_buttons(job, told, every, words, settings), incidents=every)


def _buttons(
    job: Job, told: Sequence[Incident], every: Sequence[Incident], words: Texts, settings: Settings
) -> Buttons:
    """Return the buttons of a job: a message about incidents has them, a short reply has none."""
    if settings.dry_run or job.act in {Act.REPLY_OVER, Act.OVER_MANY, Act.REPLY_ALL_OVER}:
        return ()
    if job.act is Act.NOTICE:
        return notice_buttons(job.rows[0], words, signer_of(settings))
    if job.older and job.message is not None and job.message.kind is MessageKind.INCIDENT:
        return ()  # it only points to the newer one
    signer = signer_of(settings)
    shown_as_digest = job.message is not None and job.message.kind is MessageKind.DIGEST and job.act is not Act.SEND
    if job.act is Act.DIGEST or shown_as_digest:
        return digest_buttons(every, words, signer)
    return incident_buttons(told[0], words, signer)
