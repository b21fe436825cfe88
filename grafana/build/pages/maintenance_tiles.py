"""Maintenance, its tiles: does each part answer, can we see, is the configuration in force, until when are we trusted.

A panel's tiles share one line on a phone: none has more than four.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build.palette import (
    GREEN,
    GREY,
    RED,
    YELLOW,
    good_or_bad,
    mapping,
    missing,
    thresholds,
)
from grafana.build.panels import Json, override, stat
from grafana.build.promql import value

if TYPE_CHECKING:
    from grafana.build.language import Language


_LONG_OVER: Final = -36500  # days


def parts(say: Language) -> Json:
    """Return whether each part answers."""
    return _tiles(
        say("Parts", "Komponen"),
        say(
            "Whether Prometheus can read each part now.",
            "Apakah Prometheus dapat membaca tiap komponen saat ini.",
        ),
        [value("min by (job) (up)", "{{job}}", "A")],
        say,
    )


def telegram(say: Language) -> Json:
    """Return whether Telegram answers, both ways."""
    return _tiles(
        say("To and from Telegram", "Ke dan dari Telegram"),
        say(
            "Messages: whether the bridge's last one went through. Commands: whether it fetches them; without a token "
            "neither is known.",
            "Pesan: apakah yang terakhir dari bridge terkirim. Perintah: apakah bisa diambil; tanpa token keduanya "
            "tidak diketahui.",
        ),
        [
            value("min(alertbridge_telegram_up)", say("messages", "pesan"), "A"),
            value("max(alertbridge_telegram_polling_up)", say("commands", "perintah"), "B"),
            value(
                "2 * max(alertbridge_build_info) unless on () alertbridge_telegram_up "
                "unless on () alertbridge_telegram_polling_up",
                "Telegram",
                "C",
            ),
        ],
        say,
        more=mapping({"2": (say("no token, or not asked yet", "tanpa token, atau belum ditanya"), GREY)}),
    )


def _tiles(title: str, description: str, targets: list[Json], say: Language, *, more: list[Json] | None = None) -> Json:
    """Return tiles of what answers or not."""
    lost = say("SILENT", "DIAM")
    return stat(
        title,
        description,
        targets,
        mappings=[*good_or_bad("OK", lost), *(more or []), missing(say("NO DATA", "TIDAK ADA DATA"))],
        thresholds=thresholds(GREY),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 20, "titleSize": 11},
        no_value=say("NO DATA", "TIDAK ADA DATA"),
    )


def sight(say: Language) -> Json:
    """Return whether the monitor can see."""
    isolated = mapping({"0": (say("can see", "bisa melihat"), GREEN), "1": (say("ISOLATED", "TERISOLASI"), RED)})
    impaired = mapping({"0": (say("sound", "sehat"), GREEN), "1": (say("IMPAIRED", "TERGANGGU"), RED)})
    return stat(
        say("Sight", "Penglihatan"),
        say(
            "Isolated: no uplink answers. Impaired: the engine is late, stuck or losing packets. In both cases states "
            "are UNKNOWN.",
            "Terisolasi: tidak ada uplink yang menjawab. Terganggu: mesin terlambat, macet atau kehilangan paket. "
            "Keduanya membuat status UNKNOWN.",
        ),
        [
            value("max(vpn_monitor_isolated)", say("our line", "jalur kita"), "A"),
            value("max(vpn_monitor_impaired)", say("engine", "mesin"), "B"),
        ],
        overrides=[
            override("byFrameRefID", "A", mappings=isolated),
            override("byFrameRefID", "B", mappings=impaired),
        ],
        thresholds=thresholds(GREY),
        no_value=say("No data", "Tidak ada data"),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 18, "titleSize": 13},
    )


def files(say: Language) -> Json:
    """Return whether the targets file is in force and the disk takes what is to be kept."""
    reload = mapping({"1": (say("accepted", "diterima"), GREEN), "0": (say("REFUSED", "DITOLAK"), RED)})
    held = mapping({"0": (say("none", "tidak ada"), GREEN), "1": (say("HELD", "DITAHAN"), YELLOW)})
    disk = mapping({"0": (say("is written", "tertulis"), GREEN), "1": (say("FAILS", "GAGAL"), RED)})
    return stat(
        say("Configuration and disk", "Konfigurasi dan disk"),
        say(
            "A mass removal by file change is held until it is confirmed. Disk: outages and states are saved.",
            "Penghapusan besar lewat perubahan berkas ditahan sampai dikonfirmasi. Disk: gangguan dan status "
            "tersimpan.",
        ),
        [
            value("min(vpn_config_last_reload_successful)", say("targets.yml", "targets.yml"), "A"),
            value("max(vpn_config_removal_held) > bool 0", say("removal", "penghapusan"), "B"),
            value("sum(increase(vpn_storage_errors_total[2m])) > bool 0", say("disk", "disk"), "C"),
        ],
        overrides=[
            override("byFrameRefID", "A", mappings=reload),
            override("byFrameRefID", "B", mappings=held),
            override("byFrameRefID", "C", mappings=disk),
        ],
        thresholds=thresholds(GREY),
        no_value=say("No data", "Tidak ada data"),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 18, "titleSize": 13},
    )


def uplinks(say: Language) -> Json:
    """Return the witnesses, and where tunnel facts are read."""
    stale = say("STALE", "BASI")
    return stat(
        say("Uplinks, tunnel facts", "Uplink, data terowongan"),
        say(
            "Uplinks: addresses that answer while our own line works; none listed when `uplinks:` in targets.yml is "
            "empty. Sources: where the VPN's own word on its tunnels is read; STALE: unreadable or too old.",
            "Uplink: alamat yang menjawab selama jalur kita bekerja; kosong bila `uplinks:` di targets.yml belum diisi."
            " Sumber: tempat keterangan VPN tentang terowongannya dibaca; BASI: tak terbaca atau terlalu lama.",
        ),
        [
            value("max by (uplink) (vpn_uplink_up)", "{{uplink}}", "A"),
            value("min by (source) (vpn_tunnel_source_up)", "{{source}}", "B"),
            value(
                "0 * max(vpn_monitor_isolated) unless on () vpn_uplink_up unless on () vpn_tunnel_source_up",
                say("uplinks, sources", "uplink, sumber"),
                "C",
            ),
        ],
        mappings=good_or_bad("UP", "DOWN"),
        overrides=[
            override("byFrameRefID", "B", mappings=good_or_bad("OK", stale)),
            override("byFrameRefID", "C", mappings=mapping({"0": (say("none configured", "belum diatur"), GREY)})),
        ],
        thresholds=thresholds(GREY),
        no_value=say("No data", "Tidak ada data"),
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 22, "titleSize": 13},
    )


def certificates(say: Language) -> Json:
    """Return how long the certificates of our own servers are good; one without TLS says so instead of "No data"."""
    ends = (
        "min by (job) (vpn_web_certificate_expiry_timestamp_seconds "
        "or alertbridge_web_certificate_expiry_timestamp_seconds)"
    )
    plain = f'0 * max by (job) (up{{job=~"vpn-exporter|alertbridge",part!="state"}} == 1) unless on (job) ({ends})'
    return stat(
        say("Certificates: days left", "Sertifikat: sisa hari"),
        say(
            "Until the certificate ends that exporter and bridge show on their own ports, intermediates included; "
            "yellow from 21 days, red from 7. Caddy in front renews its own.",
            "Sampai sertifikat exporter dan bridge pada port masing-masing berakhir, termasuk perantaranya; kuning "
            "mulai 21 hari, merah mulai 7. Caddy di depan memperbarui miliknya sendiri.",
        ),
        [value(f"({ends} - time()) / 86400", "{{job}}", "A"), value(plain, "{{job}}", "B")],
        decimals=0,
        no_value=say("No data", "Tidak ada data"),
        # What is not known has the colour of the first step.
        thresholds=thresholds(GREY, (_LONG_OVER, RED), (7, YELLOW), (21, GREEN)),
        overrides=[override("byFrameRefID", "B", mappings=mapping({"0": (say("no TLS", "tanpa TLS"), GREY)}))],
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 22, "titleSize": 13},
    )
