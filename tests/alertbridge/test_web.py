"""POST /alerts and the rest of the HTTP side: who may post, what is refused, reload, health, metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from alertbridge import intake
from alertbridge.errors import Failure, StoreError
from alertbridge.polling import PollFailure
from tests.alertbridge.conftest import running_bridge
from tests.alertbridge.webhooks import alert, webhook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.conftest import Trial
    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

JSON = {"Content-Type": "application/json; charset=utf-8"}


async def test_a_body_that_is_no_webhook_is_400_with_the_reason(trial: Trial) -> None:
    """And counted."""
    answer = await trial.http.post(f"{trial.bridge.url}/alerts", json={"version": "3", "alerts": []})
    assert (answer.status_code, answer.text.startswith('version is "3"')) == (400, True)
    assert await trial.metric("alertbridge_webhooks_total", result="invalid") == 1


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "streamed"])
async def test_a_body_above_8_mib_is_413(trial: Trial, *, declared: bool) -> None:
    """By its declared length at once, otherwise while it streams."""
    size = 8 * 1024 * 1024 + 1

    async def stream() -> object:
        for _ in range(9):
            yield b"x" * 1024 * 1024

    content = b"x" * size if declared else stream()
    answer = await trial.http.post(f"{trial.bridge.url}/alerts", content=content, headers=JSON)  # type: ignore[arg-type] # an async generator is taken
    assert answer.status_code == 413
    assert await trial.metric("alertbridge_webhooks_total", result="too_large") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    ],
)
async def test_a_web_page_cannot_post_alerts(headers: dict[str, str], trial: Trial) -> None:
    """A browser on this machine speaks from loopback for any page it shows; nothing of it reaches Telegram."""
    answer = await trial.http.post(f"{trial.bridge.url}/alerts", json=webhook(alert()), headers=headers)
    assert answer.status_code == 403
    assert await trial.metric("alertbridge_alerts_received_total", status="firing") == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/json"])
async def test_a_webhook_is_known_by_its_body(kind: str, trial: Trial) -> None:
    """`curl -d @alert.json` declares a form. Pages of other sites are refused by their origin instead."""
    body = json.dumps(webhook(alert())).encode()
    answer = await trial.http.post(f"{trial.bridge.url}/alerts", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, await trial.metric("alertbridge_alerts_received_total", status="firing")) == (200, 1)


async def test_a_token_does_not_excuse_the_origin(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """A page that has learnt the token is a page all the same."""
    (tmp_path / "bearer").write_text("geheim", encoding="utf-8")
    more = f"webhook: {{bearer_token_file: {tmp_path}/bearer}}"
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        url, body = f"{trial.bridge.url}/alerts", json.dumps(webhook(alert())).encode()
        bearer = {"Authorization": "Bearer geheim"}
        foreign = await trial.http.post(url, content=body, headers={**bearer, **JSON, "Origin": "https://evil.example"})
        fine = await trial.http.post(url, content=body, headers={**bearer, **JSON})
        assert (foreign.status_code, fine.status_code) == (403, 200)


async def test_a_webhook_of_many_alerts_comes_further_with_every_try(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed when the time is up stays, so that a slow disk does not refuse the same alerts for ever."""
    body = webhook(*(alert(target=f"site-{number}") for number in range(40)))
    pieces, take = 0, intake.take

    def failing(*arguments: Any, **more: Any) -> tuple[intake.Taken, ...]:
        nonlocal pieces
        pieces += 1
        if pieces == 3:
            raise StoreError("too slow")
        return take(*arguments, **more)

    monkeypatch.setattr("alertbridge.web.TOGETHER", 10)
    monkeypatch.setattr("alertbridge.web.intake.take", failing)
    known: list[int] = []
    for expected in (503, 200):
        answer = await trial.http.post(f"{trial.bridge.url}/alerts", json=body)
        assert answer.status_code == expected
        known.append(await trial.bridge.store.transact(lambda queries: len(queries.open_incidents())))
    assert known == [20, 40]


async def test_through_a_proxy_nobody_may_post_without_a_token(trial: Trial) -> None:
    """A proxy on this machine speaks from loopback for anybody."""
    headers = {"X-Forwarded-For": "203.0.113.9"}
    answer = await trial.http.post(f"{trial.bridge.url}/alerts", json=webhook(alert()), headers=headers)
    assert answer.status_code == 401
    assert await trial.metric("alertbridge_webhooks_total", result="unauthorized") == 1


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "geheim"}, 401),
        ({"Authorization": "Bearer geheim"}, 200),
    ],
)
async def test_the_bearer_token_decides(
    header: dict[str, str], status: int, api: BotApi, peers: Peers, tmp_path: Path
) -> None:
    """Where one is configured, also for this machine."""
    (tmp_path / "bearer").write_text("geheim", encoding="utf-8")
    more = f"webhook: {{bearer_token_file: {tmp_path}/bearer}}"
    async with running_bridge(api, peers, tmp_path, more=more) as trial:
        answer = await trial.http.post(f"{trial.bridge.url}/alerts", json=webhook(alert()), headers=header)
        assert answer.status_code == status


