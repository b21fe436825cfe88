"""What a person is told when a peer refuses: the number, and of our exporter's own state the reason."""

from __future__ import annotations

import httpx
import pytest

from alertbridge import peers
from alertbridge.errors import PeerError
from alertbridge.settings import Peer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(503, text="down"), "exporter answered 503"),
        (httpx.Response(403, json={"message": "secret thoughts"}), "exporter answered 403"),
        (httpx.Response(409, json={"message": "Restart it."}), "exporter answered 409: Restart it."),
        (httpx.Response(409, json={"message": "x" * 500}), f"exporter answered 409: {'x' * 200}"),
        (httpx.Response(409, json=["no", "object"]), "exporter answered 409"),
        (httpx.Response(409, json={"message": {"a": 1}}), "exporter answered 409"),
        (httpx.Response(409, text="<html>"), "exporter answered 409"),
    ],
    ids=["unavailable", "forbidden", "conflict", "a long reason", "a list", "no text", "no JSON"],
)
async def test_a_refusal_is_told_with_its_reason(answer: httpx.Response, told: str) -> None:
    """Only a conflict is worth a sentence: what it says was written for the person who acts."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        with pytest.raises(PeerError) as refused:
            await peers.ask(
                http, "exporter", Peer(url="http://exporter"), "/-/restart", timeout_seconds=5, method="POST"
            )
    assert str(refused.value) == told
