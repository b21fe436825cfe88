"""prometheus/alertmanager.yml by amtool, old and new: what is accepted, and where each alert goes."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.prometheus.servers import CONFIGURATION, alert_rules
from tools.debian import SUITES, ensure

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ["alertmanager.yml", "alertmanager.compose.yml"]
_ALERTS = sorted({rule["alert"] for rule in alert_rules()})


def amtool(suite: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool of a release."""
    program = ensure("alertmanager", suite=suite)["amtool"]
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def receivers(suite: str, configuration: Path, alert: str) -> list[str]:
    """Return where an alert goes, in order."""
    done = amtool(suite, "config", "routes", "test", f"--config.file={configuration}", f"alertname={alert}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split(",")


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """Return alertmanager.yml with every offered setting taken, as its head says: by taking the # away."""
    text = (CONFIGURATION / "alertmanager.yml").read_text(encoding="utf-8")
    path = tmp_path / "alertmanager.yml"
    path.write_text(re.sub(r"^( *)#(-|  )", r"\1\2", text, flags=re.MULTILINE), encoding="utf-8")
    return path


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("name", _NAMES)
def test_amtool_accepts_the_file(suite: str, name: str) -> None:
    """Both variants are accepted by both releases."""
    done = amtool(suite, "check-config", str(CONFIGURATION / name))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("alert", _ALERTS)
def test_every_alert_goes_to_the_bridge(suite: str, alert: str) -> None:
    """And nowhere else, as shipped."""
    assert receivers(suite, CONFIGURATION / "alertmanager.yml", alert) == ["bridge"]


def test_the_offered_settings_can_be_taken(everything: Path) -> None:
    """Without the # they are accepted, and what the bridge cannot tell goes to somebody else as well."""
    done = amtool("sid", "check-config", str(everything))
    assert done.returncode == 0, done.stdout + done.stderr
    assert receivers("sid", everything, "Watchdog") == ["switch", "bridge"]
    assert receivers("sid", everything, "AlertBridgeDeliveryStalled") == ["second", "bridge"]
    assert receivers("sid", everything, "VPNTargetDown") == ["bridge"]


def test_an_older_alertmanager_takes_them_without_the_newer_receiver(everything: Path) -> None:
    """Alertmanager 0.25 knows no bot_token_file, as the file says; the rest it takes."""
    text = everything.read_text(encoding="utf-8")
    everything.write_text(re.sub(r"    telegram_configs:\n(      .*\n)+", "", text), encoding="utf-8")
    done = amtool("installed", "check-config", str(everything))
    assert done.returncode == 0, done.stdout + done.stderr


def _without(node: Any, keys: set[str]) -> Any:
    """Return a document without some keys, at any depth."""
    if isinstance(node, dict):
        return {key: _without(value, keys) for key, value in node.items() if key not in keys}
    if isinstance(node, list):
        return [_without(each, keys) for each in node]
    return node


@pytest.mark.parametrize(
    ("name", "hosts", "credentials"),
    [
        ("alertmanager", {"alertbridge:9922": "127.0.0.1:9922"}, {"http_config"}),
        (
            "prometheus",
            {
                "exporter:9921": "127.0.0.1:9921",
                "alertbridge:9922": "127.0.0.1:9922",
                "alertmanager:9093": "127.0.0.1:9093",
            },
            {"basic_auth"},
        ),
    ],
    ids=["alertmanager", "prometheus"],
)
def test_the_compose_variant_differs_in_hosts_and_credentials_only(
    name: str, hosts: dict[str, str], credentials: set[str]
) -> None:
    """What is tested on one machine is what runs in production."""
    text = (CONFIGURATION / f"{name}.compose.yml").read_text(encoding="utf-8")
    for theirs, ours in hosts.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    compose = yaml.safe_load(text)
    plain = yaml.safe_load((CONFIGURATION / f"{name}.yml").read_text(encoding="utf-8"))
    assert compose != plain, "the credentials are missing"
    assert _without(compose, credentials) == plain


def test_the_times_are_those_that_were_measured() -> None:
    """Every alert a group of its own, told at once; the Watchdog every 60 s, a multiple of its ticks."""
    route = yaml.safe_load((CONFIGURATION / "alertmanager.yml").read_text(encoding="utf-8"))["route"]
    keys = ("group_wait", "group_interval", "repeat_interval")
    assert route["group_by"] == ["..."]
    assert [route[key] for key in keys] == ["0s", "5s", "4h"]
    assert [route["routes"][0][key] for key in keys] == ["0s", "30s", "50s"]
