"""Commands and exit codes: 0 fine, 1 findings, 2 wrong usage, 3 cannot run."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from alertbridge.cli import main
from alertbridge.store import Store
from alertbridge.store.rows import NOTICE, RowState
from alertbridge.wording import utc_now
from httpservice.datadir import sole_user
from tests.botapi.world import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from alertbridge.store.queries import Queries
    from tests.botapi.server import BotApi


def run(folder: Path, *arguments: str, token: str = "") -> Result:
    """Run a command with the settings of a folder."""
    environment = {
        "TELEGRAM_TOKEN": token or None,
        "ALERTBRIDGE_CONFIG_FILE": str(folder / "a.yml"),
        "ALERTBRIDGE_DATA_DIR": str(folder),
    }
    return CliRunner().invoke(main, arguments, env=environment)


def write(folder: Path, text: str) -> None:
    """Write the settings."""
    (folder / "a.yml").write_text(f"version: 1\n{text}\n", encoding="utf-8")


def test_check_says_fine_or_every_mistake(tmp_path: Path) -> None:
    """Exit code 0 or 1."""
    write(tmp_path, "")
    good = run(tmp_path, "check", str(tmp_path / "a.yml"))
    assert (good.exit_code, "is fine: dry run, no token, 1 chat, 0 users" in good.output) == (0, True)
    write(tmp_path, "foo: 1\nlanguage: xx")
    bad = run(tmp_path, "check", str(tmp_path / "a.yml"))
    assert (bad.exit_code, bad.output.splitlines()[-1]) == (1, f"{tmp_path}/a.yml cannot be used: 2 mistakes.")


def test_check_needs_no_argument_where_the_file_is_known(tmp_path: Path) -> None:
    """From the environment, else alertbridge.yml."""
    write(tmp_path, "")
    assert run(tmp_path, "check").exit_code == 0


def test_check_as_json(tmp_path: Path) -> None:
    """For editors and pipelines: what there is not is null."""
    write(tmp_path, "language: xx")
    bad = run(tmp_path, "check", "--json")
    document = json.loads(bad.output)
    assert (bad.exit_code, document["usable"], document["chats"]) == (1, False, None)
    (mistake,) = document["mistakes"]
    assert (mistake["line"], mistake["path"], mistake["value"], mistake["warning"]) == (2, "language", "xx", False)
    write(tmp_path, "chats: [{name: noc, id: -1}]")
    good = json.loads(run(tmp_path, "check", "--json").output)
    assert (good["usable"], good["dry_run"], good["chats"], good["mistakes"]) == (True, True, ["noc"], [])


def test_check_asks_telegram_for_each_chat(tmp_path: Path, api: BotApi) -> None:
    """A wrong id is found before the first alert, with what most likely is wrong; nobody is written to."""
    chats = "[{name: noc, id: -1001234567890}, {name: small, id: -1234567890}, {name: boss, id: 2}]"
    write(tmp_path, f"telegram: {{api_url: '{api.url}'}}\nchats: {chats}")
    api.world.chats = {-1001234567890}
    done = run(tmp_path, "check", "--ask", token=api.token)
    assert done.exit_code == 1
    assert "the token is good, the bot is @standin_bot" in done.output
    assert "chat noc (-1001234567890): supergroup chat -1001234567890\n" in done.output
    assert "chat small (-1234567890): Chat not found; " in done.output
    assert "perhaps it is -1001234567890\n" in done.output
    assert "must have pressed Start" in done.output
    assert "is well written, but 2 things will not work" in done.output
    assert api.messages == []
    api.world.chats = None
    assert run(tmp_path, "check", "--ask", token=api.token).exit_code == 0
    wrong = run(tmp_path, "check", "--ask", token="999:wrong_token_but_well_formed")
    assert (wrong.exit_code, "get a token from @BotFather" in wrong.output, "wrong_token" in wrong.output) == (
        1,
        True,
        False,
    )
    assert "there is no token to ask with" in run(tmp_path, "check", "--ask").output


@pytest.mark.parametrize("arguments", [["send", "x"], ["watch", "--peer", "http://127.0.0.1:9"]])
def test_with_nobody_to_tell_there_is_a_remedy(tmp_path: Path, arguments: list[str], api: BotApi) -> None:
    """Not a silent success."""
    write(tmp_path, f"telegram: {{api_url: '{api.url}'}}")
    done = run(tmp_path, *arguments, token=api.token)
    assert (done.exit_code, "/whoami" in done.output, api.calls) == (3, True, [])


def test_check_of_a_file_that_is_not_there_cannot_run(tmp_path: Path) -> None:
    """Exit code 3, as of every command: 1 would say that the file has mistakes."""
    done = run(tmp_path, "check", str(tmp_path / "none.yml"))
    assert (done.exit_code, "cannot be read" in done.output, "1 mistake" in done.output) == (3, True, False)


def test_a_database_is_not_made_by_looking_for_it(tmp_path: Path) -> None:
    """A mistyped folder gets no empty list: exit code 3 with the remedy, and nothing is created."""
    write(tmp_path, "")
    typo = tmp_path / "tpyo"
    for command in (["list"], ["retry", "--all"], ["drop", "--all"]):
        done = run(tmp_path, "outbox", *command, "--data.dir", str(typo))
        assert (done.exit_code, "--data.dir" in done.output) == (3, True)
    assert not typo.exists()


@pytest.mark.parametrize("arguments", [["-h"], ["serve", "-h"], ["outbox", "list", "-h"]])
def test_h_is_help(tmp_path: Path, arguments: list[str]) -> None:
    """As the exporter's."""
    done = run(tmp_path, *arguments)
    assert (done.exit_code, done.output.startswith("Usage:")) == (0, True)


