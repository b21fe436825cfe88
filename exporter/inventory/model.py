"""The inventory as frozen values: Region, Profile, Target, Uplink.

Values only: no reading, no checking (load.py does both). A number's name carries its unit; durations are float seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httpservice.mistakes import Mistake


class ProbeKind(StrEnum):
    """How a target is asked; the value is the `probe` label of `vpn_engine_targets`."""

    ICMP = "icmp"
    TCP = "tcp"
    HTTP = "http"


class Role(StrEnum):
    """A target's place in the gateway tree; the value is the `role` label of `vpn_target_info`."""

    HUB = "hub"  # some target names it as its gateway
    SITE = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """What is sent. `text` is the value as written in targets.yml and the `probe` label of `vpn_target_info`."""

    kind: ProbeKind
    text: str = "icmp"
    port: int | None = None  # tcp and http; None for icmp
    url: str | None = None  # http only: SNI, Host and path come from it; the connection goes to the target's address
    expect_status: frozenset[int] | None = None  # http only; None: any 2xx or 3xx


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is normal on a kind of link. The defaults are the built-in profile `fiber`."""

    name: str = "fiber"
    interval_seconds: float = 1.0
    timeout_seconds: float = 1.0
    low_rtt_seconds: float = 0.150
    low_jitter_seconds: float = 0.050
    low_loss_ratio: float = 0.10  # 0-1
    down_after_seconds: float = 3.0  # the send times of a streak must span this
    down_after_probes: int = 12  # judged failures, confirmation probes included
    up_after_probes: int = 3  # consecutive replies that end `down`
    payload_bytes: int = 24  # ICMP payload
    dscp: int = 0  # 0-63
    source: str | None = None  # local address to send from; None: the kernel's choice


BUILT_IN_PROFILES: tuple[Profile, ...] = (
    Profile(),
    Profile(
        name="lte",
        interval_seconds=5.0,
        timeout_seconds=2.0,
        low_rtt_seconds=0.400,
        low_jitter_seconds=0.150,
        low_loss_ratio=0.15,
    ),
    Profile(
        name="vsat",
        interval_seconds=2.0,
        timeout_seconds=3.0,
        low_rtt_seconds=0.900,
        low_jitter_seconds=0.150,
        low_loss_ratio=0.15,
    ),
)

CONNECT_INTERVAL_SECONDS = 10.0  # TCP and HTTP targets that name neither profile nor interval
CONNECT_DOWN_AFTER_PROBES = 3  # TCP and HTTP targets that name neither profile nor down_after_probes


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A wilayah. `id` is made by hand and unique."""

    id: str
    name: str
    latitude: float | None = None  # degrees, WGS 84; None: not drawn on the map
    longitude: float | None = None
    timezone: str = "Asia/Jakarta"  # Asia/Jakarta (WIB), Asia/Makassar (WITA) or Asia/Jayapura (WIT)
    hours: str | None = None  # "06:00-18:00", local time; None: around the clock
    line: int = 0  # in targets.yml, from 1; 0: not from a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An alat. `settings` is its profile with the target's own keys laid over it."""

    id: str
    name: str
    region: str  # Region.id
    address: str  # IP literal or host name, as written
    probe: ProbeSpec
    settings: Profile
    kind: str = ""  # free word: router, toll-gate, parking, ...
    gateway: str | None = None  # Target.id of the parent hub; None: a root
    role: Role = Role.SITE
    latitude: float | None = None
    longitude: float | None = None
    provider: str | None = None
    model: str | None = None
    hours: str | None = None
    tunnel: str | None = None  # openvpn:NAME, wireguard:PUBLICKEY, mikrotik:NAME
    source: str | None = None  # written by regenerate: which source row this entry comes from
    missing_since: str | None = None  # written by regenerate: ISO date on which the source stopped naming it
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """An address that answers while our own line works; probed by ICMP every 500 ms, never judged as a target."""

    address: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """A whole, valid targets.yml. Order of regions and targets is the file's."""

    regions: tuple[Region, ...] = ()
    targets: tuple[Target, ...] = ()
    uplinks: tuple[Uplink, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)  # built-in ones included
    sources: tuple[Mapping[str, str], ...] = ()  # as written, for regenerate and the tunnel facts
    region_rules: tuple[Mapping[str, str], ...] = ()  # as written, for regenerate
    maintenance: tuple[Mapping[str, str], ...] = ()  # as written
    warnings: tuple[Mistake, ...] = ()
