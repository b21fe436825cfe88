"""The exceptions of this package: a set-up that cannot serve, each text saying the remedy.

    HttpServiceError
    +-- WebConfigError   the web-config file cannot be used; carries every mistake found in it
    +-- ListenError      the listen address is wrong, refused for safety, or taken
    +-- DataDirError     the data folder cannot be written, or another daemon uses it

Command lines turn all of them into exit code 3.
"""

from __future__ import annotations


class HttpServiceError(Exception):
    """Base of all exceptions of this package."""


class WebConfigError(HttpServiceError):
    """The web-config file cannot be used; `mistakes` holds one line per mistake, in the order of the file."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


class ListenError(HttpServiceError):
    """The listen address is wrong, refused for safety, or taken; the text says the remedy."""


class DataDirError(HttpServiceError):
    """The data folder cannot be written, or another daemon uses it; the text says the remedy."""