async def test_reload_applies_a_good_file_and_refuses_a_bad_one(trial: Trial) -> None:
    """A bad file changes nothing but the metric; every mistake comes as JSON."""
    good = trial.config.read_text(encoding="utf-8")
    trial.config.write_text(good.replace("language: en", "language: xx"), encoding="utf-8")
    answer = await trial.http.post(f"{trial.bridge.url}/-/reload")
    assert answer.status_code == 400
    mistake = answer.json()["mistakes"][0]
    assert (mistake["line"], mistake["path"]) == (3, "language")
    assert await trial.metric("alertbridge_config_last_reload_successful") == 0
    trial.config.write_text(good.replace("language: en", "language: id"), encoding="utf-8")
    assert (await trial.http.post(f"{trial.bridge.url}/-/reload")).status_code == 200
    assert await trial.metric("alertbridge_config_last_reload_successful") == 1
    await trial.fire(alert())
    await trial.api.until(lambda: trial.api.messages)
    assert "Alarm sejak" in trial.api.messages[0].text


async def test_reload_is_refused_from_a_foreign_page(trial: Trial) -> None:
    """As every action."""
    headers = {"Origin": "https://evil.example"}
    assert (await trial.http.post(f"{trial.bridge.url}/-/reload", headers=headers)).status_code == 403


async def test_a_removed_chat_leaves_dead_letters(trial: Trial) -> None:
    """Nothing is lost silently when a chat disappears from the file."""
    trial.api.fail_next(method="sendMessage", status=429, parameters={"retry_after": 1})
    await trial.fire(alert())
    await trial.api.until(lambda: any(call.method == "sendMessage" for call in trial.api.calls))
    text = trial.config.read_text(encoding="utf-8").replace("name: noc", "name: other")
    trial.config.write_text(text, encoding="utf-8")
    assert (await trial.http.post(f"{trial.bridge.url}/-/reload")).status_code == 200
    await trial.metric_becomes(1, "alertbridge_outbox_messages", state="dead")


async def test_health_and_status(trial: Trial) -> None:
    """Alive, ready, and a few lines for a person."""
    for path in ("/-/healthy", "/-/ready", "/"):
        assert (await trial.http.get(f"{trial.bridge.url}{path}")).status_code == 200


EXPECTED = {
    "alertbridge_webhooks",
    "alertbridge_withheld",
    "alertbridge_alerts_received",
    "alertbridge_outbox_messages",
    "alertbridge_deliveries",
    "alertbridge_leader",
    "alertbridge_delivery_failures",
    "alertbridge_delivery_repeats",
    "alertbridge_delivery_seconds",
    "alertbridge_telegram_polls",
    "alertbridge_telegram_poll_failures",
    "alertbridge_commands",
    "alertbridge_access_denied",
    "alertbridge_config_last_reload_successful",
    "alertbridge_config_last_reload_success_timestamp_seconds",
    "alertbridge_build_info",
}


async def test_metrics_exist_at_zero_before_the_first_event(trial: Trial) -> None:
    """Exactly the names of the design; what nobody knows yet is absent; every closed label set is complete."""
    answer = await trial.http.get(f"{trial.bridge.url}/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert set(families) - {"alertbridge_telegram_polling_up"} == EXPECTED  # the first poll may have ended already
    reasons = {sample.labels["reason"] for sample in families["alertbridge_delivery_failures"].samples}
    assert reasons == {failure.value for failure in Failure}
    assert all(sample.value == 0 for sample in families["alertbridge_webhooks"].samples)
    polls = families["alertbridge_telegram_poll_failures"].samples
    assert {sample.labels["reason"]: sample.value for sample in polls} == {reason.value: 0 for reason in PollFailure}
    await trial.fire(alert("Watchdog", None, severity="none"), alert())
    await trial.api.until(lambda: trial.api.messages)
    await trial.metric_becomes(1, "alertbridge_delivery_seconds_count")
    assert await trial.metric("alertbridge_watchdog_timestamp_seconds") is not None
    assert await trial.metric("alertbridge_telegram_up") == 1
    assert await trial.metric("alertbridge_alerts_received_total", status="firing") == 2


async def test_an_unknown_host_name_is_refused(trial: Trial) -> None:
    """DNS rebinding."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{trial.bridge.url}/metrics", headers={"Host": "evil.example"})
    assert answer.status_code == 403
