"""Plays the country of `make demo` so that every state is there within half a minute: `python -m tests.grafana.play`.

The sites, their listeners and their targets.yml are the demo's; only the schedule is quicker (the demo's own hub falls
after two minutes and its flapping site needs three). It also writes, as an OpenVPN server does, the status file in
which the demo's first hub is connected.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import Final

from demo.__main__ import Player
from demo.country import UNRESOLVED, Behaviour, Episode, sites
from demo.targets_file import targets_text

FALLEN_HUB: Final = "jtm-hub"  # down, and what is behind it cut off
FALLEN_REGION: Final = "GOR"  # down as a whole, without a hub that explains it
PENDING: Final = "jbr-parkir"  # fails for seconds again and again, and needs far more to be DOWN
FLAPPING: Final = "sul-parkir"
SLOW: Final = "ntt-tiket"
UNKNOWN: Final = "mal-natsepa"  # a name that never resolves
UNPLACED: Final = "pps-tiket"  # has no coordinates
TUNNEL: Final = "jbr-hub"

SCHEDULE: Final = (
    Episode(sites=("jtm-*", "gor-*", "pps-gerbang"), behaviour=Behaviour.CLOSED),
    Episode(sites=(SLOW,), behaviour=Behaviour.SLOW),
    Episode(sites=(FLAPPING,), behaviour=Behaviour.CLOSED, length=6, every=11),
    Episode(sites=(PENDING,), behaviour=Behaviour.CLOSED, length=9, every=12),
)
_TICK_SECONDS: Final = 0.25
_STATUS: Final = """\
TITLE,OpenVPN 2.6.3 x86_64-pc-linux-gnu
TIME,now,{now:.0f}
HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,\
Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher
CLIENT_LIST,{hub},198.51.100.7:1194,10.20.0.2,,{received},{sent},then,{since:.0f},UNDEF,0,0,AES-256-GCM
HEADER,ROUTING_TABLE,Virtual Address,Common Name,Real Address,Last Ref,Last Ref (time_t)
GLOBAL_STATS,Max bcast/mcast queue length,0
END
"""


def targets() -> str:
    """Return the demo's targets.yml: quicker, with a tunnel, one site without a place and one that is patient."""
    text = targets_text()
    text = _exchange(
        text, r"interval: 2s(.*)down_after_probes: 3", r"interval: 1s\1down_after: 1s, down_after_probes: 2"
    )
    text = _exchange(text, r"^targets:$", "uplinks: [127.0.0.1]\nsources: ['openvpn-status:openvpn.status']\ntargets:")
    text = _exchange(text, rf"(\{{id: {UNPLACED},.*), latitude: [^,]+, longitude: [^,}}]+", r"\1")
    text = _exchange(text, rf"\{{id: {PENDING},", rf"{{id: {PENDING}, down_after_probes: 60, low_rtt: 200ms,")
    return _exchange(text, rf"\{{id: {TUNNEL},", f"{{id: {TUNNEL}, tunnel: 'openvpn:{TUNNEL}',")


def _exchange(text: str, pattern: str, replacement: str) -> str:
    """Exchange what must stand there exactly once."""
    text, times = re.subn(pattern, replacement, text, flags=re.MULTILINE)
    if times != 1:
        raise ValueError(f"{pattern} stands {times} times in the demo's targets.yml")
    return text


def behaviour_at(site_id: str, seconds: float) -> Behaviour:
    """Return how a site behaves at a moment of this schedule."""
    found = (episode.behaviour for episode in SCHEDULE if episode.covers(site_id) and episode.is_on(seconds))
    return next(found, Behaviour.OPEN)


async def play(status: Path) -> None:
    """Play until killed."""
    players = [Player(site) for site in sites() if site.address != UNRESOLVED]
    started, since = time.monotonic(), time.time() - 3600
    while True:
        seconds = time.monotonic() - started
        for player in players:
            await player.follow(behaviour_at(player.site.id, seconds))
        now, grown = time.time(), int(seconds * 1000)
        beside = status.with_suffix(".new")
        beside.write_text(
            _STATUS.format(now=now, hub=TUNNEL, received=grown, sent=grown // 2, since=since), encoding="utf-8"
        )
        beside.replace(status)
        await asyncio.sleep(_TICK_SECONDS)


if __name__ == "__main__":
    asyncio.run(play(Path(sys.argv[1])))
