"""Targets (alat): every device with its state and numbers, worst first, to filter and to search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.build import columns
from grafana.build.freshness import data_age
from grafana.build.navigation import TARGETS, target_link
from grafana.build.page import Canvas, choose_kind, choose_region, choose_state, dashboard, search_box
from grafana.build.palette import FAINT, State, counting, state_word, thresholds
from grafana.build.panels import Json, override, stat
from grafana.build.promql import IN_REGION, code, count_in_state, info, per_target, since_millis, table, value
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language

WORDS: Final = "name, kind, address, gateway"
MATCHING: Final = f'{IN_REGION},kind=~"$kind",name=~"(?i).*$search.*"'
CHOSEN_STATE: Final = f"{code()} $state"


def build(say: Language) -> Json:
    """Return the dashboard."""
    canvas = Canvas()
    canvas.place(_counts(say), x=0, y=0, w=20, h=4)
    canvas.place(data_age(say), x=20, y=0, w=4, h=4)
    canvas.place(_targets(say), x=0, y=4, w=24, h=16)
    return dashboard(
        TARGETS,
        say,
        canvas,
        variables=[choose_region(say), choose_state(say), choose_kind(say), search_box(say)],
        description=say(
            "Every target with state, round trip, jitter, loss and hub; worst first.",
            "Semua alat dengan status, waktu tempuh, jitter, loss dan hub; terburuk di atas.",
        ),
    )


def _counts(say: Language) -> Json:
    """Return the targets of the chosen regions by state; not narrowed further, so that it stays cheap."""
    targets, overrides = [], []
    for ref, state in zip("ABCD", (State.UP, State.LOW, State.DOWN, State.UNKNOWN), strict=True):
        targets.append(value(count_in_state(state), state_word(state, say), ref))
        overrides.append(override("byFrameRefID", ref, thresholds=counting(state)))
    return stat(
        say("Targets of the chosen regions by state", "Alat di wilayah terpilih menurut status"),
        say(
            "All targets of the chosen regions, whatever else is chosen. Without data there is no number, not even 0.",
            "Semua alat di wilayah terpilih, apa pun pilihan lainnya. Tanpa data tidak ada angka, juga bukan 0.",
        ),
        targets,
        no_value=say("No data", "Tidak ada data"),
        overrides=overrides,
        orientation="vertical",
        text="value_and_name",
        size={"valueSize": 30, "titleSize": 12},
        thresholds=thresholds(FAINT),
    )


def _targets(say: Language) -> Json:
    """Return the table."""
    numbers = {
        "B": since_millis(),
        "C": per_target("vpn_target_rtt_seconds"),
        "D": per_target("vpn_target_jitter_seconds"),
        "E": per_target("vpn_target_loss_ratio"),
    }
    # Kind and name are matched once, in A: regular expressions over thousands of names five times would be slow.
    # Rows that A does not have are left out by the table.
    queries = [table(f"({CHOSEN_STATE}) {info(WORDS, MATCHING)}", "A")]
    queries += [table(f"{expr} and on (region, target) ({CHOSEN_STATE})", ref) for ref, expr in numbers.items()]
    chosen = {"fieldName": "Value #A", "config": {"id": "isNotNull", "options": {}}}
    only_chosen = {"id": "filterByValue", "options": {"filters": [chosen], "type": "include", "match": "all"}}
    return table_panel(
        say("Targets", "Alat"),
        say(
            "One row per target. RTT is the median of the last 20 replies, jitter the median difference of "
            "neighbours, loss "
            "the share of the last 60 probes without an answer. A dash means: not known.",
            "Satu baris per alat. RTT: median 20 jawaban terakhir; jitter: median selisih berurutan; loss: "
            "bagian dari 60 "
            "ping terakhir tanpa jawaban. Tanda hubung berarti tidak diketahui.",
        ),
        queries,
        [
            columns.state("Value #A", say),
            columns.name(say, width=208),
            columns.region(say, width=75),
            columns.since("Value #B", say),
            columns.seconds("Value #C", "RTT", width=85),
            columns.ratio("Value #E", "Loss", width=70),
            columns.seconds("Value #D", "Jitter", width=85),
            columns.plain("target", say("Id", "Id"), links=[target_link(say)]),
            columns.plain("kind", say("Kind", "Jenis"), width=105),
            columns.plain("address", say("Address", "Alamat")),
            columns.plain("gateway", "Hub", width=100),
        ],
        empty=say(
            "No target fits; or there is no data: its age stands above",
            "Tidak ada alat yang cocok; atau tidak ada data: umurnya tertulis di atas",
        ),
        sort=(say("State", "Status"), False),
        transformations=[only_chosen],
    )
