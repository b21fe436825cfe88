"""Who is told, and what for: hubs, regions, providers, what falls together, flapping."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.outcome import State
from tests.exporter.state.fake_engine import PERMISSION, REFUSED, target
from tests.exporter.state.scene import Scene

UPLINK = ("10.9.9.9",)


def hub_scene(**hub: Any) -> Scene:
    """Return a hub with sites in one region and an unrelated target elsewhere."""
    return Scene(
        target("h", **hub),
        *(target(f"s{number}", gateway="h") for number in range(4)),
        target("x", region="BTN"),
        uplinks=UPLINK,
    ).run(12)


def sites(scene: Scene) -> list[str]:
    return [name for name in scene.engine.roster.slot_of if name.startswith("s")]


def test_fallen_hub_is_one_outage() -> None:
    """Hub and sites fall together: only the hub is in outage of its own, its sites are cut off by it, and counted."""
    scene = hub_scene()
    began = scene.now
    scene.cut("h", *sites(scene)).run(15)
    assert scene.outage("h")
    assert (scene.cause("h"), scene.culprit("h"), scene.cut_off("h")) == ("unknown", None, False)
    for name in sites(scene):
        assert not scene.ever_outage(name, since=began)
        assert (scene.cut_off(name), scene.cause(name), scene.culprit(name)) == (True, "hub", "h")
    assert scene.verdict.cut_off_count[scene.slot("h")] == 4
    assert scene.region("JBR") is State.DOWN
    assert not scene.region_outage("JBR"), "a fallen hub explains it"


@pytest.mark.parametrize(
    "hub",
    [
        {"interval_seconds": 2.0, "timeout_seconds": 3.0, "low_rtt_seconds": 0.9},
        {"interval_seconds": 5.0, "timeout_seconds": 2.0},
    ],
    ids=["vsat", "lte"],
)
def test_slow_hub_is_waited_for(hub: dict[str, float]) -> None:
    """Sites that are judged sooner than their hub wait for it: nobody but the hub is told."""
    for phase in range(5):
        scene = hub_scene(**hub)
        scene.run(phase)
        if hub["interval_seconds"] == 2.0:
            scene.engine.rtt[scene.slot("h")] = 0.6
            scene.run(30)
        began = scene.now
        scene.cut("h", *sites(scene)).run(20)
        assert scene.outage("h")
        assert not any(scene.ever_outage(name, since=began) for name in sites(scene))


def test_ancestor_delays_by_five_seconds_at_most() -> None:
    """A hub that goes on failing without falling holds its sites' outage for 5 s, not longer."""
    scene = hub_scene(down_after_probes=1000)
    scene.cut("h", "s0")
    scene.until(lambda: scene.state("s0") is State.DOWN, limit=6.0)
    assert scene.until(lambda: scene.outage("s0"), limit=6.0) == pytest.approx(5.0, abs=0.3)


def test_single_site_is_told_at_once() -> None:
    """Behind a healthy hub nothing holds a lone site's outage."""
    scene = hub_scene().cut("s1")
    scene.until(lambda: scene.state("s1") is State.DOWN, limit=6.0)
    assert scene.outage("s1")


def test_tree_of_any_depth_names_the_topmost_hub() -> None:
    """In a chain of fallen hubs the culprit of all is the topmost."""
    scene = Scene(
        target("h1"),
        target("h2", gateway="h1"),
        target("h3", gateway="h2"),
        target("s", gateway="h3"),
        target("x", region="BTN"),
        uplinks=UPLINK,
    ).run(12)
    scene.cut("h1", "h2", "h3", "s").run(15)
    assert scene.outage("h1")
    assert [scene.culprit(name) for name in ("h2", "h3", "s")] == ["h1", "h1", "h1"]
    scene.heal("h1").run(10)
    assert (scene.cut_off("h2"), scene.culprit("h2")) == (True, "h1"), "within the grace"
    scene.run(10)
    assert scene.outage("h2")
    assert [scene.culprit(name) for name in ("h3", "s")] == ["h2", "h2"]


def test_answering_hub_in_between_ends_the_search() -> None:
    """A site behind a hub that answers is not cut off by a fallen hub further up."""
    scene = Scene(
        target("h1"), target("h2", gateway="h1"), target("s", gateway="h2"), target("x", region="BTN"), uplinks=UPLINK
    ).run(12)
    scene.cut("h1").run(10).cut("s").run(12)
    assert scene.outage("h1")
    assert scene.state("h2") is State.UP
    assert scene.outage("s")


