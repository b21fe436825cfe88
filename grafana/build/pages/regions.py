"""Regions (wilayah): each with its state, how many targets are up, low and down, availability, round trip and loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.build import columns
from grafana.build.freshness import data_age
from grafana.build.navigation import REGIONS, region_link
from grafana.build.page import Canvas, choose_region, dashboard
from grafana.build.palette import FAINT, State, counting, state_mappings, state_word, thresholds
from grafana.build.panels import Json, override, stat, state_timeline
from grafana.build.promql import (
    IN_REGION,
    availability,
    per_region,
    recorded_availability,
    region_code,
    region_info,
    series,
    table,
    value,
)
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_counts(say), x=0, y=0, w=20, h=4)
    canvas.place(data_age(say), x=20, y=0, w=4, h=4)
    canvas.place(_regions(say), x=0, y=4, w=24, h=15)
    canvas.place(_history(say), x=0, y=19, w=24, h=16)
    return dashboard(
        REGIONS,
        say,
        canvas,
        variables=[choose_region(say)],
        description=say(
            "Every region with its state, its targets by state, availability, round trip and loss.",
            "Semua wilayah dengan status, jumlah alat menurut status, ketersediaan, waktu tempuh dan loss.",
        ),
    )


def _counts(say: Language) -> Json:
    """Return regions by state."""
    targets, overrides = [], []
    for ref, state in zip("ABCD", (State.UP, State.LOW, State.DOWN, State.UNKNOWN), strict=True):
        expr = f'sum(max by (region) (vpn_region_state{{state="{state.name.lower()}",{IN_REGION}}}))'
        targets.append(value(expr, state_word(state, say), ref))
        overrides.append(override("byFrameRefID", ref, thresholds=counting(state)))
    return stat(
        say("Regions by state", "Wilayah menurut status"),
        say(
            "A region is DOWN when all its hubs or four fifths of its targets are, LOW when any target is down "
            "or a fifth "
            "is low.",
            "Wilayah DOWN bila semua hub atau empat perlima alatnya terputus, LOW bila ada alat terputus atau "
            "seperlima lemah.",
        ),
        targets,
        no_value=say("No data", "Tidak ada data"),
        overrides=overrides,
        thresholds=thresholds(FAINT),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 30, "titleSize": 12},
    )


def _regions(say: Language) -> Json:
    """Return the table."""
    metric = "vpn_target_state_code"
    # What is recorded outlives the states: without these the row would be half a one, in no order.
    seen = f"and on (region) max by (region) (vpn_region_state{{{IN_REGION}}})"
    buckets = f"sum by (region, le) (rate(vpn_region_rtt_seconds_bucket{{{IN_REGION}}}[5m]))"
    queries = {
        "A": f"({region_code()}) {region_info('name')}",
        "B": f"count by (region) ({metric}{{{IN_REGION}}})",
        "C": per_region(metric, State.UP),
        "D": per_region(metric, State.LOW),
        "E": per_region(metric, State.DOWN),
        "F": per_region(metric, State.UNKNOWN),
        "G": f"{recorded_availability('1d', '3m')} {seen}",
        "H": f"{availability('7d')} {seen}",
        "I": f"{recorded_availability('30d', '15m')} {seen}",
        "J": f"histogram_quantile(0.5, {buckets}) > 0 {seen}",  # "> 0" drops the NaN of a region that is silent
        "K": f"avg by (region) (vpn_target_loss_ratio{{{IN_REGION}}})",
    }
    return table_panel(
        say("Regions, worst first", "Wilayah, terburuk di atas"),
        say(
            "One row per region. Availability is time up or low over time up, low or down; time unknown is left "
            "out. RTT is "
            "the median of all replies in five minutes, loss the mean of its targets.",
            "Satu baris per wilayah. Ketersediaan: waktu baik atau lemah dibagi waktu baik, lemah atau terputus; "
            "waktu tidak "
            "diketahui tidak dihitung. RTT: median semua jawaban dalam lima menit; loss: rata-rata alatnya.",
        ),
        [table(expr, ref) for ref, expr in queries.items()],
        [
            columns.state("Value #A", say),
            columns.plain("region", say("Id", "Id"), width=75, links=[region_link(say)]),
            columns.region_name(say),
            columns.count("Value #B", say("Targets", "Alat"), width=80),
            columns.count("Value #C", "UP", width=65),
            columns.count("Value #D", "LOW", width=65),
            columns.count("Value #E", "DOWN", width=75),
            columns.count("Value #F", "UNKNOWN", width=105),
            columns.availability("Value #G", say("Avail. 24 h", "Tersedia 24 j")),
            columns.availability("Value #H", say("Avail. 7 d", "Tersedia 7 h")),
            columns.availability("Value #I", say("Avail. 30 d", "Tersedia 30 h")),
            columns.seconds("Value #J", "RTT", width=90),
            columns.ratio("Value #K", "Loss", width=75),
        ],
        empty=say("No data: its age stands above", "Tidak ada data: umurnya tertulis di atas"),
        sort=(say("State", "Status"), False),
    )


def _history(say: Language) -> Json:
    """Return the states over time."""
    return state_timeline(
        say("States over time", "Status dari waktu ke waktu"),
        say("Each region's state in the chosen time range.", "Status tiap wilayah dalam rentang waktu terpilih."),
        [series(region_code(), "{{region}}", interval="5s")],
        state_mappings(),
        per_page=20,
    )
