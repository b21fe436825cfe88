"""VPN map, its table of current problems: what is wrong, where, why, since when; or why nothing can be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from grafana.build import columns
from grafana.build.freshness import (
    BLIND,
    IMPAIRED,
    ISOLATED,
    NEVER,
    STALE,
    STALE_SINCE,
    labelled,
    no_data_mapping,
)
from grafana.build.palette import NO_VALUE
from grafana.build.promql import (
    IN_REGION,
    age,
    code,
    info,
    low_causes,
    own_causes,
    per_target,
    region_code,
    region_info,
    since_millis,
    table,
)
from grafana.build.tables import table_panel

if TYPE_CHECKING:
    from grafana.build.language import Language
    from grafana.build.panels import Json

# What speaks for all has the labels of a target's row, else Grafana could not merge its cells into one.
_WHOLE: Final[dict[str, Any]] = {"region": NO_VALUE, "target": NO_VALUE}
_UNSEEN: Final = f"({code()} == 3) and on () {BLIND}"  # one row says so instead of thousands
_OWN: Final = (
    f"({code()} != 2) unless on (region, target) ({_UNSEEN}) unless on (region, target) "
    f"({per_target('vpn_target_cause')} unless on (region, target) ({per_target('vpn_target_outage')} == 1))"
)
# An outage goes on while nobody can see; the state that its row has is then UNKNOWN, and not DOWN.
_FALLEN: Final = f"(max by (region) (vpn_region_outage{{{IN_REGION}}}) == 1 and on (region) ({region_code()}) != 3)"
# Nothing says when a region fell; the last of its targets to fall made it fall, the last to become unknown blinded us.
_FELL: Final = f"max by (region) (vpn_target_state_timestamp_seconds{{{IN_REGION}}}) and on (region) {_FALLEN}"
_BLINDED: Final = f"max(vpn_target_state_timestamp_seconds and on (region, target) ({_UNSEEN}))"


def problems(say: Language) -> Json:
    """Return what is low, down or unknown by itself, worst first; the cut off are counted at their hub."""
    return table_panel(
        say("Current problems, worst first", "Masalah saat ini, terburuk di atas"),
        say(
            "Targets that are DOWN, LOW or UNKNOWN of their own, and regions that fell as a whole. What a fallen hub "
            "cuts off is counted beside it. Without data, or while nobody can see, one row says so.",
            "Alat DOWN, LOW atau UNKNOWN karena dirinya sendiri, dan wilayah yang terputus seluruhnya. Yang terisolasi "
            "oleh hub dihitung di baris hub itu. Tanpa data, atau saat tidak terlihat, satu baris menyebutnya.",
        ),
        [
            table(_states(say), "A"),
            table(_ages(), "B"),
            table(f"{per_target('vpn_target_cut_off')} > 0 and on (region, target) ({_OWN})", "C"),
            table(_causes(), "D"),
            table(_moments(), "E"),
        ],
        [
            columns.state("Value #A", say, width=96, more=no_data_mapping(say)),
            # In this order, because a phone shows the first four: what, where, since when and why.
            columns.name(say, min_width=112, wrap=True),
            columns.clock("Value #E", say("Since", "Sejak"), width=62),
            columns.cause(say, width=86),
            columns.region(say, width=74),
            columns.duration("Value #B", say("For", "Selama"), width=88),
            columns.count("Value #C", say("Cuts off", "Isolasi"), width=96),
            columns.hidden("Value #D"),
            columns.hidden("target"),
            columns.hidden("kind"),
        ],
        # True whenever the table is empty: without data it has a row.
        empty=say("No problem in the chosen regions", "Tidak ada masalah di wilayah terpilih"),
        sort=(say("State", "Status"), False),
        then=(say("Cuts off", "Isolasi"), True),
        paged=False,  # long names make Grafana's pages short: with thousands of targets, four rows and a void
    )


def _states(say: Language) -> str:
    """Return each row's state and name."""
    regions = f"(({region_code()}) and on (region) {_FALLEN}) {region_info('name')}"
    # A region in outage of its own cuts off all its targets: it needs a row, else nothing would be shown of it.
    named = f'label_replace({regions}, "name", "{say("Region", "Wilayah")} $1", "name", "(.*)")'
    none = f"0 * ({STALE} or {NEVER}) - 1"
    return " or ".join(
        (
            f"({_OWN}) {info('name, kind')}",
            named,
            labelled(none, name=say("No data since", "Tidak ada data sejak"), **_WHOLE),
            labelled(f"3 * {ISOLATED}", name=say("Our own line is cut", "Jalur kita sendiri putus"), **_WHOLE),
            labelled(
                f"3 * ({IMPAIRED} unless on () {ISOLATED})",
                name=say("The ping engine is impaired", "Mesin ping terganggu"),
                **_WHOLE,
            ),
        )
    )


def _ages() -> str:
    """Return how long each has lasted, in seconds."""
    blind = labelled(f"time() - ({_BLINDED})", **_WHOLE)
    return (
        f"({age()} and on (region, target) ({_OWN})) or (time() - ({_FELL})) or {labelled(STALE, **_WHOLE)} or {blind}"
    )


def _moments() -> str:
    """Return since when, in milliseconds since the epoch."""
    blind = labelled(f"({_BLINDED}) * 1000", **_WHOLE)
    return (
        f"({since_millis()} and on (region, target) ({_OWN})) or ({_FELL}) * 1000 "
        f"or {labelled(STALE_SINCE, **_WHOLE)} or {blind}"
    )


def _causes() -> str:
    """Return the judge's word for what fell, what is bad about a LOW line, and which of our own parts is silent."""
    silent = f'{STALE} and on () (max(up{{part="state"}}) == 0)'
    hangs = f'{STALE} and on () (max(up{{part="state"}}) == 1)'
    return " or on (region, target) ".join(
        (
            own_causes(),
            low_causes(),
            labelled(_FALLEN, cause="region"),
            labelled(silent, cause="exporter", **_WHOLE),
            labelled(hangs, cause="engine", **_WHOLE),
            labelled(ISOLATED, cause="uplink", **_WHOLE),
            labelled(IMPAIRED, cause="engine", **_WHOLE),
        )
    )
