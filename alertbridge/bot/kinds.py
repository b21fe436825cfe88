"""What a command is: the question as it was asked, the answer, the row of the command table. Leaves doing to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alertbridge.settings import JAKARTA, Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alertbridge.alertmanager import Alertmanager
    from alertbridge.bot.access import Asker
    from alertbridge.bot.callbacks import Signer
    from alertbridge.exporter import Exporter
    from alertbridge.metrics import Metrics
    from alertbridge.pictures import Pictures
    from alertbridge.sending import Buttons
    from alertbridge.settings import Settings
    from alertbridge.store import Transactions
    from alertbridge.texts import Texts


class WrongUsageError(Exception):
    """The arguments do not fit; the text is the answer, the buttons what may have been meant."""

    def __init__(self, text: str, *, buttons: Buttons = ()) -> None:
        self.buttons = buttons
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to a person."""

    text: str  # Telegram HTML; the caption where there is a picture
    buttons: Buttons = ()
    photo: bytes | None = None  # PNG
    result: str = ""  # of an action, for its record; empty: "ok"
    owed: int | None = None  # the update whose record keeps this answer until it is given; None: none does


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One command as it was asked, and what it needs to be answered."""

    name: str
    argument: str
    asker: Asker
    role: Role | None
    texts: Texts
    now: datetime
    exporter: Exporter
    store: Transactions
    metrics: Metrics
    alertmanager: Alertmanager
    settings: Settings
    signer: Signer
    chat_name: str = ""  # of the configured chat it was asked in; empty: a private one
    who: str = ""  # the asker's name: the configured one, else Telegram's
    reply_to: int | None = None  # the message that the command replies to
    update_id: int = 0  # of an action: the key of its record
    page: int = 0  # of a list, from 0
    pictures: Pictures | None = None  # who draws
    on_change: Callable[[], None] = lambda: None  # the outbox has new rows

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone of the chat it was asked in; Jakarta's in a private one."""
        chat = self.settings.chat(self.chat_name)
        return chat.timezone if chat is not None else JAKARTA


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A row of the table. A command without a role answers strangers too."""

    name: str
    answer: Callable[[Question], Awaitable[str | Answer]]
    role: Role | None = Role.VIEWER
    example: str = ""  # of its argument; empty: it takes none
    acts: bool = False  # recorded, once per update, never when stale
    paged: bool = False  # looks at `page`
