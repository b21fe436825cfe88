"""alertbridge.yml: what each key does; the schema and the shipped files know the same keys."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml

from alertbridge.loading import load
from alertbridge.settings import JAKARTA, Cadence, Language, QuietHours, Role, Schedule, Secret
from alertbridge.yamlfile import named_files
from tests.alertbridge.settings_files import ROOT, TOKEN, mistakes, read

if TYPE_CHECKING:
    from pathlib import Path

DESIGN = """
version: 1
language: id
telegram: {{token_file: {folder}/token, api_url: "http://127.0.0.1:8081"}}
webhook: {{bearer_token_file: {folder}/secret}}
alertmanager: {{url: "http://127.0.0.1:9093"}}
prometheus: {{url: "http://127.0.0.1:9090"}}
exporter: {{url: "http://127.0.0.1:9921", username: bridge, password_file: {folder}/secret}}
grafana: {{url: "https://monitor.example/grafana/"}}
runbooks: {{url: "https://git.example/vpn/blob/main"}}
store: {{path: data/alertbridge.db}}
chats:
  - name: noc
    id: -1001234567890
    topic: 7
    language: en
    role: operator
    quiet_hours: "22:00-06:00 Asia/Jakarta"
    critical_in_quiet_hours: silent
    timezone: WITA
    daily_report: "07:00"
    weekly_report: mon 7.30
users:
  - {{name: duty, id: 11112222, role: admin}}
routes:
  - {{match: {{severity: [critical, warning], region: [JBR, BTN]}}, chats: [noc]}}
escalation: {{after: 15m, chat: noc}}
watchdog: {{timeout: 3m, ping_url_file: {folder}/secret, ping_every: 60s}}
"""


def test_the_example_of_the_design_is_read_as_written(tmp_path: Path) -> None:
    """Every key has its effect, and no secret prints."""
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    (tmp_path / "secret").write_text("geheim\n", encoding="utf-8")
    settings, warnings = read(tmp_path, DESIGN.format(folder=tmp_path))
    assert warnings == []
    chat = settings.chats[0]
    assert (chat.topic, chat.language, chat.role, chat.critical_silent) == (7, Language.EN, Role.OPERATOR, True)
    daily = Schedule(cadence=Cadence.DAILY, at=time(7), zone=ZoneInfo("Asia/Makassar"))
    assert chat.reports == (daily, replace(daily, cadence=Cadence.WEEKLY, at=time(7, 30), weekday=0))
    assert chat.quiet_hours == QuietHours(start=time(22), end=time(6), zone=JAKARTA)
    assert settings.grafana_url == "https://monitor.example/grafana"
    assert settings.watchdog.timeout_seconds == 180
    assert settings.routes[0].regions == {"JBR", "BTN"}
    assert "geheim" not in repr(settings)
    assert TOKEN not in repr(settings)
    assert set(settings.secrets()) == {TOKEN, TOKEN.partition(":")[2], "geheim"}


WEEK = (
    ("mon", 0),
    ("Senin", 0),
    ("tue", 1),
    ("rab", 2),
    ("thursday", 3),
    ("jum", 4),
    ("SAT", 5),
    ("min", 6),
    ("sun", 6),
)


@pytest.mark.parametrize(("word", "day"), WEEK)
def test_days_are_named_in_both_languages(tmp_path: Path, word: str, day: int) -> None:
    """Whole or by three letters."""
    settings, _ = read(tmp_path, f"version: 1\nchats: [{{name: noc, id: -1, weekly_report: {word} 07:00}}]")
    assert [schedule.weekday for schedule in settings.chats[0].reports] == [day]


@pytest.mark.parametrize(
    ("written", "zone"), [("", JAKARTA), ("WIT", ZoneInfo("Asia/Jayapura")), ("Europe/Rome", ZoneInfo("Europe/Rome"))]
)
def test_a_chat_has_one_time_zone(tmp_path: Path, written: str, zone: ZoneInfo) -> None:
    """Quiet hours that name none, and reports, go by it; Jakarta's where the file says nothing."""
    text = (
        f"version: 1\nchats: [{{name: noc, id: -1, timezone: {written}, quiet_hours: 22:00-6:00, daily_report: 17:00}}]"
    )
    (chat,) = read(tmp_path, text)[0].chats
    assert chat.quiet_hours == QuietHours(start=time(22), end=time(6), zone=zone)
    assert chat.reports == (Schedule(cadence=Cadence.DAILY, at=time(17), zone=zone),)


