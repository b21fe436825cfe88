"""The JSON API: the exact items, the envelope, filters, order, pages, ETag, and what bad questions get."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.outcome import FailureReason, State, Status, failure_status
from exporter.web.view import OutageRow, ProbeRow
from tests.exporter.web.sample import NOW, isolated, put_probe

if TYPE_CHECKING:
    import httpx

    from tests.exporter.web.fakes import FakeView


async def _json(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def _ids(client: httpx.AsyncClient, query: str) -> list[str]:
    return [item["id"] for item in (await _json(client, f"/api/v1/targets?{query}"))["items"]]


async def test_a_healthy_target_item_is_exactly_this(client: httpx.AsyncClient, view: FakeView) -> None:
    """The bridge reads these keys; each absent value is null."""
    content = await _json(client, "/api/v1/targets?q=bal-7")
    assert {key: value for key, value in content.items() if key != "items"} == {
        "generated_at": "2026-11-25T09:46:40.000Z",
        "isolated": False,
        "impaired": [],
        "total": 1,
    }
    assert view.now == NOW
    assert content["items"] == [
        {
            "id": "bal-7",
            "name": "Uluwatu",
            "region": "BAL",
            "region_name": "Bali",
            "timezone": "Asia/Makassar",
            "kind": "entrance",
            "address": "10.20.7.11",
            "probe": "icmp",
            "profile": "fiber",
            "gateway": None,
            "role": "site",
            "latitude": -8.829,
            "longitude": 115.085,
            "provider": "Telko",
            "model": None,
            "state": "up",
            "state_since": "2026-11-25T08:46:40.000Z",
            "unknown_reason": None,
            "last_known": None,
            "outage": False,
            "cut_off": False,
            "cut_off_targets": 0,
            "cause": None,
            "culprit": None,
            "flapping": False,
            "pending": None,
            "rtt_seconds": 0.0123,
            "last_rtt_seconds": 0.0119,
            "jitter_seconds": 0.0004,
            "loss_ratio": 0.0,
            "probes_total": 100,
            "last_probe_at": None,
            "silent_since": None,
            "newest_failure": None,
            "last_measured": None,
            "low_reasons": None,
            "tunnel": None,
        }
    ]


async def test_trouble_is_in_the_items(client: httpx.AsyncClient) -> None:
    """Cause, culprit, what is cut off, what is pending, why it is unknown."""
    items = {item["id"]: item for item in (await _json(client, "/api/v1/targets"))["items"]}
    hub, site, lone = items["btn-4"], items["btn-5"], items["kal-9"]
    assert (hub["outage"], hub["cut_off_targets"], hub["cause"], hub["culprit"]) == (True, 2, "hub", "btn-4")
    assert (site["outage"], site["cut_off"], site["culprit"], site["gateway"]) == (False, True, "btn-4", "btn-4")
    assert (lone["culprit"], lone["cause"], lone["probe"]) == ("KAL", "region", "tcp:443")
    assert items["jbr-3"]["pending"] == {"state": "down", "probes": 4}
    assert items["sum-10"]["unknown_reason"] == "unresolved"
    assert items["sum-10"]["last_known"] is None
    assert items["sum-10"]["rtt_seconds"] is None
    assert items["pap-8"]["rtt_seconds"] == 0.612346
    assert hub["last_rtt_seconds"] is None
    assert hub["state_since"] == "2026-11-25T09:44:34.500Z"


async def test_regions_are_counted(client: httpx.AsyncClient) -> None:
    """One item per region, in the order of the file."""
    content = await _json(client, "/api/v1/regions")
    assert content["total"] == 6
    assert content["items"][1] == {
        "id": "BTN",
        "name": "Banten",
        "latitude": -6.12,
        "longitude": 106.15,
        "timezone": "Asia/Jakarta",
        "state": "down",
        "state_since": "2026-11-25T07:46:40.000Z",
        "outage": False,
        "targets": 3,
        "up": 0,
        "low": 0,
        "down": 3,
        "unknown": 0,
        "cut_off": 2,
    }
    assert [item["id"] for item in (await _json(client, "/api/v1/regions?state=down"))["items"]] == ["BTN", "KAL"]
    assert [item["id"] for item in (await _json(client, "/api/v1/regions?q=papua"))["items"]] == ["PAP"]


QUERIES = [
    ("region=JBR", "jbr-1 jbr-2 jbr-3"),
    ("region=NOPE", ""),
    ("state=down", "btn-4 btn-5 btn-6 kal-9"),
    ("state=low,unknown", "jbr-2 sum-10"),
    ("state=low&state=unknown", "jbr-2 sum-10"),
    ("q=GT", "jbr-2 btn-5 btn-6"),
    ("q=10.20.9", "kal-9"),
    ("q=gt&region=BTN&state=down", "btn-5 btn-6"),
    ("q=%25", ""),
    ("sort=worst", "btn-4 btn-6 btn-5 kal-9 jbr-2 sum-10 jbr-1 jbr-3 bal-7 pap-8"),
    ("sort=rtt&limit=2", "pap-8 jbr-1"),
    ("sort=loss&limit=5", "btn-4 btn-5 btn-6 kal-9 jbr-2"),
    ("sort=since&limit=3", "jbr-2 btn-6 btn-5"),
    ("sort=name&limit=3", "kal-9 jbr-1 btn-6"),
    ("limit=3", "jbr-1 jbr-2 jbr-3"),
    ("offset=9", "sum-10"),
    ("offset=10", ""),
    ("state=", "jbr-1 jbr-2 jbr-3 btn-4 btn-5 btn-6 bal-7 pap-8 kal-9 sum-10"),
]


@pytest.mark.parametrize(("query", "wanted"), QUERIES, ids=[query for query, _ in QUERIES])
async def test_filters_orders_and_pages(client: httpx.AsyncClient, query: str, wanted: str) -> None:
    """`sort=worst`: own outages, then what is cut off, low, unknown, up; the newest change first."""
    assert await _ids(client, query) == wanted.split()


async def test_total_counts_what_matches_not_the_page(client: httpx.AsyncClient) -> None:
    """A reader of pages knows when to stop."""
    content = await _json(client, "/api/v1/targets?state=down&limit=1&offset=1")
    assert (content["total"], len(content["items"])) == (4, 1)


BAD = [
    ("targets?state=red", "state: 'red' is no state; use down, low, up, unknown"),
    ("targets?sort=x", "sort: 'x' is no order"),
    ("targets?limit=0", "limit: '0' is no whole number from 1 to 10000"),
    ("targets?limit=10001", "limit: '10001' is no whole number"),
    ("targets?limit=1e3", "limit: '1e3'"),
    ("targets?offset=-1", "offset: '-1'"),
    ("targets?offset=%D9%A3", "offset"),
    ("log?result=maybe", "result: 'maybe' is no result"),
    ("outages?since=yesterday", "since: 'yesterday' is no RFC 3339 time"),
    ("outages?since=2026-11-25T07:00:00", "has no offset"),
]


@pytest.mark.parametrize(("path", "text"), BAD, ids=[path for path, _ in BAD])
async def test_a_bad_question_gets_400_and_the_remedy(client: httpx.AsyncClient, path: str, text: str) -> None:
    """Silently ignoring a filter would show everything as if it matched."""
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 400
    assert answer.json()["error"] == "bad_query"
    assert text in answer.json()["message"]


async def test_blindness_is_in_every_envelope(client: httpx.AsyncClient, view: FakeView) -> None:
    """A reader must not take states for judged ones while we cannot see."""
    view.verdict = isolated(view.verdict)
    for path in ("targets", "regions", "log", "pipeline", "outages"):
        content = await _json(client, f"/api/v1/{path}")
        assert (content["isolated"], content["impaired"]) == (True, ["late"])


async def test_last_probe_at_is_a_moment(client: httpx.AsyncClient, view: FakeView) -> None:
    """Monotonic seconds of the board become UTC."""
    put_probe(view.board, view.roster.slot_of["bal-7"], sent_at=time.monotonic(), rtt=0.01)
    item = (await _json(client, "/api/v1/targets?q=bal-7"))["items"][0]
    then = time.mktime(time.strptime(item["last_probe_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert abs(time.time() - then) < 5
    assert item["probes_total"] == 101


def _probes(view: FakeView) -> None:
    """Put three probes of two targets into board and log."""
    for target, sequence, rtt, status in (
        ("jbr-2", 0, 0.0101234567, Status.REPLY),
        ("jbr-2", 1, None, failure_status(FailureReason.UNREACHABLE)),
        ("btn-4", 0, None, failure_status(FailureReason.TIMEOUT)),
    ):
        slot = view.roster.slot_of[target]
        reason = FailureReason.UNREACHABLE if target == "jbr-2" else FailureReason.TIMEOUT
        put_probe(view.board, slot, sent_at=1.0, rtt=rtt, reason=reason)
        view.probe_rows.insert(
            0,
            ProbeRow(
                sent_at=NOW + len(view.probe_rows),
                slot=slot,
                sequence=sequence,
                confirmation=False,
                status=int(status),
                rtt_seconds=rtt,
            ),
        )


async def test_the_ping_log_is_newest_first_with_its_filters(client: httpx.AsyncClient, view: FakeView) -> None:
    """Single probes: what came, or why nothing did."""
    _probes(view)
    content = await _json(client, "/api/v1/log")
    assert content["total"] == 3
    assert content["items"][2] == {
        "time": "2026-11-25T09:46:40.000Z",
        "target": "jbr-2",
        "region": "JBR",
        "sequence": 0,
        "kind": "grid",
        "result": "reply",
        "rtt_seconds": 0.010123,
    }
    for query, results in (
        ("target=jbr-2", ["unreachable", "reply"]),
        ("region=BTN", ["timeout"]),
        ("result=failed", ["timeout", "unreachable"]),
        ("result=reply", ["reply"]),
        ("result=timeout", ["timeout"]),
        ("limit=1&offset=1", ["unreachable"]),
        ("target=nobody", []),
    ):
        found = await _json(client, f"/api/v1/log?{query}")
        assert [item["result"] for item in found["items"]] == results, query


async def test_the_pipeline_shows_what_is_about_to_change(client: httpx.AsyncClient, view: FakeView) -> None:
    """The original's Pool Update: what is near, and what stands still for lack of evidence."""
    view.board.process["in_flight_probes"][:] = (3, 1)
    content = await _json(client, "/api/v1/pipeline")
    assert content["items"] == [
        {
            "target": "jbr-3",
            "name": "Parkir Dago",
            "region": "JBR",
            "state": "up",
            "state_since": "2026-11-25T08:46:40.000Z",
            "pending_state": "down",
            "probes_missing": 4,
        }
    ]
    assert content["unknown"] == {"unresolved": 1}
    assert (content["due_probes"], content["in_flight_probes"]) == (0, 4)


