"""Target detail: one device; its state over time, round trip, jitter, loss, failures, cause and availability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build import columns
from grafana.build.freshness import ISOLATED, STALE, labelled
from grafana.build.navigation import TARGET
from grafana.build.page import Canvas, alert_marks, change_marks, choose_region, choose_target, dashboard
from grafana.build.palette import BLUE, GREEN, PURPLE, RED, YELLOW, missing, state_mappings, thresholds
from grafana.build.panels import Json, curves, one_colour, override, shades, stat, state_timeline
from grafana.build.promql import IN_TARGET, age, code, low_causes, low_rtt, per_target, series, table, value
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language

THIS: Final = IN_TARGET


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_state(say), x=0, y=0, w=5, h=4)
    canvas.place(_pace(say), x=5, y=0, w=11, h=4)
    canvas.place(_shares(say), x=16, y=0, w=8, h=4)
    canvas.place(_facts(say), x=0, y=4, w=16, h=4)
    canvas.place(_cause(say), x=16, y=4, w=8, h=4)
    canvas.place(_timeline(say), x=0, y=8, w=24, h=4)
    canvas.place(_rtt(say), x=0, y=12, w=12, h=8)
    canvas.place(_loss(say), x=12, y=12, w=12, h=8)
    canvas.place(_jitter(say), x=0, y=20, w=12, h=7)
    canvas.place(_failures(say), x=12, y=20, w=12, h=7)
    canvas.place(_tunnel(say), x=0, y=27, w=24, h=4)
    return dashboard(
        TARGET,
        say,
        canvas,
        variables=[choose_region(say), choose_target(say, several=False)],
        description=say(
            "One target in every number that is known of it.", "Satu alat dengan semua angka yang diketahui."
        ),
        annotations=[alert_marks(say), change_marks(say)],
    )


def _state(say: Language) -> Json:
    """Return the state as a word."""
    return stat(
        say("State", "Status"),
        say(
            "UP, LOW (it answers, but slowly or with losses), DOWN, or UNKNOWN (we cannot see).",
            "UP (baik), LOW (lemah), DOWN (terputus), atau UNKNOWN (tidak diketahui).",
        ),
        [value(code(THIS), say("state", "status"))],
        text="value",
        mappings=[*state_mappings(), missing(say("NO DATA", "TIDAK ADA DATA"))],
        no_value=say("NO DATA", "TIDAK ADA DATA"),
    )


def _pace(say: Language) -> Json:
    """Return how long, how fast, how evenly: one panel, so that a phone shows all three in a row."""
    names = {"A": say("in this state", "pada status ini"), "B": "RTT", "C": "jitter"}
    exprs = {
        "A": age(THIS),
        "B": per_target("vpn_target_rtt_seconds", THIS),
        "C": per_target("vpn_target_jitter_seconds", THIS),
    }
    return stat(
        say("For how long, and how fast", "Sejak kapan, dan seberapa cepat"),
        say(
            "How long it has been in this state; RTT: median of the last 20 replies; jitter: median difference of "
            "neighbouring replies. A dash when there were none.",
            "Lama pada status ini; RTT: median 20 jawaban terakhir; jitter: median selisih jawaban berurutan. Tanda "
            "hubung bila tidak ada.",
        ),
        [value(expr, names[ref], ref) for ref, expr in exprs.items()],
        unit="s",
        no_value=say("No data", "Tidak ada data"),
        background=False,
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 20, "titleSize": 12},
        color=one_colour(BLUE),
        overrides=[
            override("byFrameRefID", "A", decimals=0),
            override("byFrameRefID", "B", decimals=1),
            override("byFrameRefID", "C", decimals=1),
        ],
    )


def _shares(say: Language) -> Json:
    """Return the loss now and the availability over the chosen range, from the state at every half minute."""
    states = f"max by (region, target) (vpn_target_state_code{{{THIS}}})"
    # 1 - down / known: bool comparisons keep their series, so no state drops out of the sum.
    available = (
        f"1 - sum_over_time(({states} == bool 0)[$__range:30s]) "
        f"/ (sum_over_time(({states} != bool 3)[$__range:30s]) > 0)"
    )
    return stat(
        say("Loss, and availability", "Loss, dan ketersediaan"),
        say(
            "Loss: share of the last 60 probes without an answer. Availability, of the chosen time range: time up or "
            "low over time up, low or down; unknown is left out; sampled every 30 s.",
            "Loss: bagian dari 60 ping terakhir tanpa jawaban. Ketersediaan, pada rentang waktu terpilih: waktu baik "
            "atau lemah dibagi waktu baik, lemah atau terputus; tanpa tidak diketahui.",
        ),
        [
            value(per_target("vpn_target_loss_ratio", THIS), "loss", "A"),
            value(available, say("availability", "ketersediaan"), "B"),
        ],
        unit="percentunit",
        background=False,
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 20, "titleSize": 12},
        overrides=[
            override("byFrameRefID", "A", decimals=0, thresholds=thresholds(GREEN, (0.05, YELLOW), (0.1, RED))),
            override("byFrameRefID", "B", decimals=2, thresholds=thresholds(RED, (0.99, YELLOW), (0.999, GREEN))),
        ],
    )


def _facts(say: Language) -> Json:
    """Return what targets.yml says of it."""
    labels = "name, target, address, probe, kind, profile, gateway"
    return table_panel(
        say("What it is", "Data alat"),
        say("As written in targets.yml.", "Seperti tertulis di targets.yml."),
        [table(f"max by ({labels}) (vpn_target_info{{{THIS}}})")],
        [
            columns.plain("name", say("Name", "Nama"), min_width=165, wrap=True),
            columns.plain("target", "Id", min_width=110),
            columns.plain("address", say("Address", "Alamat"), min_width=110),
            columns.plain("probe", say("Probe", "Ping"), min_width=80, wrap=True),
            columns.plain("kind", say("Kind", "Jenis"), width=100),
            columns.plain("profile", say("Profile", "Profil"), width=75),
            columns.plain("gateway", "Hub", width=90),
        ],
        empty=say("No such target, or no data now", "Tidak ada alat itu, atau tidak ada data saat ini"),
        paged=False,
        dropped=("Value",),
    )


def _cause(say: Language) -> Json:
    """Return why it is down, and what of its own is near."""
    yes = say("yes", "ya")
    cause = f"max by (region, target, cause, culprit) (vpn_target_cause{{{THIS}}})"
    unseen = labelled(f"({code(THIS)} == 3) and on () {ISOLATED}", cause="uplink")
    silent = labelled(STALE, cause="exporter", culprit=say("no data", "tanpa data"))
    return table_panel(
        say("Cause and what is near", "Penyebab dan yang akan terjadi"),
        say(
            "In outage or cut off: the cause and the culprit; LOW: what stands out. While a change of state is near: "
            "to which state, and how many probes are still missing. Flapping: falls again and again, so short falls "
            "are no outages.",
            "Terputus atau terisolasi: penyebab dan sumbernya; LOW: yang menonjol. Saat perubahan status dekat: ke "
            "status mana dan kurang berapa ping. Naik-turun: berulang kali terputus, sehingga putus singkat bukan "
            "gangguan.",
        ),
        [
            table(f"{cause} or on (region, target) {low_causes(THIS)} or {unseen} or {silent}", "A"),
            table(f"max by (region, target, state) (vpn_target_pending{{{THIS}}})", "B"),
            table(f"{per_target('vpn_target_cut_off', THIS)} > 0", "C"),
            table(f'label_replace({per_target("vpn_target_flapping", THIS)}, "flapping", "{yes}", "", "")', "D"),
        ],
        [
            columns.cause(say, width=None),
            columns.plain("culprit", say("Culprit", "Sumber")),
            columns.plain("state", say("Near", "Menuju"), width=70),
            columns.count("Value #B", say("Probes", "Ping"), width=70),
            columns.count("Value #C", say("Cuts off", "Isolasi"), width=75),
            columns.plain("flapping", say("Flapping", "Naik-turun"), width=90),
        ],
        empty=say("No cause, and nothing is near", "Tidak ada penyebab, dan tidak ada yang dekat"),
        paged=False,
        dropped=("Value #A", "Value #D", "Value", "region", "target"),
    )


def _timeline(say: Language) -> Json:
    """Return the state over time."""
    return state_timeline(
        say("State over time", "Status dari waktu ke waktu"),
        say("Gaps are times without data.", "Bagian kosong adalah waktu tanpa data."),
        [series(code(THIS), "{{target}}")],
        state_mappings(),
    )


def _rtt(say: Language) -> Json:
    """Return the round trip over time."""
    return curves(
        say("Round trip and its low limit", "Waktu tempuh dan batas LOW"),
        say(
            "The newest probe, and the median of the last 20 replies: at the dashed limit it is LOW. No reply: a gap.",
            "Ping terbaru, dan median 20 jawaban terakhir: pada garis batas statusnya LOW. Tanpa jawaban: kosong.",
        ),
        [
            series(per_target("vpn_target_last_rtt_seconds", THIS), say("newest", "terbaru"), "A"),
            series(per_target("vpn_target_rtt_seconds", THIS), say("median", "median"), "B"),
            series(low_rtt(THIS), say("low limit", "batas LOW"), "C"),
        ],
        unit="s",
        no_value=say("No reply in this time range", "Tidak ada jawaban dalam rentang waktu ini"),
        overrides=[
            override("byFrameRefID", "A", color=one_colour(BLUE), custom_fillOpacity=0),
            override("byFrameRefID", "B", color=one_colour(PURPLE), custom_lineWidth=2),
            override(
                "byFrameRefID",
                "C",
                color=one_colour(YELLOW),
                custom_fillOpacity=0,
                custom_lineStyle={"fill": "dash", "dash": [8, 6]},
            ),
        ],
    )


def _loss(say: Language) -> Json:
    """Return the loss over time."""
    return curves(
        "Loss",
        say("Share of the last 60 probes without an answer.", "Bagian dari 60 ping terakhir tanpa jawaban."),
        [series(per_target("vpn_target_loss_ratio", THIS), "loss")],
        unit="percentunit",
        colour=one_colour(RED),
        legend=False,
        fill=25,
        max=1,
        min=0,
    )


def _jitter(say: Language) -> Json:
    """Return the jitter over time."""
    return curves(
        "Jitter",
        say("Median difference of neighbouring replies.", "Median selisih jawaban berurutan."),
        [series(per_target("vpn_target_jitter_seconds", THIS), "jitter")],
        unit="s",
        no_value=say("No reply in this time range", "Tidak ada jawaban dalam rentang waktu ini"),
        colour=one_colour(BLUE),
        legend=False,
    )


def _failures(say: Language) -> Json:
    """Return failed probes by reason."""
    expr = f"sum by (reason) (rate(vpn_target_probe_failures_total{{{THIS}}}[$__rate_interval])) * 60"
    return curves(
        say("Failed probes per minute, by reason", "Ping gagal per menit, menurut alasan"),
        say(
            "Counted when a probe ends; timeout is silence.",
            "Dihitung saat ping berakhir; timeout berarti tanpa jawaban.",
        ),
        [series(expr, "{{reason}}")],
        unit="none",
        no_value=say("No probe failed in this time range", "Tidak ada ping gagal dalam rentang waktu ini"),
        bars=True,
        stacked=True,
        colour=shades(RED),
    )


def _tunnel(say: Language) -> Json:
    """Return what the VPN itself says."""
    return table_panel(
        say("VPN tunnel", "Terowongan VPN"),
        say(
            "What the VPN server says of this target's tunnel, where `tunnel:` is set in targets.yml.",
            "Keterangan server VPN tentang terowongan alat ini, bila `tunnel:` diisi di targets.yml.",
        ),
        [
            table(f"max by (region, target, kind, peer, endpoint) (vpn_tunnel_info{{{THIS}}})", "A"),
            table(per_target("vpn_tunnel_up", THIS), "B"),
            table(f"{per_target('vpn_tunnel_handshake_timestamp_seconds', THIS)} * 1000", "C"),
            table(f"sum by (region, target) (rate(vpn_tunnel_received_bytes_total{{{THIS}}}[5m]))", "D"),
            table(f"sum by (region, target) (rate(vpn_tunnel_sent_bytes_total{{{THIS}}}[5m]))", "E"),
        ],
        [
            columns.yes_or_no("Value #B", say("Tunnel", "Terowongan"), good="UP", bad="DOWN"),
            columns.plain("kind", say("Kind", "Jenis")),
            columns.plain("peer", say("Peer", "Rekan")),
            columns.plain("endpoint", say("Endpoint", "Titik akhir")),
            columns.since("Value #C", say),
            columns.rate("Value #D", say("Received", "Diterima")),
            columns.rate("Value #E", say("Sent", "Dikirim")),
        ],
        empty=say("Nothing is known of a tunnel of this target", "Tidak ada keterangan terowongan untuk alat ini"),
        paged=False,
        dropped=("Value #A", "region", "target"),
    )
