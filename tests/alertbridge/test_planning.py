"""What is sent to a chat next: digests, joins, coalesced edits, order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alertbridge.incidents import Incident, Level, Phase, Tell
from alertbridge.planning import Act, plan
from alertbridge.store.rows import NOTICE, MessageKind, Row, Shown

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def row(number: int, kind: str, incident_id: int | None = None, *, held: bool = False) -> Row:
    """Return a due row."""
    return Row(id=number, chat="noc", kind=kind, incident_id=incident_id, created_at=NOW, not_before=NOW, held=held)


def shown(number: int, kind: MessageKind = MessageKind.INCIDENT, *, age: float = 100, edited: float = 100) -> Shown:
    """Return a message that the chat shows."""
    return Shown(
        id=number,
        chat="noc",
        chat_id=-1,
        message_id=number * 10,
        kind=kind,
        sent_at=NOW - timedelta(seconds=age),
        edited_at=NOW - timedelta(seconds=edited),
    )


def some(count: int, *, phase: Phase = Phase.OPEN) -> dict[int, Incident]:
    """Return incidents 1..count."""
    base = Incident(id=0, subject="target:x", phase=phase, level=Level.CRITICAL, opened_at=NOW, started_at=NOW)
    return {n: replace(base, id=n, subject=f"target:{n}") for n in range(1, count + 1)}


def test_nothing_due_is_no_job() -> None:
    """An empty outbox plans nothing."""
    assert plan([], {}, {}, None, now=NOW) is None


def test_three_are_told_one_by_one() -> None:
    """Few troubles keep their own messages; the others wait their turn."""
    job = plan([row(n, Tell.OPEN, n) for n in (1, 2, 3)], some(3), {}, None, now=NOW)
    assert job is not None
    assert (job.act, job.incidents, [r.id for r in job.rows]) == (Act.SEND, (1,), [1])


def test_four_are_a_digest_that_settles_all_their_rows() -> None:
    """Whatever else is due for the same incidents is settled too: the text shows what is true now."""
    rows = [row(n, Tell.OPEN, n) for n in (1, 2, 3, 4)] + [row(5, Tell.UPDATE, 2), row(6, Tell.OVER, 2)]
    job = plan(rows, some(4), {}, None, now=NOW)
    assert job is not None
    assert (job.act, job.incidents, len(job.rows)) == (Act.DIGEST, (1, 2, 3, 4), 6)


def test_latecomers_join_a_fresh_digest_by_an_edit() -> None:
    """Within half a minute, even a single one."""
    job = plan([row(1, Tell.OPEN, 1)], some(1), {}, shown(9, MessageKind.DIGEST, age=20, edited=5), now=NOW)
    assert job is not None
    assert (job.act, job.message) == (Act.JOIN, shown(9, MessageKind.DIGEST, age=20, edited=5))


def test_a_digest_is_not_edited_every_second() -> None:
    """A group has 20 requests a minute: the join waits until 3 s after the last edit."""
    job = plan([row(1, Tell.OPEN, 1)], some(1), {}, shown(9, MessageKind.DIGEST, age=2, edited=2), now=NOW)
    assert job is not None
    assert (job.act, job.until) == (Act.POSTPONE, NOW + timedelta(seconds=1))


def test_after_half_a_minute_new_trouble_speaks_up() -> None:
    """Edits make no sound, so an old digest takes nobody in."""
    job = plan([row(1, Tell.OPEN, 1)], some(1), {}, shown(9, MessageKind.DIGEST, age=31), now=NOW)
    assert job is not None
    assert job.act is Act.SEND


def test_worse_replies_to_what_is_shown() -> None:
    """The new message hangs on the old one."""
    job = plan([row(1, Tell.WORSE, 1)], some(1), {1: shown(7)}, None, now=NOW)
    assert job is not None
    assert (job.act, job.message, job.tell) == (Act.SEND, shown(7), Tell.WORSE)


def test_edits_of_one_message_are_one_request() -> None:
    """All rows of a digest's members are settled by one edit."""
    digest = shown(9, MessageKind.DIGEST)
    rows = [row(1, Tell.UPDATE, 1), row(2, Tell.OVER, 1), row(3, Tell.UPDATE, 2), row(4, Tell.UPDATE, 3)]
    job = plan(rows, some(3), {1: digest, 2: digest, 3: shown(5)}, digest, now=NOW)
    assert job is not None
    assert (job.act, [r.id for r in job.rows]) == (Act.EDIT, [1, 3])


def test_many_ends_are_one_silent_message() -> None:
    """Four or more incidents with messages of their own."""
    rows = [row(n, Tell.OVER, n) for n in (1, 2, 3, 4)]
    job = plan(rows, some(4, phase=Phase.OVER), {n: shown(n) for n in (1, 2, 3, 4)}, None, now=NOW)
    assert job is not None
    assert (job.act, job.incidents) == (Act.OVER_MANY, (1, 2, 3, 4))


