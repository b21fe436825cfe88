"""SLA report: availability and time lost per region over the chosen range, worst first; prints well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.build import columns
from grafana.build.navigation import SLA_REPORT, region_link
from grafana.build.page import Canvas, choose_region, dashboard
from grafana.build.palette import BLUE, GREEN, RED, YELLOW, thresholds
from grafana.build.panels import Json, one_colour, override, stat, status_history
from grafana.build.promql import IN_REGION, availability, down_hours, region_info, series, table, value
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language

AIM = thresholds(RED, (0.99, YELLOW), (0.999, GREEN))


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_whole(say), x=0, y=0, w=24, h=4)
    canvas.place(_regions(say), x=0, y=4, w=24, h=16)
    canvas.place(_days(say), x=0, y=20, w=24, h=18)
    return dashboard(
        SLA_REPORT,
        say,
        canvas,
        variables=[choose_region(say)],
        description=say(
            "Availability per region over the chosen time range; choose a month for a monthly report.",
            "Ketersediaan per wilayah pada rentang waktu terpilih; pilih satu bulan untuk laporan bulanan.",
        ),
        since="now-30d",
        refresh="5m",
    )


def _whole(say: Language) -> Json:
    """Return the whole country's numbers."""
    good, judged = (
        f"sum(sum_over_time(region:vpn_target_{part}:avg5m{{{IN_REGION}}}[$__range:5m]))"
        for part in ("available", "judged")
    )
    return stat(
        say("All chosen regions", "Semua wilayah terpilih"),
        say(
            "Availability: time up or low over time up, low or down, all targets added up; time unknown is left out. "
            "Judged: the target-hours that this rests on.",
            "Ketersediaan: waktu baik atau lemah dibagi waktu baik, lemah atau terputus, semua alat dijumlahkan; "
            "waktu tidak "
            "diketahui tidak dihitung. Dinilai: jam-alat yang menjadi dasar.",
        ),
        [
            value(f"{good} / ({judged} > 0)", say("availability", "ketersediaan"), "A"),
            value(f"({judged} - {good}) / 12", say("target-hours down", "jam-alat terputus"), "B"),
            value(f"{judged} / 12", say("target-hours judged", "jam-alat dinilai"), "C"),
        ],
        background=False,
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 32, "titleSize": 13},
        overrides=[
            override("byFrameRefID", "A", unit="percentunit", decimals=3, thresholds=AIM),
            override("byFrameRefID", "B", decimals=1, color=one_colour(BLUE)),
            override("byFrameRefID", "C", decimals=0, color=one_colour(BLUE)),
        ],
    )


def _regions(say: Language) -> Json:
    """Return the report."""
    judged = f"sum by (region) (sum_over_time(region:vpn_target_judged:avg5m{{{IN_REGION}}}[$__range:5m])) / 12"
    return table_panel(
        say("Regions, worst first", "Wilayah, terburuk di atas"),
        say(
            "Over the chosen time range. Target-hours down: hours down, added up over the region's targets.",
            "Pada rentang waktu terpilih. Jam-alat terputus: lama terputus, dijumlahkan untuk semua alat di wilayah.",
        ),
        [
            table(f"({availability('$__range')}) {region_info('name')}", "A"),
            table(down_hours("$__range"), "B"),
            table(judged, "C"),
            table(f"count by (region) (vpn_target_state_code{{{IN_REGION}}})", "D"),
        ],
        [
            columns.plain("region", "Id", width=90, links=[region_link(say)]),
            columns.plain("name", say("Region", "Wilayah"), links=[region_link(say)]),
            columns.count("Value #D", say("Targets now", "Alat kini"), width=120),
            columns.availability("Value #A", say("Availability", "Ketersediaan"), width=150),
            columns.hours("Value #B", say("Target-hours down", "Jam-alat terputus"), width=190),
            columns.hours("Value #C", say("Target-hours judged", "Jam-alat dinilai"), width=190),
        ],
        empty=say("No data in this time range", "Tidak ada data dalam rentang waktu ini"),
        sort=(say("Availability", "Ketersediaan"), False),
        paged=False,
    )


def _days(say: Language) -> Json:
    """Return availability day by day."""
    return status_history(
        say("Day by day, availability in percent", "Hari demi hari, ketersediaan dalam persen"),
        say(
            "Each cell is one day's availability in whole percent, rounded down; 99.9 and more is shown as 100. A day "
            "appears when it is over.",
            "Tiap sel adalah ketersediaan satu hari dalam persen bulat, dibulatkan ke bawah; 99,9 ke atas tampil 100. "
            "Hari muncul setelah selesai.",
        ),
        # Three characters are what a cell of a month has room for.
        [series(f"floor(100 * region:vpn_target_availability:ratio_1d{{{IN_REGION}}} + 0.1)", "{{region}}")],
        step="1d",
        unit="none",
        decimals=0,
        no_value=say("No whole day in this time range yet", "Belum ada satu hari penuh dalam rentang waktu ini"),
        thresholds=thresholds(RED, (99, YELLOW), (100, GREEN)),
    )
