"""The few lines that a person sees who opens the bridge in a browser (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.metrics import Snapshot

_TELEGRAM = {None: "not asked yet", True: "answers", False: "does not answer"}
_COMMANDS = {None: "not asked yet", True: "fetched", False: "NOT fetched"}


def status_page(snapshot: Snapshot, *, dry_run: bool, leads: bool, silent: bool, troubles: Sequence[str]) -> str:
    """Return the page.

    Args:
        snapshot: what is known now.
        dry_run: there is no token.
        leads: of several bridges on one database this one polls and sends.
        silent: the dead man's switch has spoken.
        troubles: what does not work, a line each; shown first.
    """
    seen = f"last seen {snapshot.watchdog.isoformat(timespec='seconds')}" if snapshot.watchdog else "not seen yet"
    lines = ["alertbridge: Alertmanager -> Telegram", *(f"! {trouble}" for trouble in troubles)]
    if not leads:
        lines.append("standing by: another bridge on this database polls and sends")
    if dry_run:
        lines.append("telegram: dry run: messages are printed")
    else:
        lines.append(f"telegram: {_TELEGRAM[snapshot.telegram_up]}")
        if leads:
            lines.append(f"commands: {_COMMANDS[snapshot.polling.up]}")
    lines += [
        f"outbox: {snapshot.pending} waiting, {snapshot.dead} refused",
        f"watchdog: {'SILENT, ' if silent else ''}{seen}",
        "more: /metrics /-/healthy /-/ready",
    ]
    return "\n".join(lines) + "\n"
