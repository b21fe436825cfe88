"""The exporter's exceptions.

An expected network failure is a value (a `FailureReason`), never an exception; these are mistakes in input or setup.

    ExporterError
    +-- InventoryError   targets.yml has mistakes; carries all of them
    |   +-- UnreadableError   it cannot even be read
    +-- SettingsError    a flag or environment variable cannot be used
    +-- EngineError      the probing processes cannot be started at all, or not be replaced
    +-- JournalError     the journal of outages cannot be read
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpservice.mistakes import Mistake


class ExporterError(Exception):
    """Base of all exceptions of this package."""


class InventoryError(ExporterError):
    """targets.yml cannot be used; `mistakes` holds every mistake found, in line order."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


class UnreadableError(InventoryError):
    """targets.yml is not there or cannot be read: nothing is known of what stands in it."""


class SettingsError(ExporterError):
    """A flag or environment variable cannot be used; the text says the remedy."""


class EngineError(ExporterError):
    """The probing processes cannot be started at all, or may not be replaced; the text says the remedy."""


class JournalError(ExporterError):
    """The journal of outages cannot be read; the text names the file."""
