"""Ping log (Log Ping): what the newest probe of a target said at each scrape, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build import columns
from grafana.build.navigation import PING_LOG
from grafana.build.page import Canvas, choose_region, choose_target, dashboard
from grafana.build.palette import RED, missing
from grafana.build.panels import Json, curves, one_colour
from grafana.build.promql import IN_TARGET, code, per_target, samples, series
from grafana.build.tables import Column, table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language

STEP: Final = "5s"  # the probes part is scraped so often


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_curve(say), x=0, y=0, w=24, h=6)
    canvas.place(_log(say), x=0, y=6, w=24, h=14)
    return dashboard(
        PING_LOG,
        say,
        canvas,
        variables=[choose_region(say), choose_target(say, several=False)],
        description=say(
            "The newest probe of one target at each scrape, newest first. The status page shows every single probe.",
            "Ping terbaru satu alat pada setiap pengambilan data, terbaru di atas. Halaman status menampilkan "
            "setiap ping.",
        ),
        since="now-10m",
    )


def _curve(say: Language) -> Json:
    """Return the round trip; a gap is a probe without an answer."""
    panel = curves(
        say("$target: round trip of the newest probe", "$target: waktu tempuh ping terbaru"),
        say("A gap is a probe without an answer.", "Bagian kosong berarti ping tanpa jawaban."),
        [series(per_target("vpn_target_last_rtt_seconds", IN_TARGET), "{{target}}", interval=STEP)],
        unit="s",
        legend=False,
        no_value=say("No reply in this time range", "Tidak ada jawaban dalam rentang waktu ini"),
        colour=one_colour(),
    )
    panel["fieldConfig"]["defaults"]["custom"]["showPoints"] = "always"
    return panel


def _log(say: Language) -> Json:
    """Return the log: a row per scrape."""
    ended = "sum by (region, target) (vpn_target_{name}_total{{{match}}})"
    probes = ended.format(name="probes", match=IN_TARGET)
    reasons = f"sum by (region, target, reason) (vpn_target_probe_failures_total{{{IN_TARGET}}})"
    no_reply = missing(say("no reply", "tanpa jawaban"), RED)
    return table_panel(
        say("Log of $target, newest first", "Log $target, terbaru di atas"),
        say(
            "A row per scrape (5 s): the newest probe's round trip or its silence, how many probes ended since the row "
            "before, and how many of them failed for which reason.",
            "Satu baris per pengambilan data (5 detik): waktu tempuh ping terbaru atau tanpa jawaban, jumlah "
            "ping sejak baris "
            "sebelumnya, dan berapa yang gagal karena apa.",
        ),
        [
            samples(code(IN_TARGET), "A", interval=STEP),
            samples(per_target("vpn_target_last_rtt_seconds", IN_TARGET), "B", interval=STEP),
            samples(f"{probes} - {_before(probes)} >= 0", "C", interval=STEP),
            samples(f"{reasons} - {_before(reasons)} > 0", "D", interval=STEP),
        ],
        [
            Column(field="Time", title=say("Time", "Waktu"), width=165, unit="dateTimeAsIso"),
            Column(
                field="Value #B",
                title=say("Result", "Hasil"),
                width=115,
                unit="s",
                decimals=1,
                mappings=[no_reply],
                no_value=say("no reply", "tanpa jawaban"),
                cell="color-text",
                align="right",
            ),
            columns.state("Value #A", say),
            columns.count("Value #C", say("Probes", "Ping"), width=90),
            columns.count("Value #D", say("Failed", "Gagal"), width=90),
            columns.plain("reason", say("Reason", "Alasan")),
        ],
        empty=say("No data in this time range", "Tidak ada data dalam rentang waktu ini"),
        sort=(say("Time", "Waktu"), True),
        keep=("Time",),
        dropped=("region", "target"),
    )


def _before(expr: str) -> str:
    """Return the same counter one step earlier: exact differences, where increase() would extrapolate."""
    return expr.replace("}", "} offset $__interval")