async def test_outages_come_from_the_journal(client: httpx.AsyncClient, view: FakeView) -> None:
    """A lasting one has no end and its duration so far."""
    for target, start, end in (("btn-4", NOW - 60, None), ("jbr-2", NOW - 7200, NOW - 3600)):
        view.outage_rows.append(
            OutageRow(
                start=start, end=end, target=target, region=target[:3].upper(), name="N", cause="hub", culprit=None
            )
        )
    content = await _json(client, "/api/v1/outages")
    assert content["total"] == 2
    assert content["items"][0] == {
        "start": "2026-11-25T09:45:40.000Z",
        "end": None,
        "duration_seconds": 60.0,
        "target": "btn-4",
        "region": "BTN",
        "name": "N",
        "cause": "hub",
        "culprit": None,
    }
    assert content["items"][1]["end"] == "2026-11-25T08:46:40.000Z"
    assert (await _json(client, "/api/v1/outages?region=JBR"))["total"] == 1
    assert (await _json(client, "/api/v1/outages?target=btn-4"))["total"] == 1
    # A plus sign that was not escaped arrives as a space; it is meant all the same.
    assert (await _json(client, "/api/v1/outages?since=2026-11-25T16:00:00+07:00"))["total"] == 1


async def test_an_outage_that_ends_before_it_began_has_no_duration(client: httpx.AsyncClient, view: FakeView) -> None:
    """The wall clock was set back meanwhile: a negative number of seconds would be summed up by somebody."""
    view.outage_rows.append(
        OutageRow(start=NOW, end=NOW - 60, target="btn-4", region="BTN", name="N", cause="hub", culprit=None)
    )
    (item,) = (await _json(client, "/api/v1/outages"))["items"]
    assert item["duration_seconds"] is None


