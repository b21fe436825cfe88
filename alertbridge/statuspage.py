"""The few lines that a person sees who opens the bridge in a browser (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alertbridge.metrics import Snapshot

_TELEGRAM = {None: "not asked yet", True: "answers", False: "does not answer"}


def status_page(snapshot: Snapshot, *, dry_run: bool, leads: bool, silent: bool) -> str:
    """Return the page.

    Args:
        snapshot: what is known now.
        dry_run: there is no token.
        leads: of several bridges on one database this one polls and sends.
        silent: the dead man's switch has spoken.
    """
    telegram = "dry run: messages are printed" if dry_run else _TELEGRAM[snapshot.telegram_up]
    watchdog = snapshot.watchdog.isoformat(timespec="seconds") if snapshot.watchdog else "not yet"
    lines = [
        "alertbridge: Alertmanager -> Telegram",
        *([] if leads else ["standing by: another bridge on this database polls and sends"]),
        f"telegram: {telegram}",
        f"outbox: {snapshot.pending} waiting, {snapshot.dead} refused",
        f"watchdog: {'SILENT, ' if silent else ''}last seen {watchdog}",
        "more: /metrics /-/healthy /-/ready",
    ]
    return "\n".join(lines) + "\n"