def test_sites_get_fifteen_seconds_after_their_hub() -> None:
    """When the hub is back, its sites stay cut off for 15 s; who is still down then is on its own."""
    scene = hub_scene()
    scene.cut("h", *sites(scene)).run(20).heal("h", "s0", "s1", "s2")
    scene.until(lambda: scene.state("h") is State.UP, limit=5.0)
    back = scene.now
    scene.run(12)
    assert (scene.outage("s3"), scene.cut_off("s3"), scene.culprit("s3")) == (False, True, "h")
    scene.until(lambda: scene.outage("s3"), limit=5.0)
    assert scene.now - back == pytest.approx(15.0, abs=0.5)
    assert not scene.cut_off("s3")


def test_own_outage_is_not_taken_over() -> None:
    """Who was told as down before the hub fell stays so until it is back: an outage ends only with UP or LOW."""
    scene = hub_scene().cut("s0").run(12)
    assert scene.outage("s0")
    began = scene.now
    scene.cut("h", *sites(scene)).run(15)
    assert all(v.outage[scene.slot("s0")] for v in scene.seen if v.at > began + 1_700_000_000.0)
    assert not scene.cut_off("s0")
    assert scene.verdict.cut_off_count[scene.slot("h")] == 3


def region_scene(count: int = 5) -> Scene:
    """Return a region of targets without a hub, and one elsewhere."""
    return Scene(*(target(f"s{n}") for n in range(count)), target("x", region="BTN"), uplinks=UPLINK).run(12)


def test_region_is_the_culprit() -> None:
    """At least 80 % of a region's targets fall and no hub explains it: one region outage, nobody on its own."""
    scene = region_scene()
    began = scene.now
    scene.cut("s0", "s1", "s2", "s3").run(15)
    assert scene.region("JBR") is State.DOWN
    assert scene.region_outage("JBR")
    for name in ("s0", "s1", "s2", "s3"):
        assert not scene.ever_outage(name, since=began)
        assert (scene.cut_off(name), scene.cause(name), scene.culprit(name)) == (True, "region", "JBR")
    scene.heal("s0", "s1", "s2").run(6)
    assert not scene.region_outage("JBR")
    scene.run(20)
    assert scene.outage("s3"), "15 s after the region's return"


def test_region_outage_survives_blindness() -> None:
    """Blindness is never told as the region's recovery."""
    scene = region_scene()
    scene.cut("s0", "s1", "s2", "s3", "s4").run(15).cut_line().run(10)
    assert scene.region("JBR") is State.UNKNOWN
    assert scene.region_outage("JBR")


def test_most_of_a_region_but_not_enough() -> None:
    """Below 80 % each target is on its own, told at the same moment; the region is LOW."""
    scene = region_scene().cut("s0", "s1", "s2")
    scene.until(lambda: scene.outage("s0"), limit=10)
    assert scene.outage("s1")
    assert scene.outage("s2")
    assert scene.region("JBR") is State.LOW
    assert not scene.region_outage("JBR")


def test_what_falls_together_is_held_for_three_seconds() -> None:
    """While a neighbour of the region is in a streak the outage waits, for 3 s at most."""
    scene = Scene(
        *(target(f"s{n}") for n in range(4)), target("slow", down_after_probes=1000), target("x", region="BTN"),
        uplinks=UPLINK,
    ).run(12)  # fmt: skip
    scene.cut("s0", "slow")
    scene.until(lambda: scene.state("s0") is State.DOWN, limit=6.0)
    assert scene.until(lambda: scene.outage("s0"), limit=4.0) == pytest.approx(3.0, abs=0.3)


def test_neighbours_single_loss_holds_nothing() -> None:
    """One lost packet of a neighbour is no streak: a lossy region does not delay every outage."""
    scene = region_scene()
    scene.engine.loss[[scene.slot(f"s{n}") for n in range(1, 5)]] = 0.01
    scene.cut("s0")
    scene.until(lambda: scene.state("s0") is State.DOWN, limit=6.0)
    assert scene.until(lambda: scene.outage("s0"), limit=4.0) <= 0.4


@pytest.mark.parametrize("count", [1, 2], ids=["alone", "two"])
def test_region_of_few(count: int) -> None:
    """The only target of a region lends it its state and keeps its own outage; of two both must fall."""
    scene = region_scene(count).cut("s0").run(12)
    assert scene.outage("s0")
    assert not scene.region_outage("JBR")
    assert scene.region("JBR") is (State.DOWN if count == 1 else State.LOW)


