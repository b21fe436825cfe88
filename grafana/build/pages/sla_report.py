"""SLA report: availability, outages and time lost per region and month, and the worst targets; prints well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build import columns
from grafana.build.navigation import SLA_REPORT, region_link, target_link
from grafana.build.page import Canvas, choose_region, dashboard
from grafana.build.palette import BLUE, GREEN, RED, YELLOW, thresholds
from grafana.build.panels import Json, one_colour, override, stat, status_history, words
from grafana.build.promql import (
    IN_REGION,
    availability,
    down_hours,
    info,
    series,
    table,
    tiles,
    value,
)
from grafana.build.tables import Column, table_panel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grafana.build.language import Language

WORST: Final = 25  # targets that are listed, at most FROM_ONE_REGION of one region
FROM_ONE_REGION: Final = 5
AIM = thresholds(RED, (0.99, YELLOW), (0.999, GREEN))


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_months(say), x=0, y=0, w=24, h=2)
    canvas.place(_whole(say), x=0, y=2, w=15, h=4)
    canvas.place(_basis(say), x=15, y=2, w=9, h=4)
    canvas.place(_days(say), x=0, y=6, w=24, h=18)
    # Tall enough for 38 regions without a scroll bar, which paper does not have; last, so that a hole below three
    # regions does no harm.
    canvas.place(_regions(say), x=0, y=24, w=12, h=39)
    canvas.place(_worst(say), x=12, y=24, w=12, h=39)
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
    )


def _months(say: Language) -> Json:
    """Return links that choose whole months; relative, so that they hold below a path of a proxy."""
    months = (
        (say("This month so far", "Bulan ini sejauh ini"), "now%2FM", "now"),
        (say("last month", "bulan lalu"), "now-1M%2FM", "now-1M%2FM"),
        (say("the month before", "dua bulan lalu"), "now-2M%2FM", "now-2M%2FM"),
        (say("the last 30 days", "30 hari terakhir"), "now-30d", "now"),
    )
    path = SLA_REPORT.path(say).removeprefix("/")
    links = " · ".join(f"[{title}]({path}?from={start}&to={end})" for title, start, end in months)
    return words("", f"**{say('Report for', 'Laporan untuk')}:** {links}") | {"transparent": True}


def _sums(recording: str, by: str) -> str:
    """Return the sum of a recording of 15-minute steps over the chosen range."""
    return f"sum by ({by}) (sum_over_time({recording}{{{IN_REGION}}}[$__range]))"


def _down_hours_of_targets() -> str:
    """Return the hours each target was down, cut off or of its own."""
    return f"{_sums('region_target:vpn_target_down:avg15m', 'region, target')} / 4"


def _outages(by: str) -> str:
    """Return how many outages ended; absent where none did."""
    return _sums("region_target:vpn_target_outage:resets15m", by)


def _outage_time(by: str = "region") -> str:
    """Return the seconds in outage, of targets on their own (not cut off)."""
    return f"{_sums('region_target:vpn_target_outage:avg15m', by)} * 900"


def _mean_length(by: str) -> str:
    """Return the mean length of an outage in seconds: time in outage over the outages that ended."""
    return f"{_outage_time(by)} / {_outages(by)}"


def _known(by: str) -> str:
    """Return 0 for each region that was judged: what was seen and had no outage had none, the rest is unknown."""
    return f"0 * max by ({by}) (last_over_time(region:vpn_target_judged:tile5m{{{IN_REGION}}}[$__range]))"


def _named(expr: str, label: str) -> str:
    """Return rows whose name is their id: for what has left targets.yml since."""
    return f'label_replace({expr}, "name", "$1", "{label}", "(.*)")'


def _whole(say: Language) -> Json:
    """Return how the whole did."""
    return _numbers(
        say("All chosen regions", "Semua wilayah terpilih"),
        say(
            "Availability: time up or low over time up, low or down, all targets added up; time unknown is left out. "
            "Outages count when they are over, without the targets that a hub cut off.",
            "Ketersediaan: waktu baik atau lemah dibagi waktu baik, lemah atau terputus, semua alat dijumlahkan; "
            "waktu tidak diketahui tidak dihitung. Gangguan dihitung setelah selesai, tanpa alat yang terisolasi oleh "
            "hub.",
        ),
        [
            value(availability("$__range", by=""), say("availability", "ketersediaan"), "A"),
            value(f"sum({_outages('region')}) or sum({_known('region')})", say("outages", "gangguan"), "B"),
            value(f"sum({_outage_time()}) / sum({_outages('region')})", say("mean length", "lama rata-rata"), "C"),
        ],
        [
            override("byFrameRefID", "A", unit="percentunit", decimals=3, thresholds=AIM),
            override("byFrameRefID", "B", decimals=0, color=one_colour(BLUE)),
            override("byFrameRefID", "C", unit="s", decimals=0, color=one_colour(BLUE)),
        ],
    )


def _basis(say: Language) -> Json:
    """Return what that rests on."""
    return _numbers(
        say("Target-hours", "Jam-alat"),
        say(
            "Hours of all targets added up: how long they were down, and for how long they were judged at all.",
            "Jam semua alat dijumlahkan: berapa lama terputus, dan berapa lama dinilai seluruhnya.",
        ),
        [
            value(down_hours("$__range", by=""), say("down", "terputus"), "A"),
            value(f"{tiles('judged', '', '$__range')} / 12", say("judged", "dinilai"), "B"),
        ],
        [
            override("byFrameRefID", "A", decimals=1, color=one_colour(BLUE)),
            override("byFrameRefID", "B", decimals=0, color=one_colour(BLUE)),
        ],
    )


def _numbers(title: str, description: str, targets: list[Json], overrides: list[Json]) -> Json:
    """Return big numbers side by side; three are as many as a phone has room for."""
    return stat(
        title,
        description,
        targets,
        background=False,
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 26, "titleSize": 13},
        overrides=overrides,
    )


def _outage_columns(say: Language, outages: str, length: str) -> Iterable[Column]:
    """Return the columns that both tables end with."""
    return (
        columns.count(outages, say("Outages", "Gangguan"), width=78),
        columns.duration(length, say("Mean length", "Rata-rata"), width=100),
    )


def _regions(say: Language) -> Json:
    """Return the regions."""
    gone = _named(_known("region"), "region")
    return table_panel(
        say("Regions, worst first", "Wilayah, terburuk di atas"),
        say(
            "Over the chosen time range. Hours down: added up over the region's targets, cut off or of their own. "
            "Outages: of targets on their own, counted when over; mean length: their time divided by their number.",
            "Pada rentang waktu terpilih. Jam terputus: dijumlahkan untuk semua alat, terisolasi atau karena dirinya "
            "sendiri. Gangguan: milik alat itu sendiri, dihitung setelah selesai; rata-rata: lamanya dibagi jumlahnya.",
        ),
        [
            table(availability("$__range"), "A"),
            table(down_hours("$__range"), "B"),
            table(f"{_outages('region')} or on (region) {_known('region')}", "C"),
            table(_mean_length("region"), "D"),
            table(f"max by (region, name) (vpn_region_info{{{IN_REGION}}}) or on (region) {gone}", "E"),
        ],
        [
            columns.plain("name", say("Region", "Wilayah"), links=[region_link(say)]),
            columns.availability("Value #A", say("Availability", "Ketersediaan"), width=115),
            columns.hours("Value #B", say("Hours down", "Jam terputus"), width=105),
            *_outage_columns(say, "Value #C", "Value #D"),
            columns.hidden("region"),
        ],
        empty=say("No data in this time range", "Tidak ada data dalam rentang waktu ini"),
        sort=(say("Availability", "Ketersediaan"), False),
        paged=False,
        dropped=("Value #E",),
    )


def _worst(say: Language) -> Json:
    """Return the targets that lost most."""
    each = "region, target"
    most = f"topk({WORST}, topk by (region) ({FROM_ONE_REGION}, {_down_hours_of_targets()}))"
    chosen = f"and on ({each}) {most}"
    lost = f"{_down_hours_of_targets()} / ({_sums('region_target:vpn_target_judged:avg15m', each)} / 4 > 0)"
    return table_panel(
        say("Worst targets", "Alat terburuk"),
        say(
            f"The {WORST} targets that were down longest in the chosen time range, at most {FROM_ONE_REGION} of one "
            "region. Counted in quarters of an hour: the newest quarter is not in it yet.",
            f"{WORST} alat yang paling lama terputus pada rentang waktu terpilih, paling banyak {FROM_ONE_REGION} per "
            "wilayah. Dihitung per seperempat jam: seperempat jam terbaru belum termasuk.",
        ),
        [
            table(f"({most}) {info('name')} or on ({each}) {_named(most, 'target')}", "A"),
            table(f"1 - ({lost}) {chosen}", "B"),
            table(f"{_outages(each)} {chosen}", "C"),
            table(f"{_mean_length(each)} {chosen}", "D"),
        ],
        [
            columns.plain("name", say("Name", "Nama"), links=[target_link(say)]),
            columns.region(say, width=62),
            columns.availability("Value #B", say("Availability", "Ketersediaan"), width=105),
            columns.hours("Value #A", say("Hours down", "Jam terputus"), width=105),
            *_outage_columns(say, "Value #C", "Value #D"),
            columns.hidden("target"),
        ],
        empty=say("No target was down, or no data yet", "Tidak ada alat yang terputus, atau belum ada data"),
        sort=(say("Hours down", "Jam terputus"), True),
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
        per_page=40,
        unit="none",
        decimals=0,
        no_value=say("No whole day in this time range yet", "Belum ada satu hari penuh dalam rentang waktu ini"),
        thresholds=thresholds(RED, (99, YELLOW), (100, GREEN)),
    )