def test_send_delivers_or_says_why_not(tmp_path: Path, api: BotApi) -> None:
    """Telegram's own words, never the token; one chat or all."""
    write(tmp_path, f"telegram: {{api_url: '{api.url}'}}\nchats: [{{name: noc, id: -1}}, {{name: boss, id: 2}}]")
    api.world.rates.enforced = False
    assert run(tmp_path, "send", "<hello>", token=api.token).exit_code == 0
    assert [(m.chat_id, m.text) for m in api.messages] == [(-1, "<hello>"), (2, "<hello>")]
    assert run(tmp_path, "send", "x", "--chat", "boss", token=api.token).exit_code == 0
    api.world.blocked[-1] = Refusal(400, "Bad Request: chat not found")
    refused = run(tmp_path, "send", "x", "--chat", "noc", token=api.token)
    assert refused.exit_code == 1
    assert "chat noc (-1): chat_not_found: Chat not found" in refused.output
    wrong = run(tmp_path, "send", "x", token="999:wrong_token_but_well_formed")
    assert (wrong.exit_code, "wrong_token" in wrong.output) == (1, False)
    assert run(tmp_path, "send", "x", "--chat", "nobody", token=api.token).exit_code == 2


def fill(folder: Path) -> None:
    """Put one waiting and two dead messages into the store."""

    def work(queries: Queries) -> None:
        for text in ("one", "two", "three"):
            queries.enqueue(chat="console", kind=NOTICE, notice="test", values={"text": text}, now=utc_now())
        queries.update_rows([2, 3], state=RowState.DEAD, failure="blocked", detail="Forbidden: x", attempts=1)

    async def filling() -> None:
        store = Store.at(folder / "alertbridge.db")
        await store.open()
        await store.transact(work)
        await store.close()

    asyncio.run(filling())


def test_dead_letters_are_listed_retried_and_dropped(tmp_path: Path) -> None:
    """By number or all; what is not there is said."""
    write(tmp_path, "")
    fill(tmp_path)
    listed = run(tmp_path, "outbox", "list").output
    assert "blocked: Forbidden: x" in listed
    assert listed.splitlines()[-1] == "3 messages"
    assert run(tmp_path, "outbox", "retry", "2").output == "1 message queued again\n"
    assert run(tmp_path, "outbox", "retry").exit_code == 2
    assert run(tmp_path, "outbox", "retry", "2").exit_code == 1
    assert run(tmp_path, "outbox", "drop", "1").output == "1 message dropped\n"
    assert run(tmp_path, "outbox", "drop", "--all").output == "1 message dropped\n"
    assert run(tmp_path, "outbox", "list").output.splitlines()[-1] == "1 message"


@pytest.mark.parametrize(
    ("arguments", "text", "expected"),
    [
        (["serve", "--config.file", "/none.yml"], "", "cannot be read"),
        (["serve", "--web.listen-address", "nowhere"], "", "is no listen address"),
        (["serve", "--web.listen-address", "0.0.0.0:0"], "", "refusing to listen"),
        (["serve"], "foo: 1", "foo: is no key that is known"),
        (["serve"], "store: {path: /proc/none/x.db}", "cannot be made"),
    ],
    ids=["no file", "bad address", "open door", "mistake", "no folder"],
)
def test_what_cannot_run_says_why(tmp_path: Path, arguments: list[str], text: str, expected: str) -> None:
    """Exit code 3."""
    write(tmp_path, text)
    result = run(tmp_path, *arguments)
    assert (result.exit_code, expected in result.output) == (3, True), result.output


def test_wrong_usage_is_2(tmp_path: Path) -> None:
    """As click says."""
    assert run(tmp_path, "serve", "--bogus").exit_code == 2
    assert run(tmp_path, "bogus").exit_code == 2


def test_a_second_bridge_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Two on one SQLite file would each send what the other has claimed."""
    config = tmp_path / "alertbridge.yml"
    config.write_text("version: 1\n")
    arguments = ["serve", "--config.file", str(config), "--data.dir", str(tmp_path / "data")]
    with sole_user(tmp_path / "data", "alertbridge"):
        result = CliRunner().invoke(main, [*arguments, "--web.listen-address", "127.0.0.1:0"])
    assert result.exit_code == 3
    assert "another alertbridge" in result.output
