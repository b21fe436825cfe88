"""The country: which sites there are and how each behaves at any moment. Values and arithmetic only.

38 provinces, about 115 sites. Every site is a TCP or HTTP listener on its own loopback address, so that the demo needs
neither root nor ICMP. The play repeats every `CYCLE_SECONDS`; a few sites have a fixed trouble, so that whoever looks
at any moment sees every state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from exporter.inventory.provinces import Province, provinces

CYCLE_SECONDS: Final = 600.0
TCP_PORT: Final = 7000
HTTP_PORT: Final = 7080


class Behaviour(Enum):
    """How a site answers."""

    OPEN = auto()  # at once
    CLOSED = auto()  # the connection is refused
    SILENT = auto()  # accepts and never answers (HTTP only)
    SLOW = auto()  # answers after SLOW_SECONDS (HTTP only)
    LOSSY = auto()  # every fourth answer is a 503 (HTTP only)


SLOW_SECONDS: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One simulated device."""

    id: str
    name: str
    region: str
    kind: str  # router, toll-gate, parking, ticket-gate
    address: str  # 127.77.province.number; a name for the one that never resolves
    http: bool
    latitude: float
    longitude: float
    gateway: str | None  # the hub's id
    provider: str

    @property
    def probe(self) -> str:
        """The `probe` value of targets.yml."""
        return f"http://{self.id}.demo.invalid:{HTTP_PORT}/health" if self.http else f"tcp:{TCP_PORT}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return HTTP_PORT if self.http else TCP_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Something that happens to some sites in every cycle: from `start` for `length` seconds."""

    sites: tuple[str, ...]  # ids; a trailing * stands for all that begin so
    behaviour: Behaviour
    start: float = 0.0
    length: float = CYCLE_SECONDS
    every: float = CYCLE_SECONDS  # a shorter period makes a site flap

    def covers(self, site_id: str) -> bool:
        """Tell whether the episode is about this site."""
        return any(site_id == name or (name.endswith("*") and site_id.startswith(name[:-1])) for name in self.sites)

    def is_on(self, seconds: float) -> bool:
        """Tell whether it happens at this moment, in seconds since the start of the play."""
        return (seconds - self.start) % self.every < self.length and seconds >= self.start


EPISODES: Final[tuple[Episode, ...]] = (
    # Always there, so that every state can be seen at any time.
    Episode(sites=("ntt-tiket",), behaviour=Behaviour.SLOW),
    Episode(sites=("pps-gerbang",), behaviour=Behaviour.CLOSED),
    Episode(sites=("sul-parkir",), behaviour=Behaviour.CLOSED, start=10, length=25, every=75),
    # The play.
    Episode(sites=("jbr-gerbang",), behaviour=Behaviour.CLOSED, start=20, length=60),
    Episode(sites=("jtg-tiket",), behaviour=Behaviour.LOSSY, start=60, length=150),
    Episode(sites=("jtm-*",), behaviour=Behaviour.CLOSED, start=120, length=90),
    Episode(sites=("bal-*",), behaviour=Behaviour.CLOSED, start=260, length=80),
    Episode(sites=("jkt-tiket",), behaviour=Behaviour.SILENT, start=380, length=60),
    Episode(sites=("sut-tiket",), behaviour=Behaviour.SLOW, start=430, length=100),
    Episode(sites=("kti-*",), behaviour=Behaviour.CLOSED, start=480, length=60),
)

# The original application's short region ids, made by hand; the order is that of the provinces file.
REGION_IDS: Final = (
    *("ACE", "SUT", "SUB", "RIA", "KEP", "JAM", "SUS", "BAB", "BEN", "LAM", "JKT", "JBR", "BTN", "JTG", "DIY", "JTM"),
    *("BAL", "NTB", "NTT", "KBR", "KTG", "KSL", "KTI", "KUT", "SUL", "GOR", "STG", "SBR", "SSL", "STR", "MAL", "MUT"),
    *("PBR", "PBD", "PAP", "PTG", "PPG", "PPS"),
)

_HUBS: Final = frozenset({"SUT", "JKT", "JBR", "JTG", "JTM", "KTI", "SSL"})
_KINDS: Final[tuple[tuple[str, str, str, bool], ...]] = (
    ("gerbang", "GT {capital}", "toll-gate", False),
    ("parkir", "Parkir Alun-Alun {capital}", "parking", False),
    ("tiket", "Tiket Wisata {capital}", "ticket-gate", True),
)
_PROVIDERS: Final = ("Telkom", "Indosat", "XL")
_OFFSETS: Final = ((0.0, 0.0), (-0.31, 0.42), (0.38, -0.27), (-0.36, -0.33))  # degrees around the capital
UNRESOLVED: Final = "belum-terpasang.demo.invalid"


def regions() -> tuple[tuple[str, Province], ...]:
    """Return (region id, province) in the order of the provinces file."""
    return tuple(zip(REGION_IDS, provinces(), strict=True))


def sites() -> tuple[Site, ...]:
    """Return every site of the country, hubs first within their region."""
    found: list[Site] = []
    for number, (region, province) in enumerate(regions(), start=1):
        prefix = region.lower()
        hub = f"{prefix}-hub" if region in _HUBS else None
        if hub:
            found.append(_site(region, province, 1, number, (hub, "Hub {capital}", "router", False), None))
        for place, (word, name, device, http) in enumerate(_KINDS, start=2):
            found.append(_site(region, province, place, number, (f"{prefix}-{word}", name, device, http), hub))
        if region == "MAL":
            kind = ("mal-natsepa", "Tiket Pantai Natsepa (belum terpasang)", "ticket-gate", False)
            unfinished = _site(region, province, 9, number, kind, None)
            found.append(replace(unfinished, address=UNRESOLVED))
    return tuple(found)


def _site(
    region: str, province: Province, place: int, number: int, kind: tuple[str, str, str, bool], gateway: str | None
) -> Site:
    """Make one site; `kind` is (id, name pattern, kind of device, whether it speaks HTTP)."""
    site_id, name, word, http = kind
    offset = _OFFSETS[(place - 1) % len(_OFFSETS)]
    return Site(
        id=site_id,
        name=name.format(capital=province.capital),
        region=region,
        kind=word,
        address=f"127.77.{number}.{place}",
        http=http,
        latitude=round(province.latitude + offset[0], 4),
        longitude=round(province.longitude + offset[1], 4),
        gateway=gateway,
        provider=_PROVIDERS[number % len(_PROVIDERS)],
    )


def behaviour_at(site_id: str, seconds: float) -> Behaviour:
    """Return how a site behaves at a moment of the play; the first episode that applies wins."""
    for episode in EPISODES:
        if episode.covers(site_id) and episode.is_on(seconds):
            return episode.behaviour
    return Behaviour.OPEN
