"""What does not work now, a line each, in words that anybody may read: for /-/ready and the status page (pure).

None of it makes the bridge "not ready": it takes alerts and keeps them all the same, and Alertmanager must not be
turned away for it (docs/decisions/0204).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertbridge.polling import PollFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertbridge.metrics import Snapshot

# What to do, where a person must act.
_REMEDIES = {
    PollFailure.CONFLICT: "another program fetches this bot's updates, or a webhook is set; stop it",
    PollFailure.TOKEN: "Telegram refuses the token; get one from @BotFather, then reload",
}


def troubles(
    snapshot: Snapshot, *, nobody_told: bool, restart_needed: Sequence[str], held: Sequence[str] = ()
) -> list[str]:
    """Return what does not work.

    Args:
        snapshot: what is known now.
        nobody_told: there is a token, and alertbridge.yml names no chat.
        restart_needed: keys of alertbridge.yml that were changed and hold only after a restart.
        held: chats that the changed alertbridge.yml would remove; nothing of it is in force.
    """
    found = []
    if nobody_told:
        found.append("chats: alertbridge.yml names none, so nobody is told; alerts are kept until it does")
    if snapshot.telegram_up is False:
        found.append("telegram: does not take messages; they wait in the outbox")
    trouble = snapshot.polling.trouble
    if trouble is not None:
        remedy = _REMEDIES.get(trouble.failure)
        found.append(
            f"commands: not fetched since {trouble.since.isoformat(timespec='seconds')} ({trouble.failure.value})"
            + (f": {remedy}" if remedy else "")
        )
    if restart_needed:
        found.append(f"settings: {', '.join(restart_needed)} changed in alertbridge.yml; it holds after a restart")
    if held:
        found.append(
            f"settings: the changed alertbridge.yml would remove {', '.join(held)}; SIGHUP or POST /-/reload confirms"
        )
    return found
