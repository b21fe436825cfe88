"""Pipeline (Pool Update): what is about to change and what is still missing, and how the work on the way is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.build import columns
from grafana.build.navigation import PIPELINE
from grafana.build.page import Canvas, choose_region, dashboard
from grafana.build.pages.vpn_map import alert_table
from grafana.build.palette import BLUE, GREEN, PURPLE, RED, STATE_COLOURS, YELLOW, State, mapping, thresholds
from grafana.build.panels import Json, curves, one_colour, override, stat
from grafana.build.promql import IN_REGION, code, info, series, table, value
from grafana.build.tables import Column, table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_judging(say), x=0, y=0, w=13, h=3)
    canvas.place(_telling(say), x=13, y=0, w=11, h=3)
    canvas.place(_pending(say), x=0, y=3, w=13, h=9)
    canvas.place(alert_table(say, "pending"), x=13, y=3, w=11, h=9)
    canvas.row(say("Probing", "Ping"), y=12)
    canvas.place(_probes(say), x=0, y=13, w=12, h=7)
    canvas.place(_lateness(say), x=12, y=13, w=12, h=7)
    canvas.row(say("Prometheus and messages", "Prometheus dan pesan"), y=20)
    canvas.place(_scrapes(say), x=0, y=21, w=8, h=7)
    canvas.place(_rules(say), x=8, y=21, w=8, h=7)
    canvas.place(_deliveries(say), x=16, y=21, w=8, h=7)
    return dashboard(
        PIPELINE,
        say,
        canvas,
        variables=[choose_region(say)],
        description=say(
            "State changes that are near and the evidence still missing; probes, scrapes, rules and messages on "
            "their way.",
            "Perubahan status yang sudah dekat dan bukti yang masih kurang; ping, pengambilan data, aturan dan "
            "pesan di jalan.",
        ),
    )


def _judging(say: Language) -> Json:
    """Return the depth of the queues before a change: judge, engine, rules."""
    rows = {
        "A": (f"count(vpn_target_pending{{{IN_REGION}}}) or 0 * sum(vpn_target_outage)", say("changes", "perubahan")),
        "B": ("sum(vpn_engine_due_probes)", say("probes due", "ping menunggu")),
        "C": ("sum(vpn_engine_in_flight_probes)", say("in flight", "di jalan")),
        "D": ('count(ALERTS{alertstate="pending"}) or 0 * count(up)', say("alerts", "peringatan")),
    }
    return stat(
        say("On the way to a change", "Menuju perubahan"),
        say(
            "States about to change, probes due and in flight, alerts about to fire. A dash means that there is "
            "no data.",
            "Status yang akan berubah, ping yang menunggu dan di jalan, peringatan yang akan aktif. Tanda hubung "
            "berarti "
            "tidak ada data.",
        ),
        [value(expr, legend, ref) for ref, (expr, legend) in rows.items()],
        background=False,
        orientation="vertical",
        text="value_and_name",
        color=one_colour(BLUE),
        size={"valueSize": 26, "titleSize": 12},
    )


def _telling(say: Language) -> Json:
    """Return the depth of the bridge's outbox."""
    oldest = "round(time() - min(alertbridge_outbox_oldest_timestamp_seconds > 0))"
    rows = {
        "A": ('sum(alertbridge_outbox_messages{state="pending"})', say("waiting", "menunggu")),
        "B": (oldest, say("oldest", "tertua")),
        "C": ('sum(alertbridge_outbox_messages{state="dead"})', say("given up", "gagal")),
    }
    return stat(
        say("Messages on the way to Telegram", "Pesan menuju Telegram"),
        say(
            "The bridge's outbox: messages waiting, the age of the oldest, messages given up. A dash: none "
            "waits, or there "
            "is no data.",
            "Kotak keluar bridge: pesan menunggu, umur yang tertua, pesan yang gagal. Tanda hubung: tidak ada yang "
            "menunggu, atau tidak ada data.",
        ),
        [value(expr, legend, ref) for ref, (expr, legend) in rows.items()],
        background=False,
        orientation="vertical",
        text="value_and_name",
        overrides=[
            override("byFrameRefID", "A", thresholds=thresholds(GREEN, (20, YELLOW), (200, RED))),
            override("byFrameRefID", "B", thresholds=thresholds(GREEN, (60, YELLOW), (300, RED)), unit="s"),
            override("byFrameRefID", "C", thresholds=thresholds(GREEN, (1, RED))),
        ],
        size={"valueSize": 26, "titleSize": 12},
    )


