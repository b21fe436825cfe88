"""One answer: compressed where asked and useful, with an ETag, as JSON, text or page.

Compression and hashing take up to a second for a hundred thousand targets: endpoints are plain functions, which
Starlette runs in a worker thread.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

JSON: Final = "application/json"
_LEAST_BYTES: Final = 1024  # below that, gzip saves no packet
_LEVEL: Final = 3  # a third of the time of level 6 for about a tenth more bytes


def answer(
    request: Request,
    body: bytes,
    content_type: str,
    *,
    status: int = 200,
    etag: str | None = None,
    cache: str = "no-cache",
    headers: Mapping[str, str] | None = None,
    compressed: bytes | None = None,
    compress: bool = True,
) -> Response:
    """Return the response to one request.

    Args:
        request: its headers decide on compression and 304.
        body: not compressed.
        content_type: with its charset.
        status: HTTP status.
        etag: without quotes; None: no conditional answer.
        cache: Cache-Control.
        headers: more headers.
        compressed: the body as gzip, where it was made before.
        compress: False: never.
    """
    out = {"Cache-Control": cache, "Vary": "Accept-Encoding, Accept-Language", **(headers or {})}
    if etag is not None:
        out["ETag"] = tag = f'W/"{etag}"'
        if tag in [known.strip() for known in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=out)
    if compress and len(body) >= _LEAST_BYTES and accepts_gzip(request):
        body = compressed if compressed is not None else gzip.compress(body, _LEVEL, mtime=0)
        out["Content-Encoding"] = "gzip"
    return Response(body, status_code=status, media_type=None, headers={"Content-Type": content_type, **out})


def accepts_gzip(request: Request) -> bool:
    """Return whether the client takes gzip."""
    for offer in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, parameters = offer.partition(";")
        if coding.strip() == "gzip":
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def json_bytes(value: Any) -> bytes:
    """Return compact JSON; NaN is a mistake of ours and refused."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def json_answer(request: Request, value: Any, *, status: int = 200) -> Response:
    """Return JSON that is not to be kept."""
    return answer(request, json_bytes(value), JSON, status=status, cache="no-store")


def problem(request: Request, status: int, error: str, message: str) -> Response:
    """Return an error for programs: a constant word and a text."""
    return json_answer(request, {"error": error, "message": message}, status=status)


def fingerprint(body: bytes) -> str:
    """Return a short hash for an ETag."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()
