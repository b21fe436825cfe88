"""Rules by promtool, old and new, and what every alert must have."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.prometheus.servers import CONFIGURATION, ROOT, alert_rules
from tools.debian import SUITES, ensure

_CASES = sorted((CONFIGURATION / "tests").glob("*.yml"))
_RULES = alert_rules()
_LABELS = {"target", "region", "gateway", "role", "severity"}  # the contract; an empty value removes a label
_SEVERITIES = {"critical", "warning", "info", "none"}
_HEADINGS = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]


def promtool(suite: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool of a release."""
    program = ensure("prometheus", suite=suite)["promtool"]
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)


def _name(rule: dict[str, Any]) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}"


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("case", _CASES, ids=lambda path: path.stem)
def test_promtool_cases_hold(suite: str, case: str) -> None:
    """Both edges of every alert, its labels and annotations, and vanished series, as prometheus/tests/ say them."""
    done = promtool(suite, "test", "rules", str(case))
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_cases_can_fail(tmp_path: Any) -> None:
    """A case that expects the wrong thing is refused: the test above is no formality."""
    text = (CONFIGURATION / "tests" / "bridge.yml").read_text(encoding="utf-8").replace("{severity: none}", "{a: b}")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("../rules/", f"{CONFIGURATION}/rules/"), encoding="utf-8")
    done = promtool("installed", "test", "rules", str(wrong))
    assert done.returncode != 0
    assert "Watchdog" in done.stdout + done.stderr


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.compose.yml"])
def test_promtool_accepts_configuration_and_rules(suite: str, name: str) -> None:
    """Both variants load with their rules, without duplicates (which promtool prints but does not fail for)."""
    done = promtool(suite, "check", "config", "--syntax-only", str(CONFIGURATION / name))
    assert done.returncode == 0, done.stdout + done.stderr
    done = promtool(suite, "check", "rules", *map(str, sorted((CONFIGURATION / "rules").glob("*.yml"))))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "duplicate" not in done.stdout + done.stderr


@pytest.mark.parametrize("rule", _RULES, ids=_name)
def test_every_alert_is_whole(rule: dict[str, Any]) -> None:
    """Severity, summary, description, a runbook with its four headings, a link into Grafana; no other label."""
    kept = {label for label, value in rule["labels"].items() if value != ""}
    assert kept <= _LABELS
    assert rule["labels"]["severity"] in _SEVERITIES
    assert set(rule["annotations"]) - {"detail"} == {"summary", "description", "runbook_url", "dashboard_url"}
    runbook = ROOT / rule["annotations"]["runbook_url"]
    assert runbook.name == f"{rule['alert']}.md"
    lines = runbook.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {rule['alert']}"
    assert [line for line in lines if line.startswith("## ")] == _HEADINGS


@pytest.mark.parametrize("rule", _RULES, ids=_name)
def test_every_alert_links_to_a_page_that_exists(rule: dict[str, Any]) -> None:
    """The uid in dashboard_url is one of Grafana's pages."""
    uid = re.match(r"/d/([a-z-]+)(\?|$)", rule["annotations"]["dashboard_url"])
    assert uid is not None
    assert f'uid="{uid.group(1)}"' in (ROOT / "grafana" / "build" / "navigation.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", _RULES, ids=_name)
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(rule: dict[str, Any]) -> None:
    """A misspelt name would pass promtool with no alerts expected."""
    checks = [
        check
        for path in _CASES
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for check in test.get("alert_rule_test", [])
        if check["alertname"] == rule["alert"]
    ]
    severities = {alert["exp_labels"]["severity"] for check in checks for alert in check["exp_alerts"]}
    assert rule["labels"]["severity"] in severities
    if rule["alert"] != "Watchdog":
        assert any(not check["exp_alerts"] for check in checks)
