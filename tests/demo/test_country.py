"""The simulated country: its file is valid and its play shows every state at any moment."""

from __future__ import annotations

import asyncio

import pytest

from demo.__main__ import Player
from demo.country import CYCLE_SECONDS, EPISODES, HTTP_PORT, Behaviour, Site, behaviour_at, sites
from demo.targets_file import targets_text
from exporter.inventory.load import parse_inventory


def test_the_targets_file_is_valid_and_has_every_province() -> None:
    """`vpn-exporter check` finds nothing to say about the file that the demo writes."""
    inventory = parse_inventory(targets_text(), "demo/targets.yml")
    assert inventory.warnings == ()
    assert len(inventory.regions) == 38
    assert {target.region for target in inventory.targets} == {region.id for region in inventory.regions}


def test_every_episode_names_sites_that_exist() -> None:
    """A misspelt id in the play would silently never happen."""
    names = [site.id for site in sites()]
    for episode in EPISODES:
        assert any(episode.covers(name) for name in names), episode


@pytest.mark.parametrize("moment", [30.0, 150.0, 300.0, 500.0, CYCLE_SECONDS + 130.0])
def test_something_is_wrong_at_any_moment(moment: float) -> None:
    """Whoever looks sees sites that are closed and sites that are slow, and most that are well."""
    behaviours = [behaviour_at(site.id, moment) for site in sites()]
    assert Behaviour.CLOSED in behaviours
    assert Behaviour.SLOW in behaviours
    assert behaviours.count(Behaviour.OPEN) > 0.8 * len(behaviours)


def test_the_play_repeats() -> None:
    """A cycle later everything is as it was."""
    for site in sites():
        assert behaviour_at(site.id, 700.0) is behaviour_at(site.id, 700.0 + CYCLE_SECONDS), site.id


async def test_a_site_closes_and_opens_again() -> None:
    """A closed site refuses the connection, an open one answers, a busy one says 503 every fourth time."""
    site = Site(
        id="x",
        name="X",
        region="X",
        kind="parking",
        address="127.77.200.1",
        http=True,
        latitude=0.0,
        longitude=0.0,
        gateway=None,
        provider="x",
    )
    player = Player(site)
    await player.follow(Behaviour.LOSSY)
    answers = [await _ask(site) for _ in range(4)]
    assert [answer.split()[1] for answer in answers] == [b"200", b"200", b"200", b"503"]
    await player.follow(Behaviour.CLOSED)
    with pytest.raises(ConnectionRefusedError):
        await _ask(site)
    await player.follow(Behaviour.OPEN)
    assert b"200" in await _ask(site)
    player.close()


async def _ask(site: Site) -> bytes:
    reader, writer = await asyncio.open_connection(site.address, HTTP_PORT)
    writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
