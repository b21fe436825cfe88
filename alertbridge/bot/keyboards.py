"""Which buttons stand under a message about incidents (pure)."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from alertbridge.bot.callbacks import Kind, Signer
from alertbridge.sending import Button

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alertbridge.incidents import Incident
    from alertbridge.sending import Buttons
    from alertbridge.settings import Settings
    from alertbridge.store.rows import Row
    from alertbridge.texts import Texts

ALL = "all"  # in the place of an incident's id: everything that the pressed message shows
_SILENCED = "silenced"


def signer_of(settings: Settings) -> Signer:
    """Return who signs buttons. The key follows from the token: no other secret to keep, and a pair shares it."""
    token = settings.token.reveal() if settings.token is not None else ""
    return Signer(hashlib.sha256(f"alertbridge buttons {token}".encode()).digest())


def incident_buttons(incident: Incident, texts: Texts, signer: Signer) -> Buttons:
    """Return the buttons of one incident: none once it is over, none for what is done already."""
    if incident.phase.closed:
        return ()
    hidden = bool(incident.firing) and all(record.suppressed == _SILENCED for record in incident.firing)
    hands = [_button("button.ack", Kind.ACK, incident.id, texts, signer)]
    if incident.acknowledged_by:
        hands = [
            _button("button.take_over", Kind.ACK, incident.id, texts, signer),
            _button("button.release", Kind.UNACK, incident.id, texts, signer),
        ]
    graph = []
    if _graphs_exist() and not incident.subject.startswith("alert:"):
        graph = [_button("button.graph", Kind.GRAPH, incident.id, texts, signer)]
    second = [_button("button.speak", Kind.SPEAK, incident.id, texts, signer)]
    if not hidden:
        second = [
            _button("button.silence", Kind.SILENCE, incident.id, texts, signer),
            _button("button.silence_back", Kind.SILENCE_BACK, incident.id, texts, signer),
        ]
    rows = (hands, graph, second) if incident.acknowledged_by else ([*hands, *graph], second)  # three are too narrow
    return tuple(tuple(row) for row in rows if row)


def digest_buttons(incidents: Iterable[Incident], texts: Texts, signer: Signer) -> Buttons:
    """Return the buttons of a digest: take all of it."""
    if all(incident.phase.closed or incident.acknowledged_by for incident in incidents):
        return ()
    return ((_button("button.ack_all", Kind.ACK, ALL, texts, signer),),)


def notice_buttons(row: Row, texts: Texts, signer: Signer) -> Buttons:
    """Return the button of a notice: one that prolongs the silence that it says will end."""
    if "until" not in row.values:
        return ()
    data = signer.pack(Kind.PROLONG, row.values["silence"], row.values["until"])
    return ((Button(text=texts.entries["button.prolong"], data=data),),) if data is not None else ()


def _button(key: str, kind: Kind, argument: int | str, texts: Texts, signer: Signer) -> Button:
    data = signer.pack(kind, argument)
    if data is None:  # an id has no 40 digits
        raise ValueError(f"callback data of {kind} is too long")
    return Button(text=texts.entries[key], data=data)


@cache
def _graphs_exist() -> bool:
    # Here and not above: commands may need what makes messages, and that needs this file.
    from alertbridge.bot.commands import BY_NAME  # noqa: PLC0415 - the reason stands above

    return "graph" in BY_NAME