def test_an_end_of_something_never_shown_is_dropped() -> None:
    """There is no message to edit or to reply to."""
    for kind in (Tell.UPDATE, Tell.OVER):
        job = plan([row(1, kind, 1)], some(1), {}, None, now=NOW)
        assert job is not None
        assert job.act is Act.DROP


def test_what_waited_for_the_morning_is_one_summary() -> None:
    """Even a single one; what is due for other reasons keeps its own message."""
    rows = [row(1, Tell.OPEN, 1, held=True), row(2, Tell.OPEN, 2, held=True), row(3, Tell.OPEN, 3)]
    job = plan(rows, some(3), {}, None, now=NOW)
    assert job is not None
    assert (job.act, job.incidents, job.quiet) == (Act.DIGEST, (1, 2), True)


def test_a_notice_goes_out_as_it_is() -> None:
    """Messages of the bridge itself are never folded."""
    job = plan([row(1, NOTICE), row(2, Tell.OPEN, 1)], some(1), {}, None, now=NOW)
    assert job is not None
    assert (job.act, len(job.rows)) == (Act.NOTICE, 1)


def test_a_pruned_incident_is_dropped() -> None:
    """A row whose incident is gone tells nothing."""
    job = plan([row(1, Tell.OPEN, 1)], {}, {}, None, now=NOW)
    assert job is not None
    assert job.act is Act.DROP


def told(kind: str, *ages: float) -> dict[str, list[datetime]]:
    """Return when rows of a kind were told."""
    return {kind: [NOW - timedelta(seconds=age) for age in sorted(ages, reverse=True)]}


def test_the_first_alarm_of_a_quiet_chat_is_never_delayed() -> None:
    """Nothing was told for ten seconds: it goes out now."""
    for recent in ({}, told(Tell.OPEN, 10.5)):
        job = plan([row(1, Tell.OPEN, 1)], some(1), {}, None, now=NOW, recent=recent)
        assert job is not None
        assert job.act is Act.SEND


def test_what_falls_right_after_waits_for_others_and_all_at_the_same_moment() -> None:
    """Up to three seconds, at the next third second after the last message."""
    late = replace(row(2, Tell.OPEN, 2), created_at=NOW - timedelta(seconds=0.5))
    job = plan([late, row(3, Tell.OPEN, 3)], some(3), {}, None, now=NOW, recent=told(Tell.OPEN, 1))
    assert job is not None
    assert (job.act, job.until, {r.id for r in job.rows}) == (Act.POSTPONE, NOW + timedelta(seconds=2), {2, 3})


def test_with_what_was_told_already_four_make_a_digest() -> None:
    """One has its own message; the three that waited are one digest."""
    rows = [replace(row(n, Tell.OPEN, n), created_at=NOW - timedelta(seconds=2)) for n in (2, 3, 4)]
    job = plan(rows, some(4), {}, None, now=NOW, recent=told(Tell.OPEN, 3))
    assert job is not None
    assert (job.act, job.incidents) == (Act.DIGEST, (2, 3, 4))


def test_who_has_waited_does_not_wait_again() -> None:
    """Three in ten seconds keep their own messages; each message sent must not hold up the next."""
    waited = replace(row(3, Tell.OPEN, 3), created_at=NOW - timedelta(seconds=4))
    job = plan([waited], some(3), {}, None, now=NOW, recent=told(Tell.OPEN, 1, 5))
    assert job is not None
    assert (job.act, job.incidents) == (Act.SEND, (3,))


def test_worse_never_waits() -> None:
    """It replies to what is shown, at once."""
    job = plan([row(9, Tell.WORSE, 1)], some(1), {1: shown(1)}, None, now=NOW, recent=told(Tell.OPEN, 1))
    assert job is not None
    assert job.act is Act.SEND


def test_ends_of_the_same_seconds_are_one_silent_message() -> None:
    """The first is told at once, the others wait for each other."""
    shows = {n: shown(n) for n in (1, 2, 3, 4)}
    over = some(4, phase=Phase.OVER)
    first = plan([row(1, Tell.OVER, 1)], over, shows, None, now=NOW, recent=told(Tell.OPEN, 1))
    rows = [replace(row(n, Tell.OVER, n), created_at=NOW - timedelta(seconds=1)) for n in (2, 3, 4)]
    waits = plan(rows, over, shows, None, now=NOW, recent=told(Tell.OVER, 2))
    then = plan(rows, over, shows, None, now=NOW + timedelta(seconds=1), recent=told(Tell.OVER, 2))
    assert first is not None
    assert waits is not None
    assert then is not None
    assert (first.act, waits.act, waits.until) == (Act.REPLY_OVER, Act.POSTPONE, NOW + timedelta(seconds=1))
    assert (then.act, then.incidents) == (Act.OVER_MANY, (2, 3, 4))
