"""Sample messages of every kind in both languages: docs/telegram.md shows them, a test holds them to the code.

What their alerts say is read from the rules in prometheus/ (ruled.py).

`python -m tests.alertbridge.samples` writes them into the page.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from alertbridge import backlog, digests, render
from alertbridge.facts import Facts
from alertbridge.incidents import Incident, Phase, Tell
from alertbridge.markup import plain
from alertbridge.settings import JAKARTA, Language
from alertbridge.texts import Texts, texts
from tests.alertbridge.ruled import BEGAN, sample

PAGE = Path(__file__).resolve().parents[2] / "docs" / "telegram.md"
BEGIN, END = "<!-- samples begin -->", "<!-- samples end -->"
READ = timedelta(seconds=8)  # after the alert
GRAFANA = "https://monitor.example/grafana"


def ended(incident: Incident, *, state: str = "up", minutes: float = 12.5) -> Incident:
    """Return the incident after its end."""
    end = BEGAN + timedelta(minutes=minutes)
    facts = replace(incident.facts, state=state, state_since=end.isoformat())
    phase = Phase.GONE if state == "gone" else Phase.OVER
    records = tuple(replace(record, ends_at=end) for record in incident.records)
    return replace(incident, phase=phase, ended_at=end, closed_at=end, facts=facts, records=records)


SITE = Facts(
    name="GT Pasteur 1",
    region="JBR",
    region_name="Jawa Barat",
    timezone="Asia/Jakarta",
    address="10.20.1.11",
    gateway="jbr-hub",
    state="down",
    state_since=BEGAN.isoformat(),
    bad_since=BEGAN.isoformat(),
    outage=True,
    silent_since=(BEGAN - timedelta(seconds=4)).isoformat(),
    last_measured=((BEGAN - timedelta(seconds=5)).isoformat(), 0.038, 0.0),
    newest_failure="timeout",
    cause="device",
    loss_ratio=0.07,
)
HUB = replace(SITE, name="Bandung hub", address="10.20.0.1", gateway="", cause="hub", cut_off_targets=37)
LOW = replace(
    SITE,
    state="low",
    outage=False,
    cause="",
    silent_since=None,
    last_measured=None,
    newest_failure="",
    loss_ratio=0.18,
    rtt_seconds=0.212,
    low_reasons=(("loss_60", 0.18, 0.1), ("rtt", 0.212, 0.15)),
)
REGION = Facts(
    name="Bali",
    region="BALI",
    region_name="Bali",
    timezone="Asia/Makassar",
    state="down",
    bad_since=BEGAN.isoformat(),
    outage=True,
    targets=24,
    down=22,
    low=1,
)
PASTEUR = "jbr-gt-pasteur-1"


def down() -> Incident:
    """Return the plainest case."""
    return sample("VPNTargetDown", SITE, ident=PASTEUR)


def hub_down() -> Incident:
    """Return a hub that takes others with it."""
    return sample("VPNTargetDown", HUB, number=9, ident="jbr-hub")


def storm() -> list[Incident]:
    """Return what a digest shows: two regions, one site back already."""
    names = [
        ("JBR", "Jawa Barat", "GT Pasteur 1"),
        ("JBR", "Jawa Barat", "GT Baros"),
        ("BTN", "Banten", "GT Merak"),
        ("BTN", "Banten", "GT Cilegon"),
    ]
    made = [
        sample(
            "VPNTargetDown",
            replace(SITE, region=region, region_name=region_name, name=name, cause="provider"),
            number=number,
            ident=name.lower().replace(" ", "-"),
        )
        for number, (region, region_name, name) in enumerate(names, start=1)
    ]
    return [hub_down(), *made[:3], ended(made[3], minutes=2)]


def changes() -> list[tuple[str, Incident, Tell]]:
    """Return what an open incident's message becomes: title, incident, what is told."""
    hands = replace(down(), acknowledged_by="Budi", acknowledged_at=BEGAN + timedelta(minutes=4))
    over = replace(hands, taken_from="Sari")
    free = replace(hands, acknowledged_by="", released_by="Budi")
    low = sample("VPNTargetLow", LOW, number=2, ident=PASTEUR)
    records = (*low.records, *down().records)
    worse = replace(down(), records=records, taken_from="Budi", acknowledged_at=BEGAN - timedelta(minutes=9))
    reply = "(edit, no sound; a silent reply says so too)"
    return [
        ("Somebody has taken it (edit, no sound)", hands, Tell.UPDATE),
        (f"Somebody has taken it over {reply}", over, Tell.UPDATE),
        (f"Somebody has let it go {reply}", free, Tell.UPDATE),
        ("LOW, and somebody had taken it; now it is DOWN (sound)", worse, Tell.WORSE),
        ("Many more are cut off than when it was told (sound)", hub_down(), Tell.GROWN),
    ]


