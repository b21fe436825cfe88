"""Ties the parts together: imports, files, names and documents that must agree across the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGES = ("exporter", "alertbridge", "httpservice")

# import name -> the only files that may import it (style.md section 1)
OWNERS = {
    "sqlalchemy": ("alertbridge/store", "alertbridge/schema", "alertbridge/migrations"),
    "sqlite3": ("exporter/state/journal",),
    "telegram": ("alertbridge/telegram", "alertbridge/bot/"),
    "icmplib": ("exporter/engine/",),
    "prometheus_client": ("exporter/metrics", "alertbridge/metrics"),
}
FORBIDDEN = {
    "exporter": ("alertbridge", "tools", "demo", "bench", "tests"),
    "alertbridge": ("exporter", "tools", "demo", "bench", "tests"),
    "httpservice": ("exporter", "alertbridge", "tools", "demo", "bench", "tests"),
}


def _tracked(*patterns: str) -> list[Path]:
    """Return the files that git knows or would add, so that caches and data are no part of the tests."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).exists()]


def _imports(path: Path) -> set[str]:
    """Return the dotted names that a Python file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_inward(package: str) -> None:
    """The daemons stand alone, and each edge library is imported by its owner only."""
    wrong: list[str] = []
    for path in _tracked(f"{package}/*.py"):
        name = path.relative_to(ROOT).as_posix()
        for imported in _imports(path):
            top = imported.split(".")[0]
            if top in FORBIDDEN[package]:
                wrong.append(f"{name} imports {imported}")
            if top in OWNERS and not name.startswith(OWNERS[top]):
                wrong.append(f"{name} imports {imported}, which belongs to {OWNERS[top]}")
    assert wrong == []


def test_every_alert_has_severity_texts_and_a_runbook() -> None:
    """An alert without a runbook leaves the person who is woken alone with it."""
    alerts = {
        rule["alert"]: rule
        for path in _tracked("prometheus/rules/*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert {"VPNTargetDown", "VPNRegionDown", "Watchdog"} <= set(alerts)
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in {"critical", "warning", "info", "none"}, name
        assert {"summary", "description", "runbook_url", "dashboard_url"} <= set(rule["annotations"]), name
        runbook = ROOT / "docs" / "runbooks" / f"{name}.md"
        headings = re.findall(r"^## (.+)$", runbook.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Meaning", "Impact", "Diagnosis", "Mitigation"], name


def test_both_copies_of_the_outline_are_the_same() -> None:
    """Grafana's map and the status page draw the same country."""
    grafana = ROOT / "grafana" / "maps" / "indonesia-outline.geojson"
    page = ROOT / "exporter" / "web" / "static" / "indonesia-outline.geojson"
    assert grafana.read_bytes() == page.read_bytes()


def test_every_relative_link_of_the_documents_leads_somewhere() -> None:
    """A document that sends its reader to a missing file is broken."""
    broken: list[str] = []
    for path in _tracked("*.md"):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
        broken += [f"{path.relative_to(ROOT)}: {link}" for link in links if not (path.parent / link).exists()]
    assert broken == []


def test_no_picture_is_an_orphan() -> None:
    """A picture that no page shows is dead weight."""
    documents = "\n".join(path.read_text(encoding="utf-8") for path in _tracked("*.md"))
    assert [path.name for path in _tracked("*.png") if path.name not in documents] == []


def test_the_documented_urls_are_the_ones_of_the_runner() -> None:
    """The README names the ports that `make run` opens."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for port in (9921, 9922, 9090, 9093):
        assert f"127.0.0.1:{port}" in readme
