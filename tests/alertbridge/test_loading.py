"""alertbridge.yml: every mistake by its exact message, all at once; secrets by file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from alertbridge.errors import SettingsError
from alertbridge.loading import load
from alertbridge.settings import Language, Secret
from alertbridge.yamlfile import near
from httpservice.mistakes import shown
from tests.alertbridge.settings_files import CHAT, TOKEN, UNREADABLE, mistakes, read

if TYPE_CHECKING:
    from pathlib import Path

TABLE: tuple[tuple[str, str, list[str]], ...] = (
    ("empty", "", [" holds no settings; start with `version: 1`"]),
    ("a list", "- 1", [" holds no settings; start with `version: 1`"]),
    ("broken", "version: [1", ["2: is no YAML: did not find expected ',' or ']'; correct the syntax"]),
    ("no version", "language: id", ["1: version: is missing; start with `version: 1`"]),
    ("wrong version", "version: 2", ['1: version: "2" is no version that is known; use 1']),
    ("unknown key", "version: 1\nlanguag: id", ["2: languag: is no key that is known; did you mean language?"]),
    ("key twice", "version: 1\nversion: 1", ["2: version: is written twice (first on line 1); keep one of them"]),
    ("language", "version: 1\nlanguage: en_GB", ['2: language: "en_GB" is not known here; use one of en, id']),
    (
        "token in the file",
        f"version: 1\ntelegram: {{token: '{TOKEN}'}}",
        ["2: telegram.token: is no key that is known; did you mean token_file?"],
    ),
    (
        "token file missing",
        "version: 1\ntelegram: {token_file: /none}",
        [f'2: telegram.token_file: "/none" {UNREADABLE}'],
    ),
    (
        "url",
        "version: 1\nalertmanager: {url: '127.0.0.1:9093'}",
        ['2: alertmanager.url: "127.0.0.1:9093" is no URL; write it like http://127.0.0.1:9093'],
    ),
    (
        "url with a password",
        "version: 1\nexporter: {url: 'http://u:geheim@h.example'}",
        ["2: exporter.url: holds a user or password; use username and password_file"],
    ),
    (
        "user without password",
        "version: 1\nexporter: {username: bridge}",
        ["2: exporter.username: and password_file belong together; give both or neither"],
    ),
    ("section as text", "version: 1\ngrafana: x", ["2: grafana: must be a mapping; write it like `grafana: {...}`"]),
    (
        "chats as a mapping",
        f"version: 1\nchats: {CHAT}",
        ["2: chats: must be a list; write each entry of chats on a line that starts with `- `"],
    ),
    (
        "chat as text",
        "version: 1\nchats: [noc]",
        ["2: chats[0]: must be a mapping; write it like `- {name: ..., ...}`"],
    ),
    (
        "chat without id",
        "version: 1\nchats:\n  - {name: noc}",
        ["3: chats[0].id: is missing; ask the bot: /whoami in that chat tells it"],
    ),
    (
        "chat id as a name",
        "version: 1\nchats: [{name: noc, id: '@noc'}]",
        ['2: chats[0].id: "@noc" is no whole number; write digits only, with a leading - for groups'],
    ),
    (
        "chat name twice",
        f"version: 1\nchats:\n  - {CHAT}\n  - {{name: noc, id: -2}}",
        ['4: chats[1].name: "noc" names two chats; give each chat its own name'],
    ),
    (
        "chat id twice",
        f"version: 1\nchats:\n  - {CHAT}\n  - {{name: b, id: -1}}",
        ["4: chats[1].id: with this topic is chat noc already; remove one of them"],
    ),
    (
        "topic",
        "version: 1\nchats: [{name: noc, id: -1, topic: 0}]",
        ['2: chats[0].topic: "0" is no topic; copy the number from the topic\'s link'],
    ),
    (
        "role",
        "version: 1\nchats: [{name: noc, id: -1, role: root}]",
        ['2: chats[0].role: "root" is not known here; use one of admin, operator, viewer'],
    ),
    (
        "quiet hours",
        "version: 1\nchats: [{name: noc, id: -1, quiet_hours: '22-6'}]",
        ['2: chats[0].quiet_hours: "22-6" is no span of the day; write it like "22:00-06:00 Asia/Jakarta"'],
    ),
    (
        "quiet zone",
        "version: 1\nchats: [{name: noc, id: -1, quiet_hours: '22:00-06:00 Asia/Bandung'}]",
        [
            (
                '2: chats[0].quiet_hours: "22:00-06:00 Asia/Bandung" names no time zone; '
                "use WIB, WITA, WIT or a name like Asia/Makassar"
            )
        ],
    ),
    (
        "time zone",
        "version: 1\nchats: [{name: noc, id: -1, timezone: WIBB}]",
        [('2: chats[0].timezone: "WIBB" is no time zone; use WIB, WITA, WIT or a name like Asia/Makassar')],
    ),
    (
        "daily report",
        "version: 1\nchats: [{name: noc, id: -1, daily_report: '24:00'}]",
        ['2: chats[0].daily_report: "24:00" is no time of the day; write it like "07:00"'],
    ),
    (
        "weekly report without a day",
        "version: 1\nchats: [{name: noc, id: -1, weekly_report: '07:00'}]",
        ['2: chats[0].weekly_report: "07:00" is no time of the week; write it like "mon 07:00" or "senin 07:00"'],
    ),
    (
        "weekly report on no day",
        "version: 1\nchats: [{name: noc, id: -1, weekly_report: 'moon 07:00'}]",
        ['2: chats[0].weekly_report: "moon 07:00" is no time of the week; write it like "mon 07:00" or "senin 07:00"'],
    ),
    (
        "anonymous admin as a user",
        "version: 1\nusers: [{name: x, id: 1087968824}]",
        ['2: users[0].id: "1087968824" is GroupAnonymousBot, which speaks for anybody; use the person\'s own id'],
    ),
    (
        "telegram as a user",
        "version: 1\nusers: [{name: x, id: 777000}]",
        ['2: users[0].id: "777000" is Telegram itself, which speaks for anybody; use the person\'s own id'],
    ),
    (
        "a group as a user",
        "version: 1\nusers: [{name: x, id: -5}]",
        ['2: users[0].id: "-5" is a group, not a person; put groups under chats'],
    ),
    (
        "user twice",
        "version: 1\nusers: [{name: x, id: 5}, {name: y, id: 5}]",
        ['2: users[1].id: "5" stands there twice; remove one of them'],
    ),
    (
        "route to nobody",
        f"version: 1\nchats: [{CHAT}]\nroutes: [{{match: {{region: JBR}}}}]",
        ["3: routes[0].chats: names no chat; write it like `chats: [noc]`"],
    ),
    (
        "route to a mistyped chat",
        f"version: 1\nchats: [{CHAT}]\nroutes: [{{chats: [nock]}}]",
        ['3: routes[0].chats: "nock" is no chat of this file; did you mean noc?'],
    ),
    (
        "severity",
        f"version: 1\nchats: [{CHAT}]\nroutes: [{{match: {{severity: crit}}, chats: [noc]}}]",
        ['3: routes[0].match.severity: "crit" is no severity; did you mean critical?'],
    ),
    (
        "escalation",
        "version: 1\nchats: [{name: noc, id: -1}]\nescalation: {chat: nok, after: soon}",
        [
            '3: escalation.chat: "nok" is no chat of this file; did you mean noc?',
            '3: escalation.after: "soon" is no duration that can be used; write it like 60s, 3m or 1h30m',
        ],
    ),
    (
        "duration",
        "version: 1\nwatchdog: {timeout: 3 minutes}",
        ['2: watchdog.timeout: "3 minutes" is no duration that can be used; write it like 60s, 3m or 1h30m'],
    ),
    (
        "store no URL",
        "version: 1\nstore: {url: localhost/db}",
        ["2: store.url: holds no database URL; write postgresql+psycopg://user:password@host/name in it"],
    ),
    (
        "store by URL and path",
        "version: 1\nstore: {url: 'postgresql+psycopg://u:pw@h/n', path: a.db}",
        ["2: store.url: and path are both given; keep one of them"],
    ),
    (
        "store twice",
        "version: 1\nstore: {path: a.db, url_file: /none}",
        [
            f'2: store.url_file: "/none" {UNREADABLE}',
            "2: store.url_file: and path are both given; keep one of them",
        ],
    ),
)


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_mistake_has_its_message(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Line, path, value, what is wrong and the remedy."""
    assert mistakes(tmp_path, text) == expected


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    """In the order of lines."""
    text = "version: 3\nlanguage: de\nusers: [{id: x}]\nfoo: 1"
    assert [line.partition(":")[0] for line in mistakes(tmp_path, text)] == ["1", "2", "3", "3", "4"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Its own message."""
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(tmp_path / "none.yml", {})


@pytest.mark.parametrize("text", ["version: 1", "version: 1\nchats: []", "version: 1\nchats:"])
def test_a_token_without_chats_is_a_warning(tmp_path: Path, text: str) -> None:
    """The bot must run to answer /whoami, which is how the id of the first chat is learnt."""
    settings, warnings = read(tmp_path, text, {"TELEGRAM_TOKEN": TOKEN})
    assert settings.chats == ()
    assert not settings.dry_run
    remedy = "start the bridge and add the bot to your group (or write /whoami): it answers with the line for here"
    assert [line.partition(": ")[2] for line in warnings] == [
        f"warning: chats: names no chat: nobody is told anything; {remedy}"
    ]


def test_a_route_needs_a_chat_of_the_file(tmp_path: Path) -> None:
    """Without chats a route leads nowhere, and that is a mistake."""
    assert mistakes(tmp_path, "version: 1\nroutes: [{chats: [noc]}]", {"TELEGRAM_TOKEN": TOKEN}) == [
        '2: routes[0].chats: "noc" is no chat of this file; add the chat under chats'
    ]


@pytest.mark.parametrize("token", ["x", "0123:abc", "123456", "12 3:abc", "1" * 20 + ":abcdef"])
def test_a_text_that_is_no_token(tmp_path: Path, token: str) -> None:
    """Refused, and never repeated."""
    found = mistakes(tmp_path, f"version: 1\nchats: [{CHAT}]", {"TELEGRAM_TOKEN": token})
    remedy = "copy it whole from @BotFather: digits, a colon, 35 characters"
    assert len(found) == 1
    assert found[0].endswith(f"TELEGRAM_TOKEN: (environment) holds no bot token; {remedy}")


def test_a_name_stands_once_in_a_remedy() -> None:
    """Two chats of one name are a mistake of their own."""
    assert near("xyz", ["noc", "noc"]) == "use one of noc"


def test_token_by_file_and_environment(tmp_path: Path) -> None:
    """One of them, not both."""
    secret = tmp_path / "token"
    secret.write_text(f"# from BotFather\n{TOKEN}\n", encoding="utf-8")
    text = f"version: 1\ntelegram: {{token_file: {secret}}}\nchats: [{CHAT}]"
    assert read(tmp_path, text)[0].token == Secret(TOKEN)
    assert mistakes(tmp_path, text, {"TELEGRAM_TOKEN": TOKEN}) == [
        "2: telegram.token_file: and TELEGRAM_TOKEN are both given; keep one of them"
    ]


@pytest.mark.parametrize("language", list(Language))
def test_the_dry_run_speaks_the_language_of_the_file(language: Language, tmp_path: Path) -> None:
    """Its chat stands in no file, so no other language could be meant."""
    settings, _ = read(tmp_path, f"version: 1\nlanguage: {language}")
    assert [chat.language for chat in settings.chats] == [language]


def test_a_pipe_is_refused_at_once_as_settings_and_as_secret(tmp_path: Path) -> None:
    """A running bridge whose file became a FIFO goes on; it would otherwise never reload nor stop again."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SettingsError, match="cannot be read: it is a pipe or device"):
        load(tmp_path / "fifo", {})
    assert (
        "cannot be read: it is a pipe or device"
        in mistakes(tmp_path, f"version: 1\ntelegram: {{token_file: {tmp_path}/fifo}}")[0]
    )


def test_an_empty_token_file_is_a_dry_run_with_a_warning(tmp_path: Path) -> None:
    """`make secrets` leaves an empty file with instructions."""
    secret = tmp_path / "token"
    secret.write_text("# put the token here\n", encoding="utf-8")
    settings, warnings = read(tmp_path, f"version: 1\ntelegram: {{token_file: {secret}}}")
    assert settings.dry_run
    assert [chat.name for chat in settings.chats] == ["console"]
    expected = (
        f'2: warning: telegram.token_file: "{shown(str(secret))}" is empty: messages will be printed; put the secret in'
    )
    assert warnings == [expected]
