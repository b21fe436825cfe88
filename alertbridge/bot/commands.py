"""The commands that ask: one function each; and the table of all commands with the role that may use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alertbridge import wording
from alertbridge.bot import acting, answers, hands, introducing, picturing, reporting
from alertbridge.bot.kinds import Answer, Command, Question, WrongUsageError
from alertbridge.bot.lookup import Found, both, find_region, find_target, the_one
from alertbridge.bot.offering import target_buttons
from alertbridge.bot.paging import paged
from alertbridge.errors import PeerError
from alertbridge.facts import from_item
from alertbridge.settings import Role
from alertbridge.store.rows import RowState

if TYPE_CHECKING:
    from collections.abc import Mapping

_LISTED = 5000
_LOGGED = 20


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
        foot = answers.as_of(page, texts, zone=question.zone, now=now)
    except PeerError:
        foot = texts("bot.unreachable", peer="exporter")
    if not question.settings.chats:
        lines.append(texts("bot.nobody"))
    trouble = question.metrics.snapshot.polling.trouble
    if trouble is not None:
        reason = texts.word(f"poll.{trouble.failure.value}", default=trouble.failure.value)
        lasted = wording.duration((now - trouble.since).total_seconds(), texts)
        lines.append(texts("bot.polling", duration=lasted, reason=reason))
    incidents, counts = await question.store.transact(lambda q: (len(q.open_incidents()), q.row_counts()))
    waiting = counts.get(RowState.PENDING, 0) + counts.get(RowState.SENDING, 0)
    lines.append(texts("bot.incidents", count=incidents))
    lines.append(texts("bot.outbox", pending=waiting, dead=counts.get(RowState.DEAD, 0)))
    seen = question.metrics.snapshot.watchdog
    if seen is None:
        lines.append(texts("bot.watchdog_never"))
    else:
        lines.append(texts("bot.watchdog", duration=wording.duration((now - seen).total_seconds(), texts)))
    return "\n".join([*lines, foot])


async def down(question: Question) -> Answer:
    """List what is DOWN."""
    page = await question.exporter.targets(state="down", sort="worst", limit=_LISTED)
    return _listing(question, page, "down")


async def low(question: Question) -> Answer:
    """List what is LOW."""
    page = await question.exporter.targets(state="low", sort="worst", limit=_LISTED)
    return _listing(question, page, "low")


async def regions(question: Question) -> Answer:
    """List all regions, worst first."""
    page = await question.exporter.page("regions")
    texts = question.texts
    foot = [answers.as_of(page, texts, zone=question.zone, now=question.now)]
    lines = answers.region_lines(page["items"], texts)
    return paged(question, [], lines, foot)


async def region(question: Question) -> Answer:
    """Tell one region: its counts and what is not up in it."""
    item = _the_one(await find_region(question.exporter, _needed(question)), question, "region")
    return await _one_region(question, item)


async def _one_region(question: Question, item: Mapping[str, Any]) -> Answer:
    texts, now = question.texts, question.now
    page = await question.exporter.targets(
        region=str(item["id"]), state="down,low,unknown", sort="worst", limit=_LISTED
    )
    body = [
        answers.target_line(from_item(target, is_region=False, as_of=None), texts, now=now) for target in page["items"]
    ]
    foot = [answers.as_of(page, texts, zone=question.zone, now=now)]
    hidden = max(0, int(page.get("total") or 0) - len(body))
    return paged(question, answers.region_lines([item], texts), body, foot, hidden=hidden)


async def target(question: Question) -> Answer:
    """Tell one target."""
    found = await find_target(question.exporter, _needed(question))
    return _one_target(question, _the_one(found, question, "target"))


def _one_target(question: Question, item: Mapping[str, Any]) -> Answer:
    text = answers.target_text(item, question.texts, now=question.now)
    return Answer(text=text, buttons=target_buttons(question, str(item["id"])))


async def find(question: Question) -> Answer:
    """Tell a region or a target by name, whichever is meant."""
    text = _needed(question)
    region_found = await find_region(question.exporter, text)
    if region_found.item is not None:
        return await _one_region(question, region_found.item)
    found = await find_target(question.exporter, text)
    return _one_target(question, _the_one(both(found, region_found), question, "target"))


async def log(question: Question) -> str | Answer:
    """Tell the last single probes of one target; `/log actions`: what people did."""
    if question.argument.casefold() == "actions":
        if question.role is None or not question.role.covers(Role.ADMIN):
            question.metrics.access_denied.labels("role").inc()
            role = question.role.value if question.role is not None else ""
            raise WrongUsageError(question.texts("bot.denied", role=role, needed=Role.ADMIN.value))
        return await acting.actions(question)
    found = await find_target(question.exporter, _needed(question))
    item = _the_one(found, question, "target")
    page = await question.exporter.page("log", target=str(item["id"]), limit=_LOGGED)
    zone = wording.zone(str(item.get("timezone") or ""))
    return answers.log_text(str(item.get("name")), page, zone, question.texts, now=question.now)


async def help_text(question: Question) -> str:
    """List the commands that the asker may use."""
    texts = question.texts
    usable = [c for c in COMMANDS if c.role is None or (question.role is not None and question.role.covers(c.role))]
    lines = [
        " ".join(texts("bot.help_line", command=c.name, arguments=c.example, text=texts(f"command.{c.name}")).split())
        for c in usable
    ]
    return "\n".join([texts("bot.help"), *lines])


def _listing(question: Question, page: Mapping[str, Any], state: str) -> Answer:
    head, lines, foot = answers.listing(page, state, question.texts, zone=question.zone, now=question.now)
    return paged(question, head, lines, foot, hidden=max(0, int(page.get("total") or 0) - len(lines)))


def _needed(question: Question) -> str:
    if not question.argument:
        example = f"/{question.name} {BY_NAME[question.name].example}"
        raise WrongUsageError(question.texts("bot.usage", example=example))
    return question.argument


def _the_one(found: Found, question: Question, kind: str) -> dict[str, Any]:
    return the_one(found, question, kind=kind, text=question.argument)


COMMANDS = (
    Command(name="status", answer=status),
    Command(name="down", answer=down, paged=True),
    Command(name="low", answer=low, paged=True),
    Command(name="regions", answer=regions, paged=True),
    Command(name="region", answer=region, example="JBR", paged=True),
    Command(name="target", answer=target, example="jbr-hub"),
    Command(name="map", answer=picturing.map_picture),
    Command(name="graph", answer=picturing.graph_picture, example=picturing.GRAPH_EXAMPLE),
    Command(name="report", answer=reporting.report, example=reporting.EXAMPLE),
    Command(name="log", answer=log, example="jbr-hub", paged=True),
    Command(name="find", answer=find, example="jabar", paged=True),
    Command(name="ack", answer=hands.acknowledge, role=Role.OPERATOR, example="jbr-hub", acts=True),
    Command(name="unack", answer=hands.unacknowledge, role=Role.OPERATOR, example="jbr-hub", acts=True),
    Command(name="silence", answer=acting.silence, role=Role.OPERATOR, example="jbr-hub 4h reason", acts=True),
    Command(name="silences", answer=acting.silences, paged=True),
    Command(name="unsilence", answer=acting.unsilence, role=Role.OPERATOR, example="jbr-hub", acts=True),
    Command(name="restart", answer=acting.ask_restart, role=Role.ADMIN),
    Command(name="whoami", answer=introducing.whoami, role=None),
    Command(name="help", answer=help_text),
)
BY_NAME = {command.name: command for command in COMMANDS}
