"""VPN map, the home page: whose VPN is up, low or down, what is wrong since when, and how old the data is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build import columns
from grafana.build.freshness import data_age
from grafana.build.geomap import Layer, geomap, not_in_popup
from grafana.build.navigation import TARGETS, VPN_MAP, log_link, region_link, target_link
from grafana.build.page import Canvas, choose_region, dashboard
from grafana.build.pages.map_words import words_on_map
from grafana.build.pages.problems import problems
from grafana.build.palette import BLUE, FAINT, GREEN, RED, State, counting, state_word, thresholds
from grafana.build.panels import Json, override, stat
from grafana.build.promql import (
    IN_REGION,
    alerts,
    code,
    count_in_state,
    info,
    per_target,
    region_code,
    region_info,
    table,
    value,
)
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language

# state -> refId, symbol, size, glyph of the legend; in drawing order, the worst last and so on top.
MARKS: Final = {
    State.UP: ("B", "circle", 4, "●"),
    State.UNKNOWN: ("C", "x-mark", 6, "✕"),
    State.LOW: ("D", "triangle", 7, "▲"),
    State.DOWN: ("E", "square", 7, "■"),
}
REGION_REF: Final = "A"
REGION_ID_REF: Final = "I"


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_counts(say), x=0, y=0, w=13, h=4)
    canvas.place(_beside(say), x=13, y=0, w=7, h=4)
    canvas.place(data_age(say), x=20, y=0, w=4, h=4)
    # Left, because a phone stacks panels in this order: there the list says all, and the map only its middle.
    canvas.place(problems(say), x=0, y=4, w=12, h=12)
    canvas.place(_map(say), x=12, y=4, w=12, h=12)
    canvas.place(_changes(say), x=0, y=16, w=12, h=9)
    canvas.place(alert_table(say), x=12, y=16, w=12, h=9)
    return dashboard(
        VPN_MAP,
        say,
        canvas,
        variables=[choose_region(say)],
        description=say(
            "The country at a glance: states by region and target, current problems, alerts, age of the data.",
            "Seluruh negeri dalam sekali pandang: status wilayah dan alat, masalah saat ini, peringatan, umur data.",
        ),
    )


def _counts(say: Language) -> Json:
    """Return targets by state; the tiles are the map's legend."""
    targets, overrides = [], []
    for state, (ref, _, _, glyph) in MARKS.items():
        targets.append(value(count_in_state(state), f"{glyph} {state_word(state, say)}", ref))
        link = {
            "title": say("Show these targets", "Tampilkan alat ini"),
            "url": f"{TARGETS.path(say)}?var-state=%3D%3D%20{int(state)}&${{region:queryparam}}",
        }
        overrides.append(override("byFrameRefID", ref, thresholds=counting(state), links=[link]))
    return stat(
        say("Targets by state: colours and shapes of the map", "Alat menurut status: warna dan bentuk di peta"),
        say(
            "How many targets are in each state now. Without data there is no number, not even 0.",
            "Jumlah alat pada tiap status saat ini. Tanpa data tidak ada angka, juga bukan 0.",
        ),
        targets,
        no_value=say("No data", "Tidak ada data"),
        overrides=overrides,
        thresholds=thresholds(FAINT),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 30, "titleSize": 12},
    )


def _beside(say: Language) -> Json:
    """Return what the states alone do not say: cut-off targets, targets without a dot, firing alerts."""
    own = "vpn_target_outage == 1"
    cut_off = f"count(vpn_target_cause{{{IN_REGION}}} unless on (region, target) ({own}))"
    axes = (f'vpn_target_info{{{IN_REGION},{axis}=""}}' for axis in ("latitude", "longitude"))
    firing = 'count(ALERTS{alertstate="firing",alertname!="Watchdog"})'
    neutral = {"mode": "fixed", "fixedColor": BLUE}
    return stat(
        say("Beside the states", "Di samping status"),
        say(
            "Cut off: down only because the hub or region before them is. Not drawn: without coordinates in "
            "targets.yml, watched like all others. Alerts: firing in Prometheus now, Watchdog left out.",
            "Terisolasi: terputus hanya karena hub atau wilayahnya. Tak tergambar: tanpa koordinat di "
            "targets.yml, tetap dipantau. Peringatan: yang sedang aktif di Prometheus, tanpa Watchdog.",
        ),
        [
            value(f"{cut_off} or 0 * sum(vpn_target_outage{{{IN_REGION}}})", say("cut off", "terisolasi"), "A"),
            value(f"count({' or '.join(axes)}) or 0 * count(vpn_target_info)", say("not drawn", "tak tergambar"), "B"),
            value(f"{firing} or 0 * count(up)", say("alerts", "peringatan"), "C"),
        ],
        background=False,
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 30, "titleSize": 12},
        overrides=[
            override("byFrameRefID", "A", color=neutral),
            override("byFrameRefID", "B", color=neutral),
            override("byFrameRefID", "C", thresholds=thresholds(GREEN, (1, RED))),
        ],
    )


