"""Which pictures are still owed: noted together with the message they reply to, so that a restart forgets none.

A picture is no alert: it waits behind all alerts, and is given up when it would come too late to be of use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alertbridge.incidents import Incident
    from alertbridge.store.queries import Queries
    from alertbridge.store.rows import Shown

USEFUL_FOR = timedelta(minutes=10)  # later the map shows another moment than the message
_KEY = "picture:"  # store key: by our id of the message, since when it is owed
_REGION_ALERT = "VPNRegionDown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One picture that is still to be sent."""

    message: Shown  # that it replies to
    region: str


def wanted(incident: Incident) -> bool:
    """Tell whether a new message of an incident gets a picture: a region's gets its map."""
    main = incident.main
    fits = main is not None and main.name == _REGION_ALERT and bool(incident.label("region"))
    return fits and not incident.phase.closed


def note(queries: Queries, message: int, *, now: datetime) -> None:
    """Note that a message gets a picture."""
    queries.remember(f"{_KEY}{message}", str(now.timestamp()))


def settle(queries: Queries, message: int) -> None:
    """Forget it: it was sent, or never will be."""
    queries.forget(f"{_KEY}{message}")


def owed(queries: Queries, *, now: datetime) -> tuple[Owed, ...]:
    """Return what is owed, oldest first; forget what came too late, or whose message or incident is over."""
    found: list[Owed] = []
    noted = {int(key): float(value) for key, value in queries.remembered(_KEY).items()}
    messages = queries.messages(noted)
    for ident in sorted(noted):
        message = messages.get(ident)
        late = now - datetime.fromtimestamp(noted[ident], tz=UTC) > USEFUL_FOR
        open_ones = [i for i in queries.incidents(queries.members(ident)) if wanted(i)]
        if message is None or late or not open_ones:
            settle(queries, ident)
        else:
            found.append(Owed(message=message, region=open_ones[0].label("region")))
    return tuple(found)
