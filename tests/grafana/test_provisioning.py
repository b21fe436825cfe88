"""Provisioning and settings: what Grafana reads at its start names what there is, and is closed where it must be."""

from __future__ import annotations

import configparser
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from grafana import serve
from grafana.build.language import LANGUAGES
from grafana.build.navigation import VPN_MAP
from tests.grafana.reading import FOLDER, ROOT, load

if TYPE_CHECKING:
    from collections.abc import Mapping

GRAFANA = ROOT / "grafana"


def read(name: str) -> dict[str, Any]:
    """Return a provisioning file."""
    found: dict[str, Any] = yaml.safe_load((GRAFANA / "provisioning" / name).read_text(encoding="utf-8"))
    return found


def settings() -> configparser.ConfigParser:
    """Return grafana.ini."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(GRAFANA / "grafana.ini", encoding="utf-8")
    return parser


def environment_names() -> set[str]:
    """Return the variables that Grafana's files read."""
    texts = [path.read_text(encoding="utf-8") for path in (GRAFANA / "provisioning").rglob("*.yml")]
    texts.append((GRAFANA / "grafana.ini").read_text(encoding="utf-8"))
    return {name for text in texts for name in re.findall(r"\$(?:__env\{)?(VPN_\w+)", text)}


def test_the_data_sources_have_the_uids_that_dashboards_name() -> None:
    """Prometheus is the default; both are asked by Grafana itself, never by the viewer's browser."""
    sources = {source["uid"]: source for source in read("datasources/servers.yml")["datasources"]}
    assert {uid: source["type"] for uid, source in sources.items()} == {
        "prometheus": "prometheus",
        "alertmanager": "alertmanager",
    }
    assert all(source["access"] == "proxy" and source["editable"] is False for source in sources.values())
    assert sources["prometheus"]["jsonData"]["timeInterval"] == "5s"
    assert sources["alertmanager"]["jsonData"]["implementation"] == "prometheus"
    chosen = load(FOLDER / "en" / "vpn-map.json")["templating"]["list"][0]["current"]
    assert chosen == {"text": sources["prometheus"]["name"], "value": "prometheus"}


def test_every_language_has_its_folder() -> None:
    """One provider per language; the files win over the database, and a dropped page goes away."""
    providers = {Path(item["options"]["path"]).name: item for item in read("dashboards/vpn.yml")["providers"]}
    assert {code: item["folder"] for code, item in providers.items()} == {say.code: say.folder for say in LANGUAGES}
    assert len({item["folderUid"] for item in providers.values()}) == len(providers)
    assert all(not item["allowUiUpdates"] and not item["disableDeletion"] for item in providers.values())
    for code in providers:
        assert (FOLDER / code).is_dir()


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("users", "allow_sign_up", "false"),
        ("auth.anonymous", "enabled", "false"),
        ("auth", "disable_login_form", "false"),
        ("public_dashboards", "enabled", "false"),
        ("snapshots", "external_enabled", "false"),
        ("analytics", "reporting_enabled", "false"),
        ("analytics", "check_for_updates", "false"),
        ("analytics", "check_for_plugin_updates", "false"),
        ("news", "news_feed_enabled", "false"),
        ("plugins", "preinstall_disabled", "true"),
        ("plugins", "public_key_retrieval_disabled", "true"),
        ("security", "disable_gravatar", "true"),
        ("security", "allow_embedding", "false"),
        ("dashboards", "min_refresh_interval", "5s"),
        ("server", "http_addr", "127.0.0.1"),
    ],
)
def test_grafana_is_closed_and_quiet(section: str, key: str, value: str) -> None:
    """Login only, nothing published, nothing reported or downloaded, refresh as fast as promised."""
    assert settings()[section][key] == value


def test_passwords_come_from_files() -> None:
    """No secret stands in the settings."""
    security = settings()["security"]
    assert all(security[key].startswith("$__file{") for key in ("admin_password", "secret_key"))


def test_the_home_page_is_the_map() -> None:
    """Who logs in sees the country."""
    path = settings()["dashboards"]["default_home_dashboard_path"].replace("$__env{VPN_GRAFANA_FILES}", str(GRAFANA))
    assert load(Path(path))["uid"] == VPN_MAP.uid


