"""A report at its set time over HTTP: from the peers' answers to the chat, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from alertbridge.schedules import newest, text_of
from alertbridge.settings import JAKARTA, Cadence, Schedule
from alertbridge.store import Store
from tests.alertbridge.conftest import NOC, running_bridge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.alertbridge.peers import Peers
    from tests.botapi.server import BotApi

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORE = """
    timezone: {zone}
    daily_report: "{at}"
    quiet_hours: "00:00-23:59"
"""
CONFIG = """
version: 1
telegram: {{api_url: "{api}"}}
alertmanager: {{url: "{peers}"}}
prometheus: {{url: "{peers}"}}
exporter: {{url: "{peers}"}}
grafana: {{url: "https://monitor.example/grafana"}}
chats:
  - name: noc
    id: -1001234567890
{more}
"""


async def test_a_chat_gets_its_report_once_over_a_restart(api: BotApi, peers: Peers, tmp_path: Path) -> None:
    """From the exporter's and Prometheus' answers, without sound, in quiet hours too."""
    peers.put("jbr-gt-pasteur-1", "up")
    now = datetime.now(UTC)
    at = (now - timedelta(minutes=20)).astimezone(JAKARTA)
    schedule = Schedule(cadence=Cadence.DAILY, at=at.time().replace(second=0, microsecond=0), zone=JAKARTA)
    slot = newest(schedule, now)
    start, end = slot - 3 * HOUR, slot - 2 * HOUR
    row = {"target": "jbr-gt-pasteur-1", "name": "GT <Pasteur> 1", "region": "JBR"}
    peers.outages = [row | {"start": start.isoformat(), "end": end.isoformat()}]
    peers.ratio = 0.9987
    first = Store.at(tmp_path / "data" / "alertbridge.db")
    await first.open()
    noted = f'["{text_of(schedule)}", "{(slot - DAY).isoformat()}"]'
    await first.transact(lambda q: q.remember("report:daily:noc", noted))
    await first.close()
    more = MORE.format(zone="WIB", at=f"{schedule.at:%H:%M}")
    for _ in range(2):
        async with running_bridge(api, peers, tmp_path, config=CONFIG, more=more) as trial:
            await api.until(lambda: api.in_chat(NOC))
            await api.until(lambda: trial.bridge.parts.reporter._settled, what="a look at the schedule")
            await trial.metric_becomes(0, "alertbridge_outbox_messages", state="pending")
    (message,) = api.in_chat(NOC)
    assert message.silent
    lines = message.text.splitlines()
    assert lines[0] == "📊 Laporan harian · semua wilayah · 99,87 %"
    assert lines[1].endswith(f"{slot.astimezone(JAKARTA):%d/%m %H:%M} WIB")
    assert lines[2].startswith("Terlambat dikirim; seharusnya pukul ")
    assert "Gangguan: 1 (sehari sebelumnya: 0)" in lines
    assert "1. GT <Pasteur> 1 · 1 jam" in lines
    assert lines[-1] == "Laporan SLA"