def _map(say: Language) -> Json:
    """Return the map: a ring per region, and a layer per state so that each state has its shape."""
    place = 'latitude!="",longitude!=""'
    region_join = region_info("name, latitude, longitude", f"{IN_REGION},{place}")
    targets = [table(f"sort_desc(({region_code()}) {region_join})", REGION_REF)]
    layers = [
        Layer(name=say("Regions", "Wilayah"), ref=REGION_REF, symbol="circle", size=13, opacity=0.35),
    ]
    # Words of their own layer: a label takes its marker's colour, and yellow on white cannot be read. Worst first, for
    # where two words would overlap the first row's stays.
    targets.append(table(f"sort(({region_code()}) {region_join})", REGION_ID_REF))
    ids = Layer(name=say("Region ids", "Id wilayah"), ref=REGION_ID_REF, symbol=None, size=5, opacity=1, label="region")
    for state, (ref, symbol, size, _) in MARKS.items():
        join = info("name, kind, latitude, longitude", f"{IN_REGION},{place}")
        targets.append(table(f"({code()} == {int(state)}) {join}", ref))
        layers.append(Layer(name=state_word(state, say), ref=ref, symbol=symbol, size=size, opacity=0.95))
        if state is State.UP:  # over a thousand green dots, under the red ones
            layers.append(ids)
    sentence = words_on_map(say)
    targets += sentence.targets
    layers += sentence.layers
    labels = {
        "name": say("Name", "Nama"),
        "region": say("Region", "Wilayah"),
        "target": say("Target", "Alat"),
        "kind": say("Kind", "Jenis"),
    }
    overrides = [override("byName", name, displayName=text) for name, text in labels.items()]
    overrides += [not_in_popup(name) for name in ("Time", "latitude", "longitude")]
    # Links stand on one field: every field that had them would repeat them in the popup.
    overrides.append(
        override("byName", f"Value #{REGION_REF}", displayName=say("State", "Status"), links=[region_link(say)])
    )
    for ref, _, _, _ in MARKS.values():
        links = [target_link(say), log_link(say), region_link(say)]
        overrides.append(override("byName", f"Value #{ref}", displayName=say("State", "Status"), links=links))
    overrides += sentence.overrides
    return geomap(
        say("Regions and targets", "Wilayah dan alat"),
        say(
            "Pale discs are regions, marks are targets. Hover for details, click for links; drag it, zoom with "
            "the buttons. A phone shows its middle: drag it, or open the status page, whose map fits.",
            "Lingkaran pudar adalah wilayah, tanda kecil adalah alat. Arahkan kursor untuk rincian, klik untuk tautan; "
            "geser, perbesar dengan tombol. Di ponsel terlihat bagian tengahnya: geser, atau buka halaman status yang "
            "petanya pas.",
        ),
        targets,
        layers,
        overrides,
    )


def alert_table(say: Language, alertstate: str = "firing") -> Json:
    """Return the alerts in a state, newest first."""
    firing = alertstate == "firing"
    return table_panel(
        say("Alerts firing", "Peringatan aktif")
        if firing
        else say("Alerts about to fire", "Peringatan yang akan aktif"),
        say(
            "From Prometheus, newest first, silenced ones included; Watchdog is left out.",
            "Dari Prometheus, terbaru di atas, termasuk yang dibisukan; tanpa Watchdog.",
        ),
        [table(alerts(alertstate))],
        [
            columns.severity(say),
            columns.alert(say),
            columns.plain("target", say("Target", "Alat"), links=[target_link(say)], wrap=True),
            columns.plain("region", say("Region", "Wilayah"), width=75),
            columns.since("Value", say),
        ],
        empty=say("No alert is firing", "Tidak ada peringatan aktif")
        if firing
        else say("No alert is about to fire", "Tidak ada peringatan yang akan aktif"),
        sort=(say("Since", "Sejak"), True),
    )


def _changes(say: Language) -> Json:
    """Return the latest change of state per target, newest first."""
    newest = f"topk(30, {per_target('vpn_target_state_timestamp_seconds')})"
    return table_panel(
        say("Recent changes", "Perubahan terakhir"),
        say(
            "The thirty targets whose state changed last, newest first, with the state they entered.",
            "Tiga puluh alat yang terakhir berubah status, terbaru di atas, dengan status barunya.",
        ),
        [
            table(f"{newest} * 1000", "A"),
            table(f"({code()} and on (region, target) {newest}) {info('name, kind')}", "B"),
        ],
        [
            columns.state("Value #B", say),
            columns.name(say, wrap=True),
            columns.moment("Value #A", say("When", "Kapan"), width=150),
            columns.plain("target", say("Id", "Id"), links=[target_link(say)]),
            columns.region(say, width=75),
            columns.hidden("kind"),
        ],
        empty=say("No data: its age stands above", "Tidak ada data: umurnya tertulis di atas"),
        sort=(say("When", "Kapan"), True),
        paged=False,
    )
