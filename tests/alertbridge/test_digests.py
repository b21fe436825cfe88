"""A storm's digest: its first line says where, and its last leads to the map."""

from __future__ import annotations

import pytest

from alertbridge import digests
from alertbridge.facts import Facts
from alertbridge.settings import Language
from alertbridge.texts import texts
from tests.alertbridge.made import NOW, check, incident, monitor
from tests.botapi.markup import parse

REGIONS = {"JBR": "Jawa Barat", "BTN": "Banten", "BALI": "Bali", "NTB": "Nusa Tenggara Barat"}


def digest(*regions: str, language: Language = Language.EN, grafana_url: str | None = None) -> str:
    """Return a digest of one incident per region named."""
    made = [
        incident(target=f"site-{number}", region=region, facts=Facts(region_name=REGIONS[region], state="down"))
        for number, region in enumerate(regions)
    ]
    return digests.digest_message(made, texts(language), now=NOW, grafana_url=grafana_url)


@pytest.mark.parametrize(
    ("regions", "language", "line"),
    [
        (["JBR"] * 4, Language.EN, "🔴 4 DOWN in Jawa Barat"),
        (["BTN", "JBR", "JBR"], Language.ID, "🔴 3 DOWN di Jawa Barat, Banten"),
        (["BALI", "JBR", "BTN", "JBR", "BTN", "JBR"], Language.EN, "🔴 6 DOWN in Jawa Barat, Banten, Bali"),
        (["BALI", "JBR", "BTN", "NTB"], Language.EN, "🔴 4 DOWN in 4 regions"),
        (["BALI", "JBR", "BTN", "NTB"], Language.ID, "🔴 4 DOWN di 4 wilayah"),
    ],
)
def test_the_first_line_names_up_to_three_regions(regions: list[str], language: Language, line: str) -> None:
    """The one with the most trouble first; of more it says the number."""
    assert check(digest(*regions, language=language)).partition("\n")[0] == line


def test_what_is_of_no_region_is_not_named_as_one() -> None:
    """Alerts of the monitoring itself: alone they have no place, beside a region they do not count as one."""
    own = [monitor("VPNEngineImpaired", "critical"), monitor("VPNExporterDown", "critical")]
    alone = check(digests.digest_message(own, texts(Language.EN), now=NOW))
    assert alone.partition("\n")[0] == "🚨 2 ALERT"
    site = incident(facts=Facts(region_name="Bali", state="down"))
    beside = check(digests.digest_message([*own, site], texts(Language.EN), now=NOW))
    assert beside.partition("\n")[0] == "🔴 1 DOWN 🚨 2 ALERT in Bali"
    other = incident(target="other", region="BTN", facts=Facts(region_name="Banten", state="down"))
    lines = check(digests.digest_message([*own, site, other], texts(Language.EN), now=NOW)).splitlines()
    assert lines[1:3] == ["Bali: 🔴 1", "Banten: 🔴 1"]
    assert not any(line.startswith("-") for line in lines)


MAP = "https://monitor.example/grafana/d/vpn-map"


@pytest.mark.parametrize(
    ("regions", "language", "url"),
    [
        (["JBR", "BTN", "JBR"], Language.EN, f"{MAP}?var-region=BTN&var-region=JBR"),
        (["JBR", "BTN"], Language.ID, f"{MAP}-id?var-region=BTN&var-region=JBR"),
        (["BALI", "JBR", "BTN", "NTB"], Language.EN, MAP),
    ],
)
def test_the_last_line_leads_to_the_map(regions: list[str], language: Language, url: str) -> None:
    """In the reader's language, of the regions that are meant where they are few."""
    text, entities = parse(digest(*regions, language=language, grafana_url="https://monitor.example/grafana"))
    assert text.splitlines()[-1] == {Language.EN: "Map in Grafana", Language.ID: "Peta di Grafana"}[language]
    assert [entity.url for entity in entities if entity.url] == [url]


def test_a_host_without_a_dot_is_text() -> None:
    """Telegram makes no link of it: the address is there to be read."""
    text, entities = parse(digest("JBR", grafana_url="http://grafana:3000"))
    assert text.splitlines()[-1] == "Map in Grafana: http://grafana:3000/d/vpn-map"
    assert not [entity for entity in entities if entity.url]
    assert "Grafana" not in digest("JBR"), "nobody has said where it is"


def test_a_region_that_makes_no_link_leaves_the_map() -> None:
    """An id of thousands of characters from a rule of the user's own."""
    made = [incident(region="x" * 3000, facts=Facts(state="down"))]
    text = digests.digest_message(made, texts(Language.EN), now=NOW, grafana_url="https://monitor.example/grafana")
    assert [entity.url for entity in parse(text)[1] if entity.url] == [MAP]