def _pending(say: Language) -> Json:
    """Return the changes that are near."""
    near = f"max by (region, target, state) (vpn_target_pending{{{IN_REGION}}})"
    words = {state.name.lower(): (state.name, STATE_COLOURS[state]) for state in State}
    return table_panel(
        say("States about to change", "Status yang akan berubah"),
        say(
            "Targets whose state is about to change: from what to what, and how many probes are still missing to it.",
            "Alat yang statusnya akan berubah: dari apa menjadi apa, dan kurang berapa ping lagi.",
        ),
        [
            table(f"({near}) {info('name')}", "A"),
            table(f"{code()} and on (region, target) vpn_target_pending", "B"),
        ],
        [
            columns.state("Value #B", say, say("Now", "Kini")),
            Column(
                field="state",
                title=say("Soon", "Menjadi"),
                width=100,
                mappings=mapping(words),
                cell="color-background",
                align="center",
            ),
            columns.name(say),
            columns.count("Value #A", say("Probes missing", "Kurang ping"), width=150),
            columns.region(say, width=85),
            columns.hidden("target"),
        ],
        empty=say("No change is near, or there is no data", "Tidak ada perubahan dekat, atau tidak ada data"),
        sort=(say("Probes missing", "Kurang ping"), False),
    )


def _probes(say: Language) -> Json:
    """Return probes and replies per second."""
    rows = (
        ("A", "vpn_engine_probes_sent_total", say("sent", "dikirim"), BLUE),
        ("B", "vpn_engine_replies_total", say("replies", "jawaban"), GREEN),
        ("C", "vpn_engine_confirmation_probes_total", say("confirmation", "konfirmasi"), PURPLE),
    )
    return curves(
        say("Probes per second", "Ping per detik"),
        say(
            "Grid probes, their replies, and confirmation probes, which ask again in bad moments.",
            "Ping terjadwal, jawabannya, dan ping konfirmasi yang bertanya lagi di saat buruk.",
        ),
        [series(f"sum(rate({metric}[$__rate_interval]))", legend, ref) for ref, metric, legend, _ in rows],
        unit="none",
        overrides=[override("byFrameRefID", ref, color=one_colour(colour)) for ref, _, _, colour in rows],
    )


def _lateness(say: Language) -> Json:
    """Return how late the engine works: overload must never look like latency of a site."""
    quantile = "histogram_quantile(0.99, sum by (le) (rate(vpn_engine_{name}_seconds_bucket[$__rate_interval])))"
    return curves(
        say("Engine: lateness and unread replies, p99", "Mesin: keterlambatan dan jawaban belum dibaca, p99"),
        say(
            "How late probes were sent against their grid, and how long replies waited unread. Not the network's "
            "doing.",
            "Seberapa terlambat ping dikirim dari jadwalnya, dan berapa lama jawaban menunggu dibaca. Bukan "
            "karena jaringan.",
        ),
        [
            series(quantile.format(name="lateness"), say("sent late", "terlambat dikirim"), "A"),
            series(quantile.format(name="reply_wait"), say("reply unread", "belum dibaca"), "B"),
        ],
        unit="s",
        overrides=[
            override("byFrameRefID", "A", color=one_colour(BLUE)),
            override("byFrameRefID", "B", color=one_colour(PURPLE)),
        ],
    )


def _scrapes(say: Language) -> Json:
    """Return how long each scrape takes."""
    return curves(
        say("Scrape duration", "Lama pengambilan data"),
        say("How long Prometheus takes to fetch each part.", "Berapa lama Prometheus mengambil tiap bagian."),
        [series("max by (job, part) (scrape_duration_seconds)", "{{job}} {{part}}")],
        unit="s",
    )


def _rules(say: Language) -> Json:
    """Return how long rule groups take."""
    name = "prometheus_rule_group_last_duration_seconds"
    expr = f'label_replace(max by (rule_group) ({name}), "group", "$1", "rule_group", ".*;(.+)")'
    return curves(
        say("Rule evaluation", "Evaluasi aturan"),
        say("How long each group of rules takes.", "Berapa lama tiap kelompok aturan dihitung."),
        [series(expr, "{{group}}")],
        unit="s",
    )


def _deliveries(say: Language) -> Json:
    """Return how long messages take to Telegram, and what failed."""
    bucket = "sum by (le) (rate(alertbridge_delivery_seconds_bucket[$__rate_interval]))"
    return curves(
        say("Webhook to Telegram", "Webhook sampai Telegram"),
        say(
            "Time from Alertmanager's webhook to Telegram's answer. No message in a while: no line.",
            "Waktu dari webhook Alertmanager sampai jawaban Telegram. Tanpa pesan: tanpa garis.",
        ),
        [
            series(f"histogram_quantile(0.5, {bucket})", say("median", "median"), "A"),
            series(f"histogram_quantile(0.95, {bucket})", "p95", "B"),
        ],
        unit="s",
        overrides=[
            override("byFrameRefID", "A", color=one_colour(BLUE)),
            override("byFrameRefID", "B", color=one_colour(PURPLE)),
        ],
    )
