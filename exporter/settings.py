"""What the command line decides, as one frozen value. Flags and environment variables are read in cli.py only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `vpn-exporter serve` is told. Defaults are those of the flags."""

    targets_file: Path = Path("targets.yml")
    data_dir: Path = Path("data")
    listen_address: str = "127.0.0.1:9921"
    web_config_file: Path | None = None  # Prometheus web-config: TLS and basic auth; None: loopback only
    external_url: str | None = None  # what people type in a browser, where a proxy stands in front
    grafana_url: str | None = None  # linked from the pages; None: no link
    portable_engine: bool = False  # icmplib instead of our own sockets
    watch: bool = True  # reload by itself when the targets file changes