def test_the_database_may_stand_in_the_file_itself(tmp_path: Path) -> None:
    """Where it needs no password; it is kept as a secret all the same."""
    settings, _ = read(tmp_path, 'version: 1\nstore: {url: "postgresql+psycopg://bridge@db.internal/alertbridge"}')
    assert settings.store_url == Secret("postgresql+psycopg://bridge@db.internal/alertbridge")
    assert "db.internal" not in repr(settings)


def schema() -> dict[str, Any]:
    """Return the shipped schema."""
    found: dict[str, Any] = json.loads((ROOT / "alertbridge.schema.json").read_text(encoding="utf-8"))
    return found


def test_the_schema_takes_the_design_and_the_shipped_file(tmp_path: Path) -> None:
    """Editors show no false mistakes."""
    validator = jsonschema.Draft202012Validator(schema())
    for text in (DESIGN.format(folder=tmp_path), (ROOT / "alertbridge.yml").read_text(encoding="utf-8")):
        assert list(validator.iter_errors(yaml.safe_load(text))) == []


def test_the_shipped_file_needs_no_secret() -> None:
    """A fresh clone runs: dry run, one chat, no warning."""
    settings, warnings = load(ROOT / "alertbridge.yml", {})
    assert settings.dry_run
    assert warnings == ()


def uncommented(text: str) -> str:
    """Return a shipped file with its examples switched on: comments that begin a key, and what belongs below them."""
    return re.sub(r"^# ?((?:[a-z]+:|   *(?:- |[a-z_]+:)).*)$", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["alertbridge.yml", "alertbridge.compose.yml"])
def test_the_examples_in_the_shipped_files_hold(tmp_path: Path, name: str) -> None:
    """Whoever takes a comment away gets a file that is read; only the secrets are still missing."""
    text = uncommented((ROOT / name).read_text(encoding="utf-8"))
    assert {"chats", "users", "routes", "grafana", "telegram"} <= set(yaml.safe_load(text))
    assert [line for line in mistakes(tmp_path, text) if "cannot be read" not in line] == []
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(yaml.safe_load(text))) == []


def test_schema_and_reader_know_the_same_keys(tmp_path: Path) -> None:
    """Every key of the schema is one the reader asks for: otherwise it would be refused as unknown."""

    def walk(node: dict[str, Any], path: str) -> list[str]:
        node = node.get("items", node)
        found = []
        for key, value in node.get("properties", {}).items():
            found.append(f"{path}{key}")
            found += walk(value, f"{path}{key}.")
        return found

    text = yaml.safe_load(DESIGN.format(folder=tmp_path))
    text["store"] |= {"url": "x", "url_file": "x"}

    def written(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            node = node[0]
        if not isinstance(node, dict):
            return []
        return [p for key, value in node.items() for p in (f"{path}{key}", *written(value, f"{path}{key}."))]

    optional = {
        "alertmanager.username",
        "alertmanager.password_file",
        "prometheus.username",
        "prometheus.password_file",
    }
    assert set(walk(schema(), "")) - optional == set(written(text, ""))


def test_runbooks_and_grafana_have_an_address_each(tmp_path: Path) -> None:
    """For links in messages."""
    settings, warnings = read(tmp_path, "version: 1\nrunbooks: {url: https://git.example/vpn/blob/main/}")
    assert (settings.runbooks_url, settings.grafana_url, warnings) == ("https://git.example/vpn/blob/main", None, [])
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors({"version": 1, "runbooks": {"url": 7}}))


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("telegram: {token_file: a}\nexporter: {password_file: ' b '}\nchats: [{x_file: c}]", ("a", "b", "c")),
        ("store: {url_file: a}\nwebhook: {bearer_token_file: a}", ("a",)),
        ("telegram: {token_file: }\nchats: [{name: a_file, id: 5}]\nname: b_file\nroutes: c", ()),
        ("telegram: {token_file: [a, b]}", ()),
        ("telegram: {token_file: a", ()),
        ("", ()),
    ],
)
def test_the_files_that_settings_name_are_known_even_of_settings_with_mistakes(
    text: str, files: tuple[str, ...]
) -> None:
    """Whoever watches the settings watches these too."""
    assert named_files(text) == files
