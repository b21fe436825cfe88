"""SLA report: availability, outages and time lost per region and month, and the worst targets; prints well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build import columns
from grafana.build.navigation import SLA_REPORT, region_link
from grafana.build.page import Canvas, choose_region, dashboard, from_query
from grafana.build.palette import BLUE, GREEN, RED, YELLOW, thresholds
from grafana.build.panels import Json, one_colour, override, stat, status_history, words
from grafana.build.promql import (
    IN_REGION,
    availability,
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
STEP: Final = "15m"
# The worst are looked up first, once per refresh: a month of the others is then not read.
IN_WORST: Final = f'{IN_REGION},target=~"$worst"'
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
        variables=[choose_region(say), _worst_variable(say)],
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


def _sums(recording: str, by: str, matchers: str = IN_REGION) -> str:
    """Return the sum of a recording of 15-minute steps over the chosen range."""
    return f"sum by ({by}) (sum_over_time({recording}{{{matchers}}}[$__range]))"


def _down_hours_of_targets(matchers: str = IN_REGION) -> str:
    """Return the hours each target was down, cut off or of its own."""
    return f"{_sums('region_target:vpn_target_down:avg15m', 'region, target', matchers)} / 4"


def _down_hours(by: str) -> str:
    """Return the hours that targets were down in the chosen range, all targets added up."""
    return f"({tiles('judged', by, '$__range', STEP)} - {tiles('available', by, '$__range', STEP)}) / 4"


def _outages(by: str) -> str:
    """Return how many outages of the regions' targets ended; absent where none did."""
    return _sums("region:vpn_target_outage:resets15m", by)


def _mean_length(by: str) -> str:
    """Return the mean length of an outage in seconds: time in outage over the outages that ended."""
    return f"{_sums('region:vpn_target_outage:avg15m', by)} * 900 / {_outages(by)}"


def _known(by: str) -> str:
    """Return 0 for each region that was judged: what was seen and had no outage had none, the rest is unknown."""
    return f"0 * max by ({by}) (last_over_time(region:vpn_target_judged:tile15m{{{IN_REGION}}}[$__range]))"


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
            value(availability("$__range", by="", step=STEP), say("availability", "ketersediaan"), "A"),
            value(f"{_outages('')} or sum({_known('region')})", say("outages", "gangguan"), "B"),
            value(_mean_length(""), say("mean length", "lama rata-rata"), "C"),
        ],
        [
            override("byFrameRefID", "A", unit="percentunit", decimals=3, thresholds=AIM),
            override("byFrameRefID", "B", unit="locale", decimals=0, color=one_colour(BLUE)),
            override("byFrameRefID", "C", unit="s", decimals=0, color=one_colour(BLUE)),
        ],
        say,
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
            value(_down_hours(""), say("down", "terputus"), "A"),
            value(f"{tiles('judged', '', '$__range', STEP)} / 4", say("judged", "dinilai"), "B"),
        ],
        [
            override("byFrameRefID", "A", decimals=1, color=one_colour(BLUE)),
            override("byFrameRefID", "B", unit="locale", decimals=0, color=one_colour(BLUE)),
        ],
        say,
    )


def _numbers(title: str, description: str, targets: list[Json], overrides: list[Json], say: Language) -> Json:
    """Return big numbers side by side; three are as many as a phone has room for."""
    return stat(
        title,
        description,
        targets,
        no_value=say("Nothing recorded in this time range", "Belum ada catatan pada rentang waktu ini"),
        background=False,
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 26, "titleSize": 13},
        overrides=overrides,
    )


def _outage_columns(say: Language, outages: str, length: str) -> Iterable[Column]:
    """Return the columns that both tables end with."""
    return (
        columns.count(outages, say("Outages", "Gangguan"), width=86),
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
            table(availability("$__range", step=STEP), "A"),
            table(_down_hours("region"), "B"),
            table(f"{_outages('region')} or on (region) {_known('region')}", "C"),
            table(_mean_length("region"), "D"),
            table(f"max by (region, name) (vpn_region_info{{{IN_REGION}}}) or on (region) {gone}", "E"),
        ],
        [
            columns.plain("name", say("Region", "Wilayah"), links=[region_link(say)], min_width=120, wrap=True),
            columns.availability("Value #A", say("Availability", "Ketersediaan"), width=124),
            columns.hours("Value #B", say("Hours down", "Jam terputus"), width=105),
            *_outage_columns(say, "Value #C", "Value #D"),
            columns.hidden("region"),
        ],
        empty=say(
            "Nothing recorded in this time range; the first numbers come five minutes after the start",
            "Belum ada catatan pada rentang waktu ini; angka pertama muncul lima menit setelah mulai",
        ),
        sort=(say("Availability", "Ketersediaan"), False),
        paged=False,
        dropped=("Value #E",),
    )


def _worst_variable(say: Language) -> Json:
    """Return the hidden variable that holds the worst targets' ids."""
    return from_query(
        "worst",
        say("Worst targets", "Alat terburuk"),
        f"query_result(topk({WORST}, topk by (region) ({FROM_ONE_REGION}, {_down_hours_of_targets()})))",
        regex='/target="([^"]+)"/',
    )


def _worst(say: Language) -> Json:
    """Return the targets that lost most."""
    each = "region, target"
    lost = _down_hours_of_targets(IN_WORST)
    judged = f"({_sums('region_target:vpn_target_judged:avg15m', each, IN_WORST)} / 4 > 0)"
    outages = _sums("region_target:vpn_target_outage:resets15m", each, IN_WORST)
    mean = f"{_sums('region_target:vpn_target_outage:avg15m', each, IN_WORST)} * 900 / {outages}"
    return table_panel(
        say("Worst targets", "Alat terburuk"),
        say(
            f"The {WORST} targets that were down longest in the chosen time range, at most {FROM_ONE_REGION} of one "
            "region. Counted in quarters of an hour: the newest quarter is not in it yet.",
            f"{WORST} alat yang paling lama terputus pada rentang waktu terpilih, paling banyak {FROM_ONE_REGION} per "
            "wilayah. Dihitung per seperempat jam: seperempat jam terbaru belum termasuk.",
        ),
        [
            table(f"({lost}) {info('name', IN_WORST)} or on ({each}) {_named(lost, 'target')}", "A"),
            table(f"1 - ({lost}) / {judged}", "B"),
            table(outages, "C"),
            table(mean, "D"),
        ],
        [
            columns.name(say, min_width=120, wrap=True),
            columns.region(say, width=74),
            columns.availability("Value #B", say("Availability", "Ketersediaan"), width=105),
            columns.hours("Value #A", say("Hours down", "Jam terputus"), width=124),
            *_outage_columns(say, "Value #C", "Value #D"),
            columns.hidden("target"),
        ],
        empty=say(
            "No time lost is recorded in this time range; the first quarter of an hour comes when it is over",
            "Belum ada waktu terputus yang tercatat; seperempat jam pertama muncul setelah selesai",
        ),
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
