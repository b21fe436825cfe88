"""Maintenance: is every part of the monitoring itself well, and where to act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.build import columns
from grafana.build.navigation import MAINTENANCE
from grafana.build.page import Canvas, dashboard
from grafana.build.pages.vpn_map import data_age
from grafana.build.palette import BLUE, GREEN, GREY, RED, YELLOW, good_or_bad, mapping, missing, thresholds
from grafana.build.panels import Json, curves, override, shades, stat, words
from grafana.build.promql import series, table, value
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_parts(say), x=0, y=0, w=20, h=4)
    canvas.place(data_age(say), x=20, y=0, w=4, h=4)
    canvas.place(_sight(say), x=0, y=4, w=12, h=4)
    canvas.place(_uplinks(say), x=12, y=4, w=12, h=4)
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


def _parts(say: Language) -> Json:
    """Return whether each part answers."""
    lost = say("NOT ANSWERING", "TIDAK MENJAWAB")
    return stat(
        say("Parts", "Komponen"),
        say(
            "Whether Prometheus can read each part now, and whether the bridge's last call to Telegram worked.",
            "Apakah Prometheus dapat membaca tiap komponen, dan apakah panggilan terakhir bridge ke Telegram berhasil.",
        ),
        [value("min by (job) (up)", "{{job}}", "A"), value("min(alertbridge_telegram_up)", "telegram", "B")],
        mappings=[*good_or_bad("OK", lost), missing(say("NO DATA", "TIDAK ADA DATA"))],
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 22, "titleSize": 13},
    )


def _sight(say: Language) -> Json:
    """Return whether the monitor can see."""
    isolated = mapping({"0": (say("can see", "bisa melihat"), GREEN), "1": (say("ISOLATED", "TERISOLASI"), RED)})
    impaired = mapping({"0": (say("sound", "sehat"), GREEN), "1": (say("IMPAIRED", "TERGANGGU"), RED)})
    reload = mapping({"1": (say("accepted", "diterima"), GREEN), "0": (say("REFUSED", "DITOLAK"), RED)})
    held = mapping({"0": (say("none", "tidak ada"), GREEN), "1": (say("HELD", "DITAHAN"), YELLOW)})
    return stat(
        say("Sight and configuration", "Penglihatan dan konfigurasi"),
        say(
            "Isolated: no uplink answers. Impaired: the engine is late, stuck or losing packets. In both cases "
            "states are "
            "UNKNOWN. A mass removal by file change is held until it is confirmed.",
            "Terisolasi: tidak ada uplink yang menjawab. Terganggu: mesin terlambat, macet atau kehilangan "
            "paket. Keduanya "
            "membuat status UNKNOWN. Penghapusan besar lewat perubahan berkas ditahan sampai dikonfirmasi.",
        ),
        [
            value("max(vpn_monitor_isolated)", say("our line", "jalur kita"), "A"),
            value("max(vpn_monitor_impaired)", say("engine", "mesin"), "B"),
            value("min(vpn_config_last_reload_successful)", say("targets.yml", "targets.yml"), "C"),
            value("max(vpn_config_removal_held)", say("removal", "penghapusan"), "D"),
        ],
        overrides=[
            override("byFrameRefID", "A", mappings=isolated),
            override("byFrameRefID", "B", mappings=impaired),
            override("byFrameRefID", "C", mappings=reload),
            override("byFrameRefID", "D", mappings=held),
        ],
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 18, "titleSize": 13},
    )


def _uplinks(say: Language) -> Json:
    """Return the witnesses, and where tunnel facts are read."""
    stale = say("STALE", "BASI")
    return stat(
        say("Uplinks, and sources of tunnel facts", "Uplink, dan sumber data terowongan"),
        say(
            "Uplinks: addresses that answer while our own line works; none listed when `uplinks:` in targets.yml is "
            "empty. Sources: where the VPN's own word on its tunnels is read; STALE: unreadable or too old.",
            "Uplink: alamat yang menjawab selama jalur kita bekerja; kosong bila `uplinks:` di targets.yml belum diisi."
            " Sumber: tempat keterangan VPN tentang terowongannya dibaca; BASI: tak terbaca atau terlalu lama.",
        ),
        [
            value("max by (uplink) (vpn_uplink_up)", "{{uplink}}", "A"),
            value("min by (source) (vpn_tunnel_source_up)", "{{source}}", "B"),
        ],
        mappings=good_or_bad("UP", "DOWN"),
        overrides=[override("byFrameRefID", "B", mappings=good_or_bad("OK", stale))],
        thresholds=thresholds(GREY),
        no_value=say("none configured", "belum diatur"),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 22, "titleSize": 13},
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
            "Messages that Telegram did not take, by reason, and people who were refused.",
            "Pesan yang tidak diterima Telegram, menurut alasan, dan orang yang ditolak.",
        ),
        [
            series("sum by (reason) (increase(alertbridge_delivery_failures_total[1h]))", "{{reason}}", "A"),
            series(
                "sum by (reason) (increase(alertbridge_access_denied_total[1h]))",
                say("refused: {{reason}}", "ditolak: {{reason}}"),
                "B",
            ),
        ],
        unit="none",
        at_least=4,
        steps=True,
        thresholds=thresholds(GREEN, (1, YELLOW)),
    )
