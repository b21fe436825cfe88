"""Which dashboards there are: the pages of the menu in each language, and the file each goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.build import navigation
from grafana.build.language import LANGUAGES
from grafana.build.pages import maintenance, ping_log, pipeline, regions, sla_report, target_detail, targets, vpn_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from grafana.build.language import Language
    from grafana.build.navigation import Page
    from grafana.build.panels import Json

BUILDERS: dict[Page, Callable[[Language], Json]] = {
    navigation.VPN_MAP: vpn_map.build,
    navigation.REGIONS: regions.build,
    navigation.TARGETS: targets.build,
    navigation.TARGET: target_detail.build,
    navigation.PING_LOG: ping_log.build,
    navigation.PIPELINE: pipeline.build,
    navigation.MAINTENANCE: maintenance.build,
    navigation.SLA_REPORT: sla_report.build,
}


def dashboards() -> dict[str, Json]:
    """Return every dashboard by its path below grafana/dashboards/."""
    return {f"{say.code}/{page.file}.json": build(say) for say in LANGUAGES for page, build in BUILDERS.items()}
