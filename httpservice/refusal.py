"""Why a request was refused, and the answer that says so: a page for people, JSON for programs."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import Scope


class RefusalReason(StrEnum):
    """Why a request was refused; the value is a label value and the `error` of the JSON answer."""

    HOST = "host"  # the Host header names somebody else: DNS rebinding
    LOGIN = "login"  # no credentials, or wrong ones
    BUSY = "busy"  # too many logins are being checked
    ORIGIN = "origin"  # another site's page sent it
    ACTION = "action"  # no user is configured and the request does not come from this machine


STATUS = {
    RefusalReason.HOST: 403,
    RefusalReason.LOGIN: 401,
    RefusalReason.BUSY: 429,
    RefusalReason.ORIGIN: 403,
    RefusalReason.ACTION: 403,
}

TEXTS = {
    RefusalReason.HOST: "This address is not served under that host name. Use the IP address or localhost, "
    "or start with --web.external-url set to the URL that people type.",
    RefusalReason.LOGIN: "User name or password is missing or wrong. Users are those of the web config file.",
    RefusalReason.BUSY: "Too many logins are being checked at this moment. Try again in a few seconds.",
    RefusalReason.ORIGIN: "The request was sent by a page of another site and was not carried out. Behind a proxy, "
    "start with --web.external-url set to the URL that people type.",
    RefusalReason.ACTION: "Actions need a user. None is configured, so they are taken from this machine only. "
    "Configure users with --web.config.file.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused request."""

    reason: RefusalReason
    signed_out: bool = False  # LOGIN only: no credentials came at all

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return STATUS[self.reason]

    @property
    def text(self) -> str:
        """What happened and the remedy, in English."""
        return TEXTS[self.reason]


class RefusalRenderer(Protocol):
    """Makes the body of the answer."""

    def __call__(self, scope: Scope, refusal: Refusal) -> tuple[bytes, str]:
        """Return the body and its content type."""


def plain_refusal(scope: Scope, refusal: Refusal) -> tuple[bytes, str]:
    """Return HTML where the client asks for it, else JSON."""
    if wants_html(scope):
        text = html.escape(refusal.text)
        page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{refusal.status}</title><h1>{text}</h1>'
        return page.encode(), "text/html; charset=utf-8"
    return json_refusal(refusal)


def json_refusal(refusal: Refusal) -> tuple[bytes, str]:
    """Return the answer for programs."""
    body = json.dumps({"error": refusal.reason.value, "message": refusal.text})
    return body.encode(), "application/json"


def wants_html(scope: Scope) -> bool:
    """Return whether the client is a browser that shows a page."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope.get("headers", ()))
