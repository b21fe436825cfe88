"""The journal's outages of a span, summed up: how many, how long, and what took the most (pure).

Each outage counts with its part inside the span. What fell because a hub or a region did is that one's: a hub that cuts
off forty sites is one outage that cost forty sites' time, not forty outages.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from alertbridge.facts import moment
from alertbridge.markup import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

WORST: Final = 5
_NAME_CHARS = 80
_REGION = "region"  # the cause of what a fallen region cuts off


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What one site, hub or region took from a span; a hub's includes all that was cut off behind it."""

    name: str  # of a region: its id
    count: int  # times it fell
    seconds: float  # how long it was down itself
    behind: int = 0  # sites that it cut off
    is_region: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outages:
    """What the journal says of one span."""

    count: int  # a hub or region that fell counts once
    cut_off: int  # sites that were cut off by others
    lost_seconds: float  # of all sites together
    longest_seconds: float
    worst: tuple[Trouble, ...]  # most lost first, by what it cost all sites together


@dataclass(slots=True)
class _Sum:
    """What one root has cost so far, by site."""

    own: list[float] = field(default_factory=list)  # seconds of each time it fell itself
    others: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def total_seconds(self) -> float:
        """Of all sites together."""
        return sum(self.own) + sum(map(sum, self.others.values()))

    def trouble(self, name: str, *, is_region: bool) -> Trouble:
        """Return it as told; a root without outages of its own fell as often and as long as the worst behind it."""
        seconds = sum(self.own) or max(map(sum, self.others.values()), default=0.0)
        count = len(self.own) or max(map(len, self.others.values()), default=0)
        return Trouble(name=name, count=count, seconds=seconds, behind=len(self.others), is_region=is_region)


def summarise(items: Iterable[Mapping[str, Any]], *, start: datetime, end: datetime) -> Outages:
    """Return the outages of a span from items of /api/v1/outages, the newest first: a site has its newest name."""
    sums: dict[tuple[bool, str], _Sum] = defaultdict(_Sum)  # by root: whether it is a region, and its id
    names: dict[str, str] = {}
    longest = 0.0
    for item in items:
        begun, ended = moment(str(item.get("start") or "")), moment(str(item.get("end") or "")) or end
        if begun is None or begun >= end or ended <= start:
            continue
        seconds = (min(ended, end) - max(begun, start)).total_seconds()
        target = str(item.get("target") or item.get("name"))
        if target not in names:  # cutting a name costs more than all else here
            names[target] = one_line(str(item.get("name") or target), _NAME_CHARS)
        culprit, longest = str(item.get("culprit") or ""), max(longest, seconds)
        if culprit and culprit != target:
            sums[item.get("cause") == _REGION, culprit].others[target].append(seconds)
        else:
            sums[False, target].own.append(seconds)
    roots = sorted(sums.items(), key=lambda pair: (-pair[1].total_seconds, pair[0]))
    found = [
        one.trouble(key if is_region else names.get(key, key), is_region=is_region) for (is_region, key), one in roots
    ]
    return Outages(
        count=sum(trouble.count for trouble in found),
        cut_off=len({target for one in sums.values() for target in one.others}),
        lost_seconds=sum(one.total_seconds for one in sums.values()),
        longest_seconds=longest,
        worst=tuple(found[:WORST]),
    )
