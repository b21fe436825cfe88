"""docker-compose.yml, Dockerfile and .dockerignore, as far as a machine without Docker can tell."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from alertbridge.cli import serve as serve_bridge
from exporter.cli import serve as serve_exporter
from tests.prometheus.servers import ROOT
from tools.debian import ensure

if TYPE_CHECKING:
    import click

_OURS = {"exporter", "alertbridge"}


def config(**environment: str) -> dict[str, Any]:
    """Return docker-compose.yml as Docker's own client understands it; it refuses what the compose schema refuses."""
    program = ensure("docker-compose", suite="sid")["docker-compose"]
    clean = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        [program, "-f", str(ROOT / "docker-compose.yml"), "config", "--format", "json"],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "level=warning" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """Return all services by name."""
    found: dict[str, dict[str, Any]] = config()["services"]
    return found


def test_only_the_proxy_can_be_reached_from_outside(services: dict[str, dict[str, Any]]) -> None:
    """Everything else is behind its TLS; what has no login of its own has no way out either."""
    assert {name for name, service in services.items() if service.get("ports")} == {"caddy"}
    networks = config()["networks"]
    assert {name for name, network in networks.items() if network.get("internal")} == {"inside", "front"}
    assert set(services["prometheus"]["networks"]) == {"inside"}
    assert set(services["alertmanager"]["networks"]) == {"inside"}
    assert "inside" not in services["caddy"]["networks"]


@pytest.mark.parametrize("name", ["exporter", "alertbridge", "prometheus", "alertmanager", "grafana", "caddy"])
def test_every_service_is_kept_running_checked_bounded_and_confined(
    services: dict[str, dict[str, Any]], name: str
) -> None:
    """Restarted, health-checked, its log rotated, without capabilities that it does not need."""
    service = services[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert not any(" " in part for part in service["healthcheck"]["test"]), "Podman 4 would cut it there"
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert not service.get("privileged")
    if name not in _OURS:
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), "pinned to a release"


def test_what_is_mounted_is_there(services: dict[str, dict[str, Any]]) -> None:
    """Docker would make an empty folder of what is missing; nothing of ours can be written from inside."""
    for service in services.values():
        for mount in service["volumes"]:
            if mount["type"] == "bind":
                assert os.path.exists(mount["source"]), mount  # noqa: PTH110 - a text of Docker's
                assert mount["read_only"]


def test_our_daemons_do_not_see_others_secrets(services: dict[str, dict[str, Any]]) -> None:
    """The folder with targets.yml is theirs to read; an empty one lies over secrets/ in it."""
    for name in _OURS:
        assert "/config/secrets" in services[name]["tmpfs"]
        assert services[name]["read_only"]
    of = {name: {secret["source"] for secret in service.get("secrets", [])} for name, service in services.items()}
    assert of["exporter"] == {"web-config.yml"}
    assert of["caddy"] == set()
    assert of["grafana"] == {"grafana_admin_password", "grafana_secret_key"}


@pytest.mark.parametrize(
    ("name", "command", "prefix"),
    [("exporter", serve_exporter, "VPN_EXPORTER_"), ("alertbridge", serve_bridge, "ALERTBRIDGE_")],
    ids=["exporter", "alertbridge"],
)
def test_environment_variables_are_ones_that_the_commands_know(
    services: dict[str, dict[str, Any]], name: str, command: click.Command, prefix: str
) -> None:
    """A misspelt one would be ignored, and the default hold."""
    known = {parameter.envvar for parameter in command.params}
    given = set(services[name]["environment"])
    assert {variable for variable in given if variable.startswith(prefix)} == given
    assert given <= known


@pytest.mark.parametrize(("name", "suite"), [("prometheus", "sid"), ("alertmanager", "sid")])
def test_flags_are_ones_that_the_servers_know(services: dict[str, dict[str, Any]], name: str, suite: str) -> None:
    """Asked of the real ones, of the release that the image is pinned to."""
    program = ensure(name, suite=suite)[name]
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    for flag in services[name]["command"]:
        assert flag.partition("=")[0] in said.stdout + said.stderr
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    pinned = services[name]["image"].rpartition(":v")[2]
    assert pinned.rpartition(".")[0] in version, "the tests should run what production runs; renew the pin"


def test_the_host_name_reaches_all_who_must_know_it() -> None:
    """One setting; the exporter refuses other names, Grafana makes its links of it."""
    services = config(MONITOR_HOST="monitor.example", MONITOR_TARGETS="sites.yml")["services"]
    assert services["exporter"]["environment"]["VPN_EXPORTER_WEB_EXTERNAL_URL"] == "https://monitor.example/status/"
    assert services["exporter"]["environment"]["VPN_EXPORTER_TARGETS_FILE"] == "/config/sites.yml"
    assert services["grafana"]["environment"]["GF_SERVER_ROOT_URL"] == "https://monitor.example/grafana/"
    assert services["caddy"]["environment"]["MONITOR_HOST"] == "monitor.example"


def _reaches_the_build(path: str) -> bool:
    """Tell whether .dockerignore lets a path of the repository into the build."""
    let_in = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = path.split("/")
        if any(fnmatch.fnmatch("/".join(parts[:end]), pattern) for end in range(1, len(parts) + 1)) or (
            line.startswith("**/") and any(fnmatch.fnmatch(part, pattern) for part in parts)
        ):
            let_in = line.startswith("!")
    return let_in


def test_the_build_sees_what_it_copies_and_no_secret() -> None:
    """Every COPY source is there and let in; secrets, data and caches are not."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copies = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    sources = [source for line in copies for source in line]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert _reaches_the_build(source)
    for path in ("secrets/telegram_token", "data/alertbridge.db", ".git/config", ".env", "exporter/__pycache__/a.pyc"):
        assert not _reaches_the_build(path)


def test_the_image_runs_as_nobody_in_particular() -> None:
    """Both stages are of one pinned base; the last user is not root."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ARG PYTHON=3\.\d+-slim-\w+$", text, flags=re.MULTILINE)
    assert re.findall(r"^USER (\S+)$", text, flags=re.MULTILINE) == ["10001:10001"]