async def test_not_modified_until_a_state_changes(client: httpx.AsyncClient, view: FakeView) -> None:
    """The moment alone is no reason to send everything again."""
    first = await client.get("/api/v1/targets")
    etag = first.headers["etag"]
    again = await client.get("/api/v1/targets", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    view.set_state("jbr-1", State.DOWN)
    changed = await client.get("/api/v1/targets", headers={"If-None-Match": f'"x", {etag}'})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_gzip_when_asked(client: httpx.AsyncClient) -> None:
    """Compressed for who takes it, plain for who does not; caches are told the difference."""
    plain = await client.get("/api/v1/targets")
    assert "content-encoding" not in plain.headers
    packed = await client.get("/api/v1/targets", headers={"Accept-Encoding": "br, GZIP;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert packed.json() == plain.json()
    refused = await client.get("/api/v1/targets", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


async def test_unknown_paths_and_methods(client: httpx.AsyncClient) -> None:
    """JSON for programs, a page for people."""
    missing = await client.get("/api/v1/nothing")
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    page = await client.get("/nothing", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "There is no such page" in page.text
    wrong = await client.post("/api/v1/targets")
    assert wrong.status_code == 405
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_every_key_is_documented(client: httpx.AsyncClient, view: FakeView) -> None:
    """docs/api.md lists the keys that other programs read."""
    _probes(view)
    row = OutageRow(start=NOW - 60, end=None, target="btn-4", region="BTN", name="N", cause="hub", culprit=None)
    view.outage_rows.append(row)
    text = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    for path in ("targets", "regions", "log", "pipeline", "outages"):
        line = next(line for line in text.splitlines() if line.startswith(f"| `{path}` |"))
        item = (await _json(client, f"/api/v1/{path}"))["items"][0]
        assert [key for key in item if f"`{key}`" not in line] == [], path
