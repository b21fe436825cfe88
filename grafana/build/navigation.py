"""The pages, their fixed uids and order, and every link between them.

uids are public: alerts, messages and the status page link to `/d/<uid>`. The second language adds a suffix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from grafana.build.language import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One dashboard's place in the menu."""

    uid: str
    file: str  # name of the JSON file, without .json
    title: str  # English
    title_id: str  # Indonesian, the original application's term

    def name(self, say: Language) -> str:
        """Return the title."""
        return say(self.title, self.title_id)

    def path(self, say: Language) -> str:
        """Return the path of the page, from Grafana's root."""
        return f"/d/{self.uid}{say.suffix}"


VPN_MAP: Final = Page(uid="vpn-map", file="vpn-map", title="VPN map", title_id="Peta VPN")
REGIONS: Final = Page(uid="vpn-regions", file="regions", title="Regions", title_id="Wilayah")
TARGETS: Final = Page(uid="vpn-targets", file="targets", title="Targets", title_id="Alat")
TARGET: Final = Page(uid="vpn-target", file="target-detail", title="Target detail", title_id="Rincian alat")
PING_LOG: Final = Page(uid="vpn-log", file="ping-log", title="Ping log", title_id="Log Ping")
PIPELINE: Final = Page(uid="vpn-pipeline", file="pipeline", title="Pipeline", title_id="Pool Update")
MAINTENANCE: Final = Page(
    uid="vpn-maintenance", file="maintenance", title="Maintenance", title_id="Maintenance (Pemeliharaan)"
)
SLA_REPORT: Final = Page(uid="vpn-sla", file="sla-report", title="SLA report", title_id="Laporan SLA")

MENU: Final = (VPN_MAP, REGIONS, TARGETS, TARGET, PING_LOG, PIPELINE, MAINTENANCE, SLA_REPORT)


def menu(say: Language) -> list[dict[str, Any]]:
    """Return the navigation bar: every page in one order, time range and variables kept."""
    return [
        {
            "type": "link",
            "title": page.name(say),
            "url": page.path(say),
            "icon": "",
            "tooltip": "",
            "tags": [],
            "asDropdown": False,
            "targetBlank": False,
            "keepTime": True,
            "includeVars": True,
        }
        for page in MENU
    ]


def region_link(say: Language, value: str = "${__data.fields.region}") -> dict[str, Any]:
    """Return the data link from a row to the targets of its region."""
    title = say("Targets of this region", "Alat di wilayah ini")
    return {"title": title, "url": f"{TARGETS.path(say)}?var-region={value}&${{__url_time_range}}"}


def target_link(say: Language) -> dict[str, Any]:
    """Return the data link from a row to its target's page."""
    url = f"{TARGET.path(say)}?var-region=${{__data.fields.region}}&var-target=${{__data.fields.target}}"
    return {"title": say("Open this target", "Buka alat ini"), "url": f"{url}&${{__url_time_range}}"}


def log_link(say: Language) -> dict[str, Any]:
    """Return the data link from a row to its target's ping log."""
    url = f"{PING_LOG.path(say)}?var-region=${{__data.fields.region}}&var-target=${{__data.fields.target}}"
    return {"title": say("Ping log of this target", "Log Ping alat ini"), "url": url}
