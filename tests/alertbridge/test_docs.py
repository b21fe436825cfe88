"""docs/telegram.md says what the code does: sample messages, keys, commands, metrics' reasons."""

from __future__ import annotations

from alertbridge.bot.commands import COMMANDS
from alertbridge.errors import Failure
from alertbridge.markup import plain
from alertbridge.settings import Language
from tests.alertbridge.samples import PAGE, samples, section
from tests.botapi.markup import parse
from tests.prometheus.servers import alert_rules


def test_the_samples_are_what_the_code_says() -> None:
    """`python -m tests.alertbridge.samples` writes them anew."""
    assert section() in PAGE.read_text(encoding="utf-8")


def test_every_sample_is_taken_by_telegram() -> None:
    """Both languages."""
    for _, found in samples():
        for text in found.values():
            parse(text)


def test_every_sample_of_an_open_alert_leads_on() -> None:
    """As the real rules' do: to the guide of that alert, and to a page about the region or target that it names."""
    names = {rule["alert"] for rule in alert_rules()}
    guides = {line.partition(": ")[2] for line in section().splitlines() if line.startswith(("Panduan: ", "Guide: "))}
    assert guides <= names
    assert {
        "VPNTargetDown",
        "VPNRegionDown",
        "VPNTargetLow",
        "VPNTargetFlapping",
        "VPNTargetUnknown",
        "VPNMonitorIsolated",
        "VPNEngineImpaired",
    } == guides
    for title, found in samples():
        text = plain(found[Language.EN])
        if "/d/vpn-map" not in text:
            assert ("Grafana (" in text) == ("Guide: " in text), title
    pages = {line.partition("/d/")[2].rstrip(")") for line in section().splitlines() if line.startswith("Grafana (")}
    assert pages == {
        page
        for suffix in ("", "-id")
        for page in (
            f"vpn-target{suffix}?var-region=JBR&var-target=jbr-gt-pasteur-1",
            f"vpn-target{suffix}?var-region=JBR&var-target=jbr-hub",
            f"vpn-regions{suffix}?var-region=BALI",
            f"vpn-pipeline{suffix}",
            f"vpn-maintenance{suffix}",
        )
    }


def test_every_command_and_every_failure_is_documented() -> None:
    """A person finds what a metric's reason or a command means."""
    text = PAGE.read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"`/{command.name}" in text
    for failure in Failure:
        assert f"`{failure.value}`" in text, failure