def test_docker_compose_sets_every_variable_that_the_files_read() -> None:
    """Grafana's files know no defaults: an unset URL would be an empty one."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    service = compose["services"]["grafana"]
    assert environment_names() <= set(service["environment"])
    assert {"grafana_admin_password", "grafana_secret_key"} <= set(service["secrets"])
    assert re.fullmatch(r"grafana/grafana:12\.4\.\d+", service["image"])


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    """A folder that looks like an installed Grafana; its program prints what it is given."""
    home = tmp_path / "home"
    (home / "public" / "maps").mkdir(parents=True)
    (home / "public" / "maps" / "countries.geojson").write_text("{}", encoding="utf-8")
    (home / "public" / "build").mkdir()
    (home / "bin").mkdir()
    program = home / "bin" / "grafana"
    program.write_text('#!/bin/sh\necho "$@"\nenv | grep -E "^(VPN|GF)_"\n', encoding="utf-8")
    program.chmod(0o755)
    return home


def run(home: Path, data: Path, **more: str) -> Mapping[str, str]:
    """Start our starter with a Grafana home; returns its environment, its arguments under `arguments`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VPN_", "GF_"))}
    answer = subprocess.run(
        [sys.executable, "-m", "grafana.serve", "--data", str(data)],
        cwd=ROOT,
        env=clean | {"GRAFANA_HOME": str(home), "PATH": "/usr/bin:/bin"} | more,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = answer.stdout.splitlines()
    found = dict(line.split("=", 1) for line in lines if line.startswith(("VPN_", "GF_")))
    return found | {"arguments": next(line for line in lines if line.startswith("server")), "all": answer.stdout}


def test_the_starter_gives_grafana_everything_the_files_read(home: Path, tmp_path: Path) -> None:
    """Every variable is set, the servers are those of `make run`, and the settings are ours."""
    found = run(home, tmp_path / "data")
    assert environment_names() <= set(found)
    assert found["VPN_PROMETHEUS_URL"] == "http://127.0.0.1:9090"
    assert found["VPN_ALERTMANAGER_URL"] == "http://127.0.0.1:9093"
    assert f"--homepath {home} --config {GRAFANA}/grafana.ini" in found["arguments"]


def test_the_starter_keeps_what_is_set_already(home: Path, tmp_path: Path) -> None:
    """Who runs Prometheus elsewhere says so by the environment."""
    found = run(home, tmp_path / "data", VPN_PROMETHEUS_URL="http://127.0.0.1:19090")
    assert found["VPN_PROMETHEUS_URL"] == "http://127.0.0.1:19090"


def test_the_starter_makes_a_password_once_and_never_prints_it(home: Path, tmp_path: Path) -> None:
    """The file is its owner's only, outlives restarts, and only its place is told."""
    data = tmp_path / "data"
    found = run(home, data)
    password = data / "admin_password"
    first = password.read_text(encoding="utf-8").strip()
    assert len(first) >= 20
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert found["GF_SECURITY_ADMIN_PASSWORD"] == f"$__file{{{password}}}"
    assert first not in run(home, data)["all"]
    assert password.read_text(encoding="utf-8").strip() == first


def test_the_starter_puts_the_outline_beside_grafanas_own_files(home: Path, tmp_path: Path) -> None:
    """The map asks for public/maps/indonesia-outline.geojson; what Grafana ships stays reachable."""
    public = Path(run(home, tmp_path / "data")["GF_SERVER_STATIC_ROOT_PATH"])
    assert (public / "maps" / "indonesia-outline.geojson").read_bytes() == serve.OUTLINE.read_bytes()
    assert (public / "maps" / "countries.geojson").exists()
    assert (public / "build").is_dir()
    assert not (home / "public" / "maps" / "indonesia-outline.geojson").exists()


def test_without_a_grafana_the_starter_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Exit 3 (cannot run) and the remedy."""
    monkeypatch.delenv("GRAFANA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(serve, "HOMES", ())
    result = CliRunner().invoke(serve.main, ["--data", str(tmp_path)])
    assert result.exit_code == 3
    assert "set GRAFANA_HOME" in result.output
