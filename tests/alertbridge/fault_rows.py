"""One row of the fault table: what was broken, what was sent, what arrived, how it was counted. Printed with `-s`."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.botapi.world import Message

_HEAD = f"{'fault':<58} {'sent':>4} {'came':>4} {'lost':>4} {'twice':>5}  counted as"
_shown: set[str] = set()


def compare(fault: str, sent: Iterable[str], messages: Iterable[Message], *, twice: int, counted: str) -> None:
    """Hold what arrived against what was sent, and print the row.

    Args:
        fault: what was broken.
        sent: the targets that were posted as DOWN.
        messages: what the chat shows.
        twice: how many are expected to be there more than once.
        counted: where the trouble is seen.
    """
    wanted = list(sent)
    came = arrived(wanted, messages)
    lost = [target for target in wanted if not came[target]]
    doubled = sum(count - 1 for count in came.values())
    if "head" not in _shown:
        _shown.add("head")
        sys.stdout.write(f"\n{_HEAD}")
    sys.stdout.write(f"\n{fault:<58} {len(wanted):>4} {sum(came.values()):>4} {len(lost):>4} {doubled:>5}  {counted} ")
    assert not lost, f"{fault}: {lost} did not arrive"
    assert doubled == twice, f"{fault}: {came}"


def arrived(targets: Iterable[str], messages: Iterable[Message]) -> Mapping[str, int]:
    """Return how many new messages tell each target as DOWN."""
    found: Counter[str] = Counter()
    for message in messages:
        first = message.texts[0].partition("\n")[0]
        for target in targets:
            if first.startswith("🔴 DOWN") and first.endswith((target, target.replace("-", " ").title())):
                found[target] += 1
    return found
