"""The commands that ask: one function each, in a table with the role that may use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alertbridge.bot import answers
from alertbridge.bot.lookup import Found, find_region, find_target
from alertbridge.errors import PeerError
from alertbridge.facts import from_item
from alertbridge.markup import escape, fit
from alertbridge.settings import Role
from alertbridge.store.rows import RowState
from alertbridge.wording import duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from alertbridge.bot.access import Asker
    from alertbridge.exporter import Exporter
    from alertbridge.metrics import Metrics
    from alertbridge.store import Store
    from alertbridge.texts import Texts

_LISTED = 500
_LOGGED = 20


class WrongUsageError(Exception):
    """The arguments do not fit; the text is the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One command as it was asked, and what it needs to be answered."""

    name: str
    argument: str
    asker: Asker
    role: Role | None
    texts: Texts
    now: datetime
    exporter: Exporter
    store: Store
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row of the table. A command without a role answers strangers too."""

    name: str
    answer: Callable[[Question], Awaitable[str]]
    role: Role | None = Role.VIEWER
    example: str = ""  # of its argument; empty: it takes none


async def status(question: Question) -> str:
    """Say how everything is: states, our own sight, incidents, outbox."""
    texts, now = question.texts, question.now
    lines: list[str] = []
    try:
        page = await question.exporter.page("regions")
        regions = page["items"]
        total = sum(int(region.get("targets") or 0) for region in regions)
        lines.append(f"<b>{answers.counts_text(regions, texts)}</b>")
        lines.append(texts("bot.targets", count=total, regions=len(regions)))
        if page.get("isolated") is True:
            lines.append(texts("bot.isolated"))
        if page.get("impaired"):
            lines.append(texts("bot.impaired", reasons=", ".join(map(str, page["impaired"]))))
        foot = answers.as_of(page, texts, now=now)
    except PeerError:
        foot = texts("bot.unreachable", peer="exporter")
    incidents, counts = await question.store.transact(lambda q: (len(q.open_incidents()), q.row_counts()))
    waiting = counts.get(RowState.PENDING, 0) + counts.get(RowState.SENDING, 0)
    lines.append(texts("bot.incidents", count=incidents))
    lines.append(texts("bot.outbox", pending=waiting, dead=counts.get(RowState.DEAD, 0)))
    seen = question.metrics.snapshot.watchdog
    if seen is None:
        lines.append(texts("bot.watchdog_never"))
    else:
        lines.append(texts("bot.watchdog", duration=duration((now - seen).total_seconds(), texts)))
    return "\n".join([*lines, foot])


async def down(question: Question) -> str:
    """List what is DOWN."""
    page = await question.exporter.targets(state="down", sort="worst", limit=_LISTED)
    return answers.listing(page, "down", question.texts, now=question.now)


async def low(question: Question) -> str:
    """List what is LOW."""
    page = await question.exporter.targets(state="low", sort="worst", limit=_LISTED)
    return answers.listing(page, "low", question.texts, now=question.now)


async def regions(question: Question) -> str:
    """List all regions, worst first."""
    page = await question.exporter.page("regions")
    texts = question.texts
    foot = [answers.as_of(page, texts, now=question.now)]
    lines = answers.region_lines(page["items"], texts)
    return fit([], lines, foot, more=lambda left: texts("digest.more", count=left))


async def region(question: Question) -> str:
    """Tell one region: its counts and what is not up in it."""
    texts, now = question.texts, question.now
    item = _the_one(await find_region(question.exporter, _needed(question)), question, "region")
    page = await question.exporter.targets(
        region=str(item["id"]), state="down,low,unknown", sort="worst", limit=_LISTED
    )
    body = [
        answers.target_line(from_item(target, is_region=False, as_of=None), texts, now=now) for target in page["items"]
    ]
    foot = [answers.as_of(page, texts, now=now)]
    return fit(answers.region_lines([item], texts), body, foot, more=lambda left: texts("digest.more", count=left))


async def target(question: Question) -> str:
    """Tell one target."""
    found = await find_target(question.exporter, _needed(question))
    return answers.target_text(_the_one(found, question, "target"), question.texts, now=question.now)


async def log(question: Question) -> str:
    """Tell the last single probes of one target."""
    found = await find_target(question.exporter, _needed(question))
    item = _the_one(found, question, "target")
    page = await question.exporter.page("log", target=str(item["id"]), limit=_LOGGED)
    zone = str(item.get("timezone") or "")
    return answers.log_text(str(item.get("name")), page, zone, question.texts, now=question.now)


async def whoami(question: Question) -> str:
    """Tell the ids that the administrator needs."""
    asker, texts = question.asker, question.texts
    return texts.html(
        "bot.whoami",
        user=f"<code>{asker.user_id}</code>",
        chat=f"<code>{asker.chat_id}</code>",
        topic=f"<code>{asker.topic}</code>" if asker.topic is not None else "-",
        role=question.role.value if question.role is not None else texts("bot.no_role"),
    )


async def help_text(question: Question) -> str:
    """List the commands that the asker may use."""
    texts = question.texts
    usable = [c for c in COMMANDS if c.role is None or (question.role is not None and question.role.covers(c.role))]
    lines = [
        " ".join(texts("bot.help_line", command=c.name, arguments=c.example, text=texts(f"command.{c.name}")).split())
        for c in usable
    ]
    return "\n".join([texts("bot.help"), *lines])


def _needed(question: Question) -> str:
    if not question.argument:
        example = f"/{question.name} {BY_NAME[question.name].example}"
        raise WrongUsageError(question.texts("bot.usage", example=example))
    return question.argument


def _the_one(found: Found, question: Question, kind: str) -> dict[str, object]:
    if found.item is not None:
        return found.item
    texts, text = question.texts, question.argument
    if not found.near:
        raise WrongUsageError(texts("bot.not_found", kind=kind, text=text))
    lines = [f"<code>{escape(name)}</code>" for name in found.near]
    raise WrongUsageError("\n".join([texts("bot.several", text=text), *lines]))


COMMANDS = (
    Command(name="status", answer=status),
    Command(name="down", answer=down),
    Command(name="low", answer=low),
    Command(name="regions", answer=regions),
    Command(name="region", answer=region, example="JBR"),
    Command(name="target", answer=target, example="jbr-hub"),
    Command(name="log", answer=log, example="jbr-hub"),
    Command(name="whoami", answer=whoami, role=None),
    Command(name="help", answer=help_text),
)
BY_NAME = {command.name: command for command in COMMANDS}
