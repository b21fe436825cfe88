"""What an edit waits for, which message it changes, and how worsening is told without a flood."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alertbridge.incidents import Phase, Tell
from alertbridge.planning import EDIT_EVERY, Act, plan
from alertbridge.store.rows import NOTICE, MessageKind
from tests.alertbridge.test_planning import NOW, row, shown, some, told

DIGEST = shown(9, MessageKind.DIGEST)


def test_a_row_that_names_its_message_edits_that_one() -> None:
    """The digest follows what has got a message of its own; together with what else changed in the digest."""
    rows = [replace(row(1, Tell.UPDATE, 1), message=9), row(2, Tell.UPDATE, 2), row(3, Tell.UPDATE, 1)]
    job = plan(rows, some(2), {1: shown(20), 2: DIGEST}, DIGEST, now=NOW, named={9: DIGEST})
    assert job is not None
    assert (job.act, job.message, [r.id for r in job.rows], job.older) == (Act.EDIT, DIGEST, [1, 2], False)


def test_an_edit_of_a_replaced_message_is_marked_as_such() -> None:
    """Where it is gone nobody misses it: it must not be sent anew."""
    old = shown(3)
    job = plan([replace(row(1, Tell.UPDATE, 1), message=3)], some(1), {1: shown(20)}, None, now=NOW, named={3: old})
    assert job is not None
    assert (job.act, job.message, job.older) == (Act.EDIT, old, True)


def test_a_named_message_that_is_gone_is_dropped() -> None:
    """Deleted, or left behind when the group moved."""
    job = plan([replace(row(1, Tell.UPDATE, 1), message=3)], some(1), {1: shown(20)}, None, now=NOW, named={})
    assert job is not None
    assert job.act is Act.DROP


def test_a_new_message_does_not_settle_what_another_message_still_needs() -> None:
    """The digest's edit stays due when its member is told anew."""
    rows = [row(1, Tell.WORSE, 1), replace(row(2, Tell.UPDATE, 1), message=9)]
    job = plan(rows, some(1), {1: shown(20)}, None, now=NOW, named={9: DIGEST})
    assert job is not None
    assert (job.act, [r.id for r in job.rows]) == (Act.SEND, [1])


def test_news_goes_before_edits() -> None:
    """An alarm, or a notice, does not wait behind a row of edits; the order of news among itself stays."""
    for news in (row(2, Tell.OPEN, 2), row(2, NOTICE)):
        job = plan([row(1, Tell.UPDATE, 1), news], some(2), {1: shown(5)}, None, now=NOW)
        assert job is not None
        assert [r.id for r in job.rows] == [2]


def test_edits_wait_while_the_budget_is_kept_for_news() -> None:
    """Only edits: whatever is new goes out."""
    rows = [row(1, Tell.UPDATE, 1), row(2, Tell.UPDATE, 2)]
    job = plan(rows, some(2), {1: shown(5), 2: shown(6)}, None, now=NOW, may_edit=False)
    assert job is not None
    assert (job.act, job.until) == (Act.POSTPONE, NOW + EDIT_EVERY)
    new = plan([row(3, Tell.OPEN, 3)], some(3), {}, None, now=NOW, may_edit=False)
    assert new is not None
    assert new.act is Act.SEND


@pytest.mark.parametrize("kind", [Tell.WORSE, Tell.GROWN])
def test_one_that_gets_worse_inside_a_digest_replies_to_it(kind: Tell) -> None:
    """At once, with a sound, even while the digest is fresh enough for others to join it silently."""
    fresh = shown(9, MessageKind.DIGEST, age=5, edited=5)
    job = plan([row(1, kind, 1)], some(1), {1: fresh}, fresh, now=NOW)
    assert job is not None
    assert (job.act, job.message, job.tell) == (Act.SEND, fresh, kind)


def test_the_second_that_gets_worse_within_seconds_waits_for_others() -> None:
    """The first has made its sound; the next are told together."""
    recent = told(Tell.WORSE, 1)
    job = plan(
        [row(2, Tell.WORSE, 2), row(3, Tell.WORSE, 3)], some(3), {2: DIGEST, 3: DIGEST}, None, now=NOW, recent=recent
    )
    assert job is not None
    assert (job.act, job.until) == (Act.POSTPONE, NOW + timedelta(seconds=2))


def test_four_that_get_worse_are_one_digest_that_replies_to_the_old_one() -> None:
    """One sound for all of them."""
    rows = [row(n, Tell.WORSE, n) for n in (1, 2, 3, 4)]
    job = plan(rows, some(4), dict.fromkeys((1, 2, 3, 4), DIGEST), None, now=NOW)
    assert job is not None
    assert (job.act, job.incidents, job.message) == (Act.DIGEST, (1, 2, 3, 4), DIGEST)


def test_with_what_was_told_worse_already_three_make_a_digest() -> None:
    """As for new troubles."""
    rows = [replace(row(n, Tell.WORSE, n), created_at=NOW - timedelta(seconds=2)) for n in (2, 3, 4)]
    job = plan(rows, some(4), dict.fromkeys((2, 3, 4), DIGEST), None, now=NOW, recent=told(Tell.WORSE, 3))
    assert job is not None
    assert (job.act, job.incidents) == (Act.DIGEST, (2, 3, 4))


def test_an_end_that_is_no_longer_true_is_not_told() -> None:
    """It fires again before the reply could be sent: "back after 5 s" would be wrong."""
    job = plan([row(1, Tell.OVER, 1)], some(1), {1: shown(5)}, None, now=NOW)
    assert job is not None
    assert job.act is Act.DROP


def test_the_end_of_a_digest_may_come_from_one_that_has_its_own_message() -> None:
    """Its last member was told alone; "all over" still replies to the digest."""
    rows = [replace(row(1, Tell.OVER, 1), message=9)]
    job = plan(rows, some(1, phase=Phase.OVER), {1: shown(20)}, None, now=NOW, named={9: DIGEST})
    assert job is not None
    assert (job.act, job.message) == (Act.REPLY_ALL_OVER, DIGEST)
