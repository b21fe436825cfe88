"""The lower lines of a message: broken limits, what was before a fall, descriptions, where to read on (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from alertbridge import facts as facts_module
from alertbridge import wording
from alertbridge.markup import cut_text, escape, is_linkable, link
from alertbridge.settings import Language

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alertbridge.facts import Facts
    from alertbridge.incidents import Incident
    from alertbridge.texts import Texts

_DESCRIPTION_LIMIT = 600
_OURS = re.compile(r"^(/d/vpn-(?:log|maintenance|map|pipeline|regions|sla|targets?))(?=[/?]|$)")
_URL_ROOM = 900  # of a link: it does not count as text, but a request has an end


def low_lines(facts: Facts, texts: Texts) -> list[str]:
    """Return which limits are broken, each with value and limit."""
    if facts.low_reasons is None:  # an exporter that does not say
        return []
    if not facts.low_reasons:
        return [texts("incident.calming")]
    lines = []
    for reason, value, limit in facts.low_reasons:
        unit = _percent if reason.startswith("loss_") else _milliseconds
        if f"low.{reason}" in texts.entries:
            lines.append(texts(f"low.{reason}", value=unit(value), limit=unit(limit)))
    return lines


def measured_line(facts: Facts, texts: Texts, zone: ZoneInfo, *, now: datetime) -> list[str]:
    """Return what was last measured before the silence, with its time: nobody may take it for what is now."""
    if facts.last_measured is None:
        return []
    at, rtt, loss = facts.last_measured
    measured = facts_module.moment(at)
    if measured is None:
        return []
    when = wording.when(measured, zone, now=now)
    if loss is None:
        return [texts("incident.before_rtt", when=when, rtt=_milliseconds(rtt))]
    return [texts("incident.before", when=when, rtt=_milliseconds(rtt), loss=_percent(loss))]


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.0f} %"


def _milliseconds(seconds: float) -> str:
    """Return a span of time that is never 0 where something was measured."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 10 else f"{max(value, 0.1):.1f} ms"  # noqa: PLR2004 - two digits are enough


def description(incident: Incident, texts: Texts) -> list[str]:
    """Return the description of an alert that the exporter cannot speak of; for targets our own lines say more."""
    if incident.main is None or not incident.subject.startswith("alert:"):
        return []
    monitor, annotations = wording.monitor_key(incident), incident.main.annotations
    if monitor:
        _, detail = wording.monitor_detail(incident)
        text = texts(f"monitor.{monitor}_text", value=detail or "?")
        known = [texts.word(f"detail.{word}", default=word) for word in detail.split(", ")] if detail else []
        listed = known and "{value}" not in texts.entries[f"monitor.{monitor}_text"]
        return [text, texts("monitor.detail", detail=", ".join(known))] if listed else [text]
    text = annotations.get("description", "")[: _DESCRIPTION_LIMIT * 4]
    return [
        escape(line, _DESCRIPTION_LIMIT) for line in cut_text(text, _DESCRIPTION_LIMIT).splitlines() if line.strip()
    ]


def links(incident: Incident, texts: Texts, grafana_url: str | None, runbooks_url: str | None) -> list[str]:
    """Return the lines that lead on: a link where Telegram makes one, else the runbook's name as text."""
    annotations = incident.main.annotations if incident.main else {}
    dashboard, runbook = annotations.get("dashboard_url", ""), annotations.get("runbook_url", "")
    if grafana_url and not is_linkable(dashboard):
        path = dashboard if dashboard.startswith("/d/") else _dashboard_path(incident)
        dashboard = f"{grafana_url}{page(path, texts)}"
    name = runbook.rpartition("/")[2].removesuffix(".md")
    if runbooks_url and runbook and not is_linkable(runbook):
        runbook = f"{runbooks_url}/{quote(runbook.lstrip('/'), errors='replace')}"
    found = ((texts("incident.dashboard"), dashboard), (texts("incident.runbook"), runbook))
    links = [link(text, url) for text, url in found if len(url) <= _URL_ROOM and is_linkable(url)]
    lines = [" · ".join(links)] if links else []
    if runbook and not is_linkable(runbook):
        lines.append(f"{texts('incident.runbook')}: {escape(name, 120)}")
    return lines


def page(path: str, texts: Texts) -> str:
    """Return the path of a dashboard in the reader's language: the rules name the English one, each has a sister."""
    return _OURS.sub(r"\1-id", path) if texts.language is Language.ID else path


def _dashboard_path(incident: Incident) -> str:
    kind, _, identity = incident.subject.partition(":")
    if kind == "target":
        return f"/d/vpn-target?var-target={quote(identity, safe='', errors='replace')}"
    region = identity if kind == "region" else incident.label("region")
    return f"/d/vpn-regions?var-region={quote(region, safe='', errors='replace')}" if region else "/d/vpn-map"
