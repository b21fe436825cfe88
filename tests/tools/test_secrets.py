"""What `make secrets` writes, keeps and refuses."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest
import yaml
from click.testing import CliRunner

from alertbridge.loading import load
from httpservice.webconfig import WebConfigFile
from tests.prometheus.servers import ROOT
from tools.secrets import TELEGRAM_TOKEN, USERS, WEB_CONFIG, SecretsError, closed_to_others, main, write_missing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with all secrets."""
    written = write_missing(tmp_path / "secrets")
    assert all(written.values())
    return tmp_path / "secrets"


def test_all_files_of_the_compose_stack_are_written(folder: Path) -> None:
    """Each secret that docker-compose.yml names, none of them empty, none twice the same."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    named = {entry["file"].removeprefix("./secrets/") for entry in compose["secrets"].values()}
    present = {path.name for path in folder.iterdir()}
    assert named <= present
    texts = [path.read_text(encoding="utf-8") for path in folder.iterdir()]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_the_folder_is_closed_and_the_files_are_readable(folder: Path) -> None:
    """Containers have users of their own; on the host the folder guards."""
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_nothing_is_overwritten(folder: Path) -> None:
    """A second run changes no byte, and writes only what is missing."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert not any(write_missing(folder).values())
    (folder / "webhook_token").unlink()
    written = write_missing(folder)
    assert [name for name, new in written.items() if new] == ["webhook_token"]
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"webhook_token"}


def test_the_web_config_lets_our_daemons_in(folder: Path) -> None:
    """It is read by our own reader, and each password fits its hash."""
    config = WebConfigFile(folder / WEB_CONFIG).current()
    assert config is not None
    assert set(config.users) == set(USERS)
    document = yaml.safe_load((folder / WEB_CONFIG).read_text(encoding="utf-8"))["basic_auth_users"]
    for user, name in USERS.items():
        assert bcrypt.checkpw((folder / name).read_bytes().strip(), document[user].encode())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("missing", "exporter_password is missing"),
        ("changed", "the password of bridge"),
        ("no user", "has no user bridge"),
    ],
)
def test_a_web_config_that_does_not_fit_is_refused_with_the_remedy(folder: Path, spoil: str, words: str) -> None:
    """Otherwise the bridge would be locked out and nobody would know why."""
    if spoil == "missing":
        (folder / "exporter_password").unlink()
    elif spoil == "changed":
        (folder / "exporter_password").write_text("another\n", encoding="utf-8")
    else:
        (folder / WEB_CONFIG).write_text("basic_auth_users: {admin: x}\n", encoding="utf-8")
    with pytest.raises(SecretsError, match=rf"{words}.*Remove secrets/web-config.yml and run make secrets again"):
        write_missing(folder)
    (folder / WEB_CONFIG).unlink()
    assert write_missing(folder)[WEB_CONFIG]


def test_a_persons_password_may_be_taken_away(folder: Path) -> None:
    """The hash is enough; a new password beside the old hash would be a lie."""
    (folder / "admin_password").unlink()
    written = write_missing(folder)
    assert "admin_password" not in written
    assert not (folder / "admin_password").exists()


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """The command prints names and purposes."""
    result = CliRunner().invoke(main, ["--folder", str(tmp_path / "secrets")])
    assert result.exit_code == 0
    for path in (tmp_path / "secrets").iterdir():
        if path.name not in {"telegram_token", WEB_CONFIG}:
            assert path.read_text(encoding="utf-8").strip() not in result.output
        assert path.name in result.output


def test_the_bridges_compose_file_is_accepted_with_them(folder: Path, tmp_path: Path) -> None:
    """As shipped: a dry run with every other part reachable by its password."""
    text = (ROOT / "alertbridge.compose.yml").read_text(encoding="utf-8")
    path = tmp_path / "alertbridge.yml"
    path.write_text(text.replace("/run/secrets", str(folder)), encoding="utf-8")
    settings, warnings = load(path, {})
    assert settings.dry_run
    assert settings.webhook_token is not None
    assert settings.exporter.username == "bridge"
    assert [warning.path for warning in warnings] == ["telegram.token_file"]


def test_what_is_still_to_be_done_is_said(tmp_path: Path) -> None:
    """The token is asked for until it is there."""
    arguments = ["--folder", str(tmp_path / "secrets")]
    first = CliRunner().invoke(main, arguments).output
    assert "secrets/telegram_token           the bot's token: TO BE FILLED IN BY YOU" in first
    assert "Next: fill in telegram_token, " in first
    with (tmp_path / "secrets" / TELEGRAM_TOKEN).open("a", encoding="utf-8") as file:
        file.write("123456:a-token\n")
    second = CliRunner().invoke(main, arguments).output
    assert "TO BE FILLED IN" not in second
    assert "Next: fill in your targets" in second
    assert "a-token" not in second


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a clone as umask 022 makes it, as far as it is mounted."""
    (tmp_path / "prometheus" / "rules").mkdir(parents=True)
    (tmp_path / ".git").mkdir(mode=0o700)
    for name in ("targets.yml", "Caddyfile", "prometheus/prometheus.compose.yml", "prometheus/rules/vpn.yml"):
        (tmp_path / name).touch(mode=0o644)
    for path in (tmp_path, tmp_path / "prometheus", tmp_path / "prometheus" / "rules"):
        path.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("place", "mode", "found"),
    [
        (".", 0o755, []),
        (".git", 0o700, []),
        (".", 0o700, ["."]),
        ("targets.yml", 0o640, ["targets.yml"]),
        ("prometheus/rules", 0o750, ["prometheus/rules"]),
        ("prometheus/rules/vpn.yml", 0o600, ["prometheus/rules/vpn.yml"]),
    ],
)
def test_what_containers_could_not_read_is_found(project: Path, place: str, mode: int, found: list[str]) -> None:
    """The outermost only, and nothing that is not mounted for them."""
    (project / place).chmod(mode)
    assert closed_to_others(project) == [Path(name) for name in found]


def test_a_closed_clone_is_told_with_the_remedy(project: Path) -> None:
    """What the remedy opens is then no longer found."""
    (project / "targets.yml").chmod(0o600)
    result = CliRunner().invoke(main, ["--folder", str(project / "secrets")])
    assert result.exit_code == 0
    assert "who cannot read: targets.yml. Open it: chmod o+rX . && chmod -R o+rX *.yml Caddyfile" in result.output
