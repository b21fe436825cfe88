"""Where a message leads: to the dashboard of the reader's language."""

from __future__ import annotations

import json
from pathlib import Path

from alertbridge.details import page
from alertbridge.settings import Language
from alertbridge.texts import texts

DASHBOARDS = Path(__file__).resolve().parents[2] / "grafana" / "dashboards"


def uids(folder: str) -> set[str]:
    """Return the identities of the dashboards of a language."""
    return {json.loads(path.read_text(encoding="utf-8"))["uid"] for path in (DASHBOARDS / folder).glob("*.json")}


def test_an_indonesian_message_leads_to_the_indonesian_dashboard() -> None:
    """For every dashboard there is, whatever follows in the address."""
    english, indonesian = texts(Language.EN), texts(Language.ID)
    assert {page(f"/d/{uid}", indonesian) for uid in uids("en")} == {f"/d/{uid}" for uid in uids("id")}
    assert page("/d/vpn-target?var-target=x", indonesian) == "/d/vpn-target-id?var-target=x"
    assert page("/d/vpn-target/slug?var-target=x", indonesian) == "/d/vpn-target-id/slug?var-target=x"
    assert page("/d/vpn-target?var-target=x", english) == "/d/vpn-target?var-target=x"


def test_a_dashboard_of_the_users_own_stays_as_it_is() -> None:
    """Nobody has said that it has a sister."""
    for path in ("/d/mine", "/d/vpn-targets-of-mine?x=1", "/d/vpn-map-id"):
        assert page(path, texts(Language.ID)) == path
