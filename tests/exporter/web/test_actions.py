"""Reload and restart: what they answer, that they act once, and that who did it is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from httpservice.webconfig import WebConfig
from tests.exporter.web.fakes import FakeActions, FakeView, bad_reload

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    import pytest

USERS = WebConfig(users={"ana": "$2b$04$wruvmQ1W4rHbxpHVWW7n4uWDw80I3vDBQkTWLEXN2XSVBEgmfXqie"})  # of "right"


async def test_a_good_reload_says_what_changed(client: httpx.AsyncClient, actions: FakeActions) -> None:
    """200, with numbers."""
    answer = await client.post("/-/reload")
    assert answer.status_code == 200
    content = answer.json()
    assert (content["added"], content["removed"], content["changed"], content["warnings"]) == (2, 1, 3, [])
    assert actions.asked == ["reload"]


async def test_a_bad_file_answers_400_with_every_mistake(client: httpx.AsyncClient, actions: FakeActions) -> None:
    """The caller sees what `vpn-exporter check` would print."""
    actions.next_status = bad_reload()
    answer = await client.post("/-/reload")
    assert answer.status_code == 400
    assert answer.json()["error"] == "mistakes"
    assert answer.json()["mistakes"] == [
        {
            "file": "targets.yml",
            "line": 14,
            "path": "targets[0].probe",
            "value": "icmpv9",
            "problem": "is no probe",
            "remedy": "use icmp, tcp:PORT or an http(s) URL",
            "warning": False,
            "text": 'targets.yml:14: targets[0].probe: "icmpv9" is no probe; use icmp, tcp:PORT or an http(s) URL',
        }
    ]


async def test_restart_answers_202(client: httpx.AsyncClient, actions: FakeActions, view: FakeView) -> None:
    """Accepted: the processes are back a moment later."""
    answer = await client.post("/-/restart")
    assert (answer.status_code, answer.json()["restarting"]) == (202, True)
    assert actions.asked == ["restart"]
    assert view.restarts == {"requested": 1}


async def test_a_restart_that_would_blind_us_is_refused(client: httpx.AsyncClient, actions: FakeActions) -> None:
    """409 with what to do instead, for programs and for a form without the script, in the reader's language."""
    actions.code_changed = True
    answer = await client.post("/-/restart")
    assert (answer.status_code, answer.json()["error"]) == (409, "code_changed")
    assert "Restart vpn-exporter itself." in answer.json()["message"]
    page = await client.post("/-/restart", headers={"Accept": "text/html", "Accept-Language": "id"})
    assert page.status_code == 409
    assert "Mulai ulang vpn-exporter." in page.text


async def test_looking_is_no_action(client: httpx.AsyncClient, actions: FakeActions) -> None:
    """A link or a prefetch restarts nothing."""
    for path in ("/-/restart", "/-/reload"):
        assert (await client.get(path)).status_code == 405
    assert actions.asked == []


async def test_refused_actions_do_nothing(connect: Callable[..., httpx.AsyncClient], actions: FakeActions) -> None:
    """From elsewhere without users, from another site's page, without a login: nothing happens."""
    assert (await connect("10.1.2.3").post("/-/restart")).status_code == 403
    assert (await connect().post("/-/restart", headers={"Origin": "http://evil.example"})).status_code == 403
    assert (await connect(config=USERS).post("/-/restart")).status_code == 401
    assert (await connect(config=USERS).post("/-/restart", auth=("ana", "wrong"))).status_code == 401
    assert actions.asked == []


async def test_who_acted_is_logged(connect: Callable[..., httpx.AsyncClient], caplog: pytest.LogCaptureFixture) -> None:
    """User and address; never the password."""
    caplog.set_level(logging.INFO)
    await connect("10.1.2.3", USERS).post("/-/restart", auth=("ana", "right"))
    events: list[dict[str, Any]] = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    done = next(event for event in events if event["event"] == "action")
    assert (done["action"], done["user"], done["peer"]) == ("restart", "ana", "10.1.2.3")
    assert "right" not in caplog.text


async def test_without_script_a_form_gets_a_page(client: httpx.AsyncClient) -> None:
    """The buttons work without JavaScript."""
    answer = await client.post("/-/restart", headers={"Accept": "text/html", "Accept-Language": "id"})
    assert answer.status_code == 202
    assert "Engine sedang direstart." in answer.text
