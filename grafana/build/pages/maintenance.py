"""Maintenance: is every part of the monitoring itself well, and where to act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.build import columns
from grafana.build.freshness import data_age
from grafana.build.navigation import MAINTENANCE
from grafana.build.page import Canvas, dashboard
from grafana.build.pages import maintenance_tiles as tiles
from grafana.build.palette import BLUE, GREEN, YELLOW, thresholds
from grafana.build.panels import Json, curves, override, shades, words
from grafana.build.promql import series, table
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(tiles.parts(say), x=0, y=0, w=13, h=4)
    canvas.place(tiles.telegram(say), x=13, y=0, w=7, h=4)
    canvas.place(data_age(say), x=20, y=0, w=4, h=4)
    canvas.place(tiles.sight(say), x=0, y=4, w=5, h=4)
    canvas.place(tiles.files(say), x=5, y=4, w=8, h=4)
    canvas.place(tiles.uplinks(say), x=13, y=4, w=6, h=4)
    canvas.place(tiles.certificates(say), x=19, y=4, w=5, h=4)
    canvas.place(_actions(say), x=0, y=8, w=8, h=8)
    canvas.place(_reloads(say), x=8, y=8, w=8, h=8)
    canvas.place(_versions(say), x=16, y=8, w=8, h=8)
    canvas.place(_restarts(say), x=0, y=16, w=8, h=7)
    canvas.place(_discards(say), x=8, y=16, w=8, h=7)
    canvas.place(_failures(say), x=16, y=16, w=8, h=7)
    return dashboard(
        MAINTENANCE,
        say,
        canvas,
        variables=[],
        description=say(
            "Health of the monitoring itself: engine, uplinks, Prometheus, Alertmanager, bridge, Telegram.",
            "Kesehatan pemantauan itu sendiri: mesin ping, uplink, Prometheus, Alertmanager, bridge, Telegram.",
        ),
    )


def _actions(say: Language) -> Json:
    """Return where to act: pages with their own login, for a dashboard has no authority.

    Links into Grafana are relative, so that they hold below a path of a proxy; the status page is another application,
    so its link opens a window of its own (Grafana catches the others).
    """
    english = (
        "**Restart engine, reload targets.yml**: on the status page, *Maintenance*, with its own login: "
        '<a href="/status/maintenance" target="_blank">behind the proxy</a>, or port 9921 with `make run`. '
        "On the command line: `vpn-exporter restart`, `vpn-exporter reload`; on Telegram: `/restart`.\n\n"
        "**Planned work: silence alerts**: [silences](alerting/silences?alertmanager=Alertmanager); on Telegram: "
        "`/silence`.\n\n"
        "**What fires now**: [alert rules](alerting/list), "
        "[alert groups](alerting/groups?alertmanager=Alertmanager)."
    )
    indonesian = (
        "**Restart Engine, muat ulang targets.yml**: di halaman status, menu *Maintenance*, dengan login sendiri: "
        '<a href="/status/maintenance" target="_blank">lewat proxy</a>, atau port 9921 pada server dengan `make run`. '
        "Di baris perintah: `vpn-exporter restart`, `vpn-exporter reload`; di Telegram: `/restart`.\n\n"
        "**Pekerjaan terencana: bisukan peringatan**: [silences](alerting/silences?alertmanager=Alertmanager); di "
        "Telegram: `/silence`.\n\n"
        "**Yang sedang aktif**: [aturan](alerting/list), "
        "[kelompok peringatan](alerting/groups?alertmanager=Alertmanager)."
    )
    return words(say("Where to act", "Tempat bertindak"), say(english, indonesian))


def _reloads(say: Language) -> Json:
    """Return when each configuration was last accepted."""
    return table_panel(
        say("Last configuration", "Konfigurasi terakhir"),
        say(
            "Whether the newest file was accepted, and when one last was. A refused file changes nothing; the "
            "status page "
            "names its mistakes.",
            "Apakah berkas terbaru diterima, dan kapan terakhir diterima. Berkas yang ditolak tidak mengubah apa "
            "pun; halaman "
            "status menyebut kesalahannya.",
        ),
        [
            table(
                "min by (job) (vpn_config_last_reload_successful or alertbridge_config_last_reload_successful "
                "or prometheus_config_last_reload_successful or alertmanager_config_last_reload_successful)",
                "A",
            ),
            table(
                "max by (job) (vpn_config_last_reload_success_timestamp_seconds "
                "or alertbridge_config_last_reload_success_timestamp_seconds "
                "or prometheus_config_last_reload_success_timestamp_seconds "
                "or alertmanager_config_last_reload_success_timestamp_seconds) * 1000",
                "B",
            ),
        ],
        [
            columns.plain("job", say("Part", "Komponen")),
            columns.yes_or_no(
                "Value #A", say("File", "Berkas"), good=say("accepted", "diterima"), bad=say("REFUSED", "DITOLAK")
            ),
            columns.since("Value #B", say),
        ],
        empty=say("No data", "Tidak ada data"),
        paged=False,
    )


def _versions(say: Language) -> Json:
    """Return the versions."""
    builds = " or ".join(f"{part}_build_info" for part in ("vpn", "alertbridge", "prometheus", "alertmanager"))
    return table_panel(
        say("Versions", "Versi"),
        say("The versions that are running now.", "Versi yang sedang berjalan saat ini."),
        [table(f"max by (job, version) ({builds})")],
        [columns.plain("job", say("Part", "Komponen")), columns.plain("version", say("Version", "Versi"))],
        empty=say("No data", "Tidak ada data"),
        paged=False,
        dropped=("Value",),
    )


def _restarts(say: Language) -> Json:
    """Return restarts of probing processes."""
    return curves(
        say("Engine restarts per hour, by reason", "Restart mesin per jam, menurut alasan"),
        say(
            "Probing processes that were replaced: stuck, dead, or because somebody asked. States are kept.",
            "Proses ping yang diganti: macet, mati, atau diminta. Status tetap tersimpan.",
        ),
        [series("sum by (reason) (increase(vpn_engine_restarts_total[1h]))", "{{reason}}")],
        unit="none",
        at_least=4,
        steps=True,
        colour={"mode": "palette-classic"},
    )


def _discards(say: Language) -> Json:
    """Return packets that were no replies, and what the kernel lost."""
    return curves(
        say("Discarded and dropped packets per second", "Paket dibuang per detik"),
        say(
            "Late, duplicate and foreign packets are normal in small numbers; the kernel's drops and send errors "
            "are not.",
            "Paket terlambat, ganda dan asing wajar bila sedikit; yang dibuang kernel dan galat kirim tidak.",
        ),
        [
            series("sum by (reason) (rate(vpn_engine_replies_discarded_total[$__rate_interval]))", "{{reason}}", "A"),
            series(
                "sum(rate(vpn_engine_receive_drops_total[$__rate_interval]))",
                say("kernel drops", "dibuang kernel"),
                "B",
            ),
            series(
                "sum by (reason) (rate(vpn_engine_send_errors_total[$__rate_interval]))",
                say("send error: {{reason}}", "galat kirim: {{reason}}"),
                "C",
            ),
        ],
        unit="none",
        at_least=1,
        overrides=[override("byFrameRefID", "A", color=shades(BLUE))],
    )


def _failures(say: Language) -> Json:
    """Return what the bridge could not deliver or would not answer."""
    return curves(
        say("Bridge: failures per hour", "Bridge: kegagalan per jam"),
        say(
            "Messages that Telegram did not take, by reason, people who were refused, questions for new commands "
            "that failed, and what may have been sent twice.",
            "Pesan yang tidak diterima Telegram, menurut alasan, orang yang ditolak, pengambilan perintah yang "
            "gagal, dan yang mungkin terkirim dua kali.",
        ),
        [
            series("sum by (reason) (increase(alertbridge_delivery_failures_total[1h]))", "{{reason}}", "A"),
            series(
                "sum by (reason) (increase(alertbridge_access_denied_total[1h]))",
                say("refused: {{reason}}", "ditolak: {{reason}}"),
                "B",
            ),
            series(
                "sum by (reason) (increase(alertbridge_telegram_poll_failures_total[1h]))",
                say("commands: {{reason}}", "perintah: {{reason}}"),
                "C",
            ),
            series(
                "sum(increase(alertbridge_delivery_repeats_total[1h]))",
                say("may be there twice", "mungkin terkirim dua kali"),
                "D",
            ),
        ],
        unit="none",
        at_least=4,
        steps=True,
        thresholds=thresholds(GREEN, (1, YELLOW)),
    )
