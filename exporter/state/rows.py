"""The journal's tables, and the SQL that writes what has happened into them (no database access)."""

from __future__ import annotations

import json
from typing import Any, Final, assert_never

from exporter.state.transitions import Change, Closed, Event, Explained, Opened

CHANGES_KEPT: Final = 50_000
CHANGES_KEPT_SECONDS: Final = 7 * 86400.0

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS outages (
  id INTEGER PRIMARY KEY, target TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  start REAL NOT NULL, "end" REAL, cause TEXT NOT NULL, culprit TEXT, evidence TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outages_start ON outages (start);
CREATE INDEX IF NOT EXISTS outages_target ON outages (target, start);
CREATE INDEX IF NOT EXISTS outages_region ON outages (region, start);
CREATE INDEX IF NOT EXISTS outages_open ON outages (target) WHERE "end" IS NULL;
CREATE TABLE IF NOT EXISTS changes (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, target TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  before TEXT NOT NULL, after TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS changes_at ON changes (at);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value REAL NOT NULL);
"""
OPEN: Final = "INSERT INTO outages (target, region, name, start, cause, culprit, evidence) VALUES (?, ?, ?, ?, ?, ?, ?)"
CLOSE: Final = 'UPDATE outages SET "end" = MAX(start, ?) WHERE target = ? AND "end" IS NULL'
REMOVED: Final = (
    "UPDATE outages SET \"end\" = MAX(start, ?), evidence = json_set(evidence, '$.ended_by', 'removed') "
    'WHERE target = ? AND "end" IS NULL'
)
EXPLAIN: Final = 'UPDATE outages SET cause = ?, culprit = ? WHERE target = ? AND "end" IS NULL'
CHANGE: Final = "INSERT INTO changes (at, target, region, name, before, after) VALUES (?, ?, ?, ?, ?, ?)"
CLOSE_ALL: Final = 'UPDATE outages SET "end" = MAX(start, ?) WHERE "end" IS NULL'
SEEN: Final = "INSERT OR REPLACE INTO meta (key, value) VALUES ('seen_at', ?)"

Statement = tuple[str, tuple[Any, ...]]


def statement_of(event: Event) -> Statement:
    """Return the SQL that writes one event down."""
    match event:
        case Opened():
            evidence = json.dumps(event.evidence, allow_nan=False)
            names = (event.target, event.region, event.name)
            return OPEN, (*names, event.start, event.cause, event.culprit, evidence)
        case Explained():
            return EXPLAIN, (event.cause, event.culprit, event.target)
        case Closed():
            return REMOVED if event.removed else CLOSE, (event.end, event.target)
        case Change():
            names = (event.target, event.region, event.name)
            return CHANGE, (event.at, *names, event.before.name, event.after.name)
    assert_never(event)


def prune(now: float) -> list[Statement]:
    """Return what keeps the table of changes small."""
    return [
        ("DELETE FROM changes WHERE at < ?", (now - CHANGES_KEPT_SECONDS,)),
        ("DELETE FROM changes WHERE id <= (SELECT MAX(id) FROM changes) - ?", (CHANGES_KEPT,)),
    ]