def test_region_is_low_with_a_fifth_low() -> None:
    """At least 20 % of the judged targets LOW make the region LOW, fewer do not."""
    scene = region_scene(10).run(60)
    scene.engine.rtt[scene.slot("s0")] = 0.3
    scene.until(lambda: scene.state("s0") is State.LOW, limit=20)
    assert scene.region("JBR") is State.UP
    scene.engine.rtt[scene.slot("s1")] = 0.3
    scene.until(lambda: scene.state("s1") is State.LOW, limit=20)
    assert scene.region("JBR") is State.LOW


def test_region_is_down_when_all_its_hubs_are() -> None:
    """All hubs of a region down: the region is down, whatever its other targets say."""
    scene = Scene(
        target("h"), target("s0", gateway="h"), target("r1"), target("r2"), target("x", region="BTN"), uplinks=UPLINK
    ).run(12)
    scene.cut("h", "s0").run(12)
    assert scene.region("JBR") is State.DOWN
    assert not scene.region_outage("JBR")


def test_region_is_unknown_when_most_are() -> None:
    """More than half unknown: the region is unknown."""
    scene = region_scene().cut("s4").run(12)
    scene.engine.failure[[scene.slot("s0"), scene.slot("s1")]] = PERMISSION
    scene.run(3)
    assert scene.region("JBR") is State.LOW
    scene.engine.failure[scene.slot("s2")] = PERMISSION
    scene.run(3)
    assert scene.region("JBR") is State.UNKNOWN


def test_device_cause_needs_evidence() -> None:
    """Refused: something at the address answers, so it is the device, not the line."""
    scene = hub_scene()
    scene.engine.failure[scene.slot("s0")] = REFUSED
    scene.run(12)
    assert (scene.outage("s0"), scene.cause("s0")) == (True, "device")


def test_place_tells_device_from_site() -> None:
    """At one place: another device answers, so it is the device; all of them fall, so it is the site."""
    spot = {"latitude": -6.9, "longitude": 107.6}
    scene = Scene(
        target("a", **spot), target("b", **spot), target("c"), target("d"), target("e"), target("x", region="BTN"),
        uplinks=UPLINK,
    ).run(12)  # fmt: skip
    scene.cut("a").run(12)
    assert scene.cause("a") == "device"
    scene.cut("b").run(12)
    assert (scene.cause("a"), scene.cause("b")) == ("site", "site")


def test_provider_cause() -> None:
    """All targets of one provider in several trees fall while others answer: the provider."""
    scene = Scene(
        *(target(f"p{n}", region=f"R{n}", provider="Astra") for n in range(3)),
        *(target(f"q{n}", region=f"R{n}", provider="Bintang") for n in range(3)),
        uplinks=UPLINK,
    ).run(12)
    scene.cut("p0", "p1").run(12)
    assert scene.cause("p0") == "unknown"
    scene.cut("p2").run(12)
    assert [scene.cause(f"p{n}") for n in range(3)] == ["provider"] * 3


def test_flapping_hides_young_outages() -> None:
    """The third outage within 15 minutes enters flapping and is hidden, until it has lasted 5 minutes."""
    scene = hub_scene()
    for _ in range(2):
        scene.cut("s0").run(20)
        assert scene.outage("s0")
        scene.heal("s0").run(20)
    began = scene.now
    scene.cut("s0").run(60, step=0.5)
    assert scene.state("s0") is State.DOWN
    assert scene.verdict.flapping[scene.slot("s0")]
    assert not scene.ever_outage("s0", since=began)
    assert scene.cause("s0") is None
    while not scene.outage("s0"):
        scene.run(1, step=1.0)
        assert scene.now - began < 320
    assert scene.now - began == pytest.approx(304, abs=3)
    assert scene.verdict.flapping[scene.slot("s0")], "a lasting outage is still one"
    scene.heal("s0").run(890, step=1.0)
    assert scene.verdict.flapping[scene.slot("s0")]
    scene.run(30)
    assert not scene.verdict.flapping[scene.slot("s0")], "15 minutes without an outage"


def test_cut_off_sites_do_not_flap() -> None:
    """A hub that flaps does not make its sites flap."""
    scene = hub_scene()
    for _ in range(3):
        scene.cut("h", *sites(scene)).run(15).heal("h", *sites(scene)).run(20)
    assert scene.verdict.flapping[scene.slot("h")]
    assert not any(scene.verdict.flapping[scene.slot(name)] for name in sites(scene))
