"""Sources of tunnel facts in targets.yml: read with the file, and no business of regenerate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from exporter.cli_targets import targets
from exporter.inventory.load import parse_inventory
from exporter.vpn.tunnels import wanted

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
version: 1
regions:
  - {id: JBR, name: Jawa Barat}
targets:
  - {id: hub, name: Hub, region: JBR, address: 10.20.0.1, tunnel: "openvpn:GT Pasteur, 2"}
sources:
"""
TUNNELS = """\
  - openvpn-status:/run/vpn-status/noc.log
  - {kind: openvpn-management, place: "127.0.0.1:7505"}
  - openvpn-management:/run/vpn-status/noc.sock
  - wireguard:wg0
  - wireguard:all
  - wireguard-dump:peers
  - wireguard-dump:peers
"""


def test_every_kind_is_read_in_both_spellings_and_each_place_once() -> None:
    inventory = parse_inventory(f"{HEAD}{TUNNELS}  - csv:sites.csv\n", "targets.yml")
    assert wanted(inventory) == [
        ("openvpn-status", "/run/vpn-status/noc.log"),
        ("openvpn-management", "127.0.0.1:7505"),
        ("openvpn-management", "/run/vpn-status/noc.sock"),
        ("wireguard", "wg0"),
        ("wireguard", "all"),
        ("wireguard-dump", "peers"),
    ]
    assert inventory.targets[0].tunnel == "openvpn:GT Pasteur, 2"
    assert inventory.warnings == ()


def _regenerate(path: Path) -> tuple[int, str]:
    done = CliRunner().invoke(targets, ["regenerate", "--check", "--targets.file", str(path)])
    return done.exit_code, done.output


def test_regenerate_passes_over_them(tmp_path: Path) -> None:
    """They have no rows; beside a list they are in nobody's way, alone they are no source to read."""
    path = tmp_path / "targets.yml"
    path.write_text(HEAD + TUNNELS)
    code, output = _regenerate(path)
    assert code == 2
    assert "no source to read" in output
    path.write_text(f"{HEAD}{TUNNELS}  - csv:sites.csv\n")
    (tmp_path / "sites.csv").write_text("Wilayah,Nama,IP\nJawa Barat,Hub,10.20.0.1\n")
    code, output = _regenerate(path)
    assert code == 0, output
