"""A plan in words: a summary for people, and JSON for programs. Colours are click's to drop where no terminal reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.inventory.edits import Change, Plan

_LISTED: Final = 20  # of each kind; the rest is counted (--json has them all)


def summary_lines(plan: Plan) -> Iterator[str]:
    """Yield what the plan would do, then what it has to say, then what is wrong."""
    yield from _part(plan.regions, "+", "green", "region", lambda entry: f"{entry.id}  {entry.values['name']}")
    yield from _part(
        plan.inserts,
        "+",
        "green",
        "target",
        lambda entry: f"{entry.id}  {entry.values['name']}  {entry.values['region']}  {entry.values['address']}",
    )
    yield from _part(plan.changes, "~", "yellow", "changed target", _changed)
    yield from _part(plan.returned, "~", "green", "target back in its source", lambda change: change.id)
    yield from _part(
        plan.missing, "?", "yellow", "target no longer in its source (marked, still probed)", lambda c: c.id
    )
    yield from _part(plan.removals, "-", "red", "removed target", str)
    for note in plan.notes:
        yield f"note: {note}"
    for problem in plan.problems:
        yield click.style(str(problem), fg="red")


def _part(items: Sequence[Any], sign: str, colour: str, noun: str, line: Callable[[Any], str]) -> Iterator[str]:
    if not items:
        return
    yield click.style(f"{len(items)} x {noun}", bold=True)
    for item in items[:_LISTED]:
        yield click.style(f"  {sign} {line(item)}", fg=colour)
    if len(items) > _LISTED:
        yield f"  {sign} and {len(items) - _LISTED} more"


def _changed(change: Change) -> str:
    parts = [f"{key}: {change.before.get(key, '(none)')} -> {value}" for key, value in change.values.items()]
    return f"{change.id}  {', '.join(parts)}"


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON holds it."""
    return {
        "stale": not plan.nothing,
        "regions_added": [dict(entry.values) for entry in plan.regions],
        "added": [dict(entry.values) for entry in plan.inserts],
        "changed": [
            {
                "id": change.id,
                "keys": {
                    key: {"before": change.before.get(key), "after": value} for key, value in change.values.items()
                },
            }
            for change in plan.changes
        ],
        "missing": [change.id for change in plan.missing],
        "returned": [change.id for change in plan.returned],
        "removed": list(plan.removals),
        "problems": [
            {"where": problem.where, "problem": problem.problem, "remedy": problem.remedy} for problem in plan.problems
        ],
        "notes": list(plan.notes),
    }