def samples() -> list[tuple[str, dict[Language, str]]]:
    """Return every kind of message: what it is, and its text by language."""
    later = BEGAN + timedelta(minutes=12, seconds=40)
    made: list[tuple[str, dict[Language, str]]] = []

    def add(
        title: str, key: str, *, incident: Incident | None = None, tell: Tell = Tell.OPEN, at: datetime | None = None
    ) -> None:
        found = {}
        at = at or (incident.started_at + READ if incident is not None else later)
        for language in Language:
            words = texts(language)
            if key == "message" and incident is not None:
                found[language] = render.incident_message(
                    incident, words, now=at, tell=tell, before="3", grafana_url=GRAFANA
                )
            elif key == "reply" and incident is not None:
                found[language] = render.over_reply(incident, words, now=at)
            elif key == "moved" and incident is not None:
                found[language] = render.moved_message(incident, words, now=at)
            elif key == "digest":
                found[language] = digests.digest_message(storm(), words, now=later, grafana_url=GRAFANA)
            else:
                found[language] = digests.digest_over(5, words)
        made.append((title, found))

    add("A site is DOWN (sound)", "message", incident=down())
    add("A hub is DOWN: one message for all that is cut off behind it", "message", incident=hub_down())
    add("A region is DOWN", "message", incident=sample("VPNRegionDown", REGION, ident="BALI"))
    add("A site is LOW", "message", incident=sample("VPNTargetLow", LOW, ident=PASTEUR))
    flaps = replace(SITE, state="up", outage=False, cause="", flapping=True)
    add("A site falls again and again", "message", incident=sample("VPNTargetFlapping", flaps, ident=PASTEUR))
    add(
        "It was LOW and is DOWN now: what the older message becomes (edit, no sound)",
        "moved",
        incident=down(),
    )
    blind = replace(
        SITE,
        state="unknown",
        outage=False,
        cause="",
        silent_since=None,
        last_measured=None,
        newest_failure="",
        loss_ratio=None,
        unknown_reason="no_witness",
    )
    add("A site cannot be judged", "message", incident=sample("VPNTargetUnknown", blind, ident=PASTEUR))
    isolated = sample("VPNMonitorIsolated", Facts())
    add("Our own line is cut off", "message", incident=isolated)
    add("It is back (silent)", "reply", incident=ended(isolated))
    impaired = sample("VPNEngineImpaired", Facts(), detail="late, stuck")
    add("The prober is overloaded", "message", incident=impaired)
    waiting = replace(down(), phase=Phase.NO_DATA, ended_at=later)
    add(
        "The alert ended, but nobody can say whether the site is back (edit, no sound)",
        "message",
        incident=waiting,
        at=later,
    )
    add("The same message when it is over (edit, no sound)", "message", incident=ended(down()), at=later)
    add("The short reply that it is over (silent)", "reply", incident=ended(down()), at=later)
    add("Connected again, but weak (silent)", "reply", incident=ended(down(), state="low"), at=later)
    add("No longer in targets.yml (silent)", "reply", incident=ended(down(), state="gone"), at=later)
    add("Critical, repeated, and nobody has taken it (sound)", "message", incident=down(), tell=Tell.REMIND, at=later)
    for title, incident, tell in changes():
        add(title, "message", incident=incident, tell=tell, at=later)
    add("A storm: one digest, edited as sites return", "digest")
    add("Everything of a digest is over (silent)", "digest over")
    return made + [(title, {language: notice(key, texts(language)) for language in Language}) for title, key in NOTICES]


def notice(key: str, words: Texts) -> str:
    """Return a message of the bridge itself."""
    if key == "backlog":
        return backlog.text(BACKLOG, words, JAKARTA, now=BEGAN + timedelta(minutes=37, seconds=54))
    return render.notice(words, key, NOTICE)


NOTICES = (
    ("The monitoring itself is silent (sound)", "lines"),
    ("It speaks again", "back"),
    ("Telegram could not be reached for a while: first in each chat that something was held for (silent)", "backlog"),
    ("A chat refuses messages (to the admin chat, once)", "dead"),
    ("A group has become a supergroup", "migrated"),
    ("Another program fetches this bot's commands (to the admin chat, once)", "conflict"),
    ("A webhook is set for this bot (to the admin chat, once)", "conflict_webhook"),
)
NOTICE = {
    "keys": "silent,answers",
    "seconds": "185",
    "names": "exporter",
    "chat": "gerbang-tol",
    "detail": "Forbidden: bot was kicked from the supergroup chat",
    "old_id": "-4001",
    "new_id": "-1001234567890",
}
BACKLOG = {
    "away_since": BEGAN.isoformat(),
    "away_until": (BEGAN + timedelta(minutes=37, seconds=54)).isoformat(),
    "messages": "10",
    "over": "4",
    "open": "2",
}


def section() -> str:
    """Return the samples as Markdown."""
    lines = [BEGIN, ""]
    for title, found in samples():
        lines += [f"**{title}**", ""]
        for language in Language:
            lines += ["```text", plain(found[language]), "```", ""]
    return "\n".join([*lines, END])


def main() -> None:
    """Write the samples into the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(head + section() + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
