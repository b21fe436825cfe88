"""What a good targets.yml means."""

from __future__ import annotations

import gc

import pytest

from exporter.errors import InventoryError
from exporter.inventory.load import parse_inventory
from exporter.inventory.model import Inventory, ProbeKind, Role
from tests.exporter.inventory.big import big_targets

HEAD = "version: 1\nregions:\n  - {id: JBR, name: Jawa Barat, latitude: -6.92, longitude: 107.61}\ntargets:\n"


def load(targets: str, head: str = HEAD) -> Inventory:
    return parse_inventory(head + targets, "targets.yml")


def test_the_design_example_is_read_as_it_says() -> None:
    """Defaults, profiles, roles, places and lines come out as the contract's section 4 describes."""
    inventory = parse_inventory(
        """\
version: 1
uplinks: []
profiles:
  fiber: {interval: 1s, timeout: 1s, low_rtt: 150ms, low_jitter: 50ms, low_loss: 10%}
  lte:   {interval: 5s, timeout: 2s, low_rtt: 400ms, low_jitter: 150ms, low_loss: 15%}
  vsat:  {interval: 2s, timeout: 3s, low_rtt: 900ms, low_jitter: 150ms, low_loss: 15%}
regions:
  - {id: JBR, name: Jawa Barat, latitude: -6.92, longitude: 107.61, timezone: Asia/Jakarta}
targets:
  - {id: jbr-hub, name: Bandung hub, region: JBR, address: 10.20.0.1, kind: router, profile: fiber}
  - {id: jbr-gt-pasteur-1, name: GT Pasteur 1, region: JBR, address: 10.20.1.11, kind: toll-gate, gateway: jbr-hub,
     latitude: -6.889, longitude: 107.575}
  - {id: jbr-pk-dago, name: Parkir Dago, region: JBR, address: pk-dago.vpn.internal, probe: "tcp:22", gateway: jbr-hub}
""",
        "targets.yml",
    )
    hub, gate, parking = inventory.targets
    assert inventory.warnings == ()
    assert (hub.role, gate.role, parking.role) == (Role.HUB, Role.SITE, Role.SITE)
    assert (gate.latitude, gate.longitude, gate.gateway, gate.line) == (-6.889, 107.575, "jbr-hub", 11)
    assert (hub.latitude, hub.longitude) == (None, None)
    assert (hub.settings.name, hub.settings.interval_seconds, hub.settings.low_loss_ratio) == ("fiber", 1.0, 0.1)
    assert (parking.probe.kind, parking.probe.port, parking.probe.text) == (ProbeKind.TCP, 22, "tcp:22")
    assert (parking.settings.interval_seconds, parking.settings.down_after_probes) == (10.0, 3)
    assert inventory.profiles["vsat"].timeout_seconds == 3.0


def test_scalars_are_typed_by_the_schema_and_not_by_yaml() -> None:
    """YAML 1.1 would make NO False, 0012 ten, 22:30 a number and 1e3 a float."""
    inventory = load(
        "  - {id: NO, name: on, region: JBR, address: 10.0.0.1, kind: 0o17}\n"
        "  - {id: 0012, name: 22:30, region: JBR, address: 10.0.0.2, kind: 1e3, gateway: NO}\n"
    )
    assert [(t.id, t.name, t.kind) for t in inventory.targets] == [("NO", "on", "0o17"), ("0012", "22:30", "1e3")]
    assert inventory.targets[0].role is Role.HUB


def test_a_profile_of_the_file_changes_a_built_in_one_or_starts_from_fiber() -> None:
    head = HEAD.replace(
        "regions:", "profiles:\n  lte: {interval: 10s}\n  radio: {low_rtt: 80ms, size: 100, dscp: 46}\nregions:"
    )
    inventory = load(
        "  - {id: a, name: A, region: JBR, address: 10.0.0.1, profile: lte}\n"
        "  - {id: b, name: B, region: JBR, address: 10.0.0.2, profile: radio, timeout: 1500ms, source: 10.8.0.2}\n",
        head,
    )
    lte, radio = (target.settings for target in inventory.targets)
    assert (lte.interval_seconds, lte.timeout_seconds, lte.low_rtt_seconds) == (10.0, 2.0, 0.4)
    assert (radio.name, radio.low_rtt_seconds, radio.payload_bytes, radio.dscp) == ("radio", 0.08, 100, 46)
    assert (radio.timeout_seconds, radio.interval_seconds, radio.source) == (1.5, 1.0, "10.8.0.2")


@pytest.mark.parametrize(
    ("keys", "interval", "down_after_probes"),
    [
        pytest.param('probe: "tcp:22"', 10.0, 3, id="no profile: sparing"),
        pytest.param('probe: "tcp:22", interval: 2s', 2.0, 3, id="its own interval"),
        pytest.param('probe: "tcp:22", down_after_probes: 5', 10.0, 5, id="its own count"),
        pytest.param('probe: "tcp:22", profile: lte', 5.0, 12, id="a profile decides both"),
        pytest.param("kind: x", 1.0, 12, id="icmp"),
    ],
)
def test_a_connection_probe_without_profile_is_sparing(keys: str, interval: float, down_after_probes: int) -> None:
    target = load(f"  - {{id: a, name: A, region: JBR, address: 10.0.0.1, {keys}}}\n").targets[0]
    assert (target.settings.interval_seconds, target.settings.down_after_probes) == (interval, down_after_probes)


def test_an_http_probe_keeps_its_url_port_and_expected_statuses() -> None:
    inventory = load(
        '  - {id: a, name: A, region: JBR, address: 10.0.0.1, probe: "https://gate.example:8443/ok",\n'
        "     expect_status: 401}\n"
        '  - {id: b, name: B, region: JBR, address: 10.0.0.1, probe: "http://gate.example/",\n'
        "     expect_status: [200, 204]}\n"
    )
    first, second = (target.probe for target in inventory.targets)
    assert (first.kind, first.port, first.url) == (ProbeKind.HTTP, 8443, "https://gate.example:8443/ok")
    assert (first.expect_status, second.port, second.expect_status) == (frozenset({401}), 80, frozenset({200, 204}))


def test_source_is_a_row_or_a_local_address() -> None:
    """`regenerate` marks its entries with `source`; a profile's key of the same name is a local address."""
    inventory = load(
        "  - {id: a, name: A, region: JBR, address: 10.0.0.1, source: 'csv:sites#GT-1', missing_since: 2026-11-01}\n"
        "  - {id: b, name: B, region: JBR, address: 10.0.0.2, source: 10.8.0.2}\n"
    )
    row, local = inventory.targets
    assert (row.source, row.settings.source, row.missing_since) == ("csv:sites#GT-1", None, "2026-11-01")
    assert (local.source, local.settings.source) == (None, "10.8.0.2")


def test_anchors_aliases_and_merge_keys_are_followed() -> None:
    """People share keys that way; the mapping's own keys win."""
    inventory = load(
        "  - &gate {id: a, name: &n Gerbang, region: JBR, address: 10.0.0.1, kind: toll-gate, profile: lte}\n"
        "  - {<<: *gate, id: b, address: 10.0.0.2, model: *n}\n"
    )
    second = inventory.targets[1]
    assert (second.name, second.kind, second.model, second.settings.name) == ("Gerbang", "toll-gate", "Gerbang", "lte")


def test_byte_order_mark_and_windows_line_ends_are_read() -> None:
    text = "\ufeff" + (HEAD + "  - {id: a, name: A, region: JBR, address: 10.0.0.1}\n").replace("\n", "\r\n")
    target = parse_inventory(text, "targets.yml").targets[0]
    assert (target.id, target.line) == ("a", 5)


def test_a_key_without_a_value_counts_as_absent() -> None:
    target = load("  - {id: a, name: A, region: JBR, address: 10.0.0.1, gateway: , kind: ~, provider: null}\n").targets[
        0
    ]
    assert (target.gateway, target.kind, target.provider) == (None, "", None)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        pytest.param(
            HEAD.replace("regions", "uplinks: [127.0.0.1]\nregions", 1)
            + "  - {id: a, name: A, region: JBR, address: 10.0.0.1}\n",
            't.yml:2: warning: uplinks: "127.0.0.1" is this machine itself and answers even while its line is cut; '
            "name the default gateway or the VPN server",
            id="loopback uplink",
        ),
        pytest.param(
            HEAD + "  - {id: a, name: A, region: JBR, address: 10.0.0.1, latitude: 6.92, longitude: 7.6}\n",
            't.yml:5: warning: targets[0]: "6.92, 7.6" is outside Indonesia and so off the map; '
            "check sign and order: the south is negative, longitudes are 95 to 141",
            id="off the map",
        ),
        pytest.param(
            HEAD + "  - {id: a, name: A, region: JBR, address: 10.0.0.1, low_rtt: 2s}\n",
            "t.yml:5: warning: targets[0].low_rtt: low_rtt (2s) is above the timeout (1s); "
            "such slow replies count as lost; raise the timeout or lower low_rtt",
            id="low_rtt above the timeout",
        ),
        pytest.param(
            HEAD,
            "t.yml: warning: targets: holds nothing, so nothing is probed; add a target, or run targets regenerate",
            id="no targets",
        ),
    ],
)
def test_what_is_odd_but_usable_is_a_warning(text: str, warning: str) -> None:
    assert [str(each) for each in parse_inventory(text, "t.yml").warnings] == [warning]


def test_a_loopback_uplink_beside_loopback_targets_is_fine() -> None:
    head = HEAD.replace("regions", "uplinks: [127.0.0.1]\nregions", 1)
    assert load("  - {id: a, name: A, region: JBR, address: 127.0.0.2}\n", head).warnings == ()


def test_a_hundred_mistakes_are_all_told_in_line_order() -> None:
    text = HEAD + "".join(f"  - {{id: t{n}, name: T, region: XX{n}, address: 10.0.0.{n}}}\n" for n in range(100))
    with pytest.raises(InventoryError) as caught:
        parse_inventory(text, "t.yml")
    assert [mistake.line for mistake in caught.value.mistakes] == list(range(5, 105))


@pytest.mark.parametrize("block", [False, True], ids=["flow", "block"])
def test_ten_thousand_targets_are_read_and_the_collector_runs_again(block: bool) -> None:
    assert gc.isenabled()
    inventory = parse_inventory(big_targets(10_000, block=block), "big.yml")
    assert len(inventory.targets) == 10_000
    assert sum(target.role is Role.HUB for target in inventory.targets) == 200
    assert gc.isenabled()


def test_a_long_chain_of_gateways_is_no_loop() -> None:
    """A chain may be as deep as the file is long; it is walked without recursion."""
    text = HEAD + "  - {id: t0, name: T, region: JBR, address: 127.1.0.0}\n"
    text += "".join(
        f"  - {{id: t{n}, name: T, region: JBR, address: 127.1.{n >> 8}.{n & 255}, gateway: t{n - 1}}}\n"
        for n in range(1, 3000)
    )
    assert parse_inventory(text, "t.yml").targets[-1].gateway == "t2998"


def test_opening_hours_are_kept_and_told_to_do_nothing_yet() -> None:
    """A key that is silently without effect would be believed in."""
    text = "version: 1\nregions: [{id: A, name: A}]\ntargets:\n"
    text += '  - {id: a, name: A, region: A, address: 10.0.0.1, hours: "06:00-18:00"}\n'
    (warning,) = parse_inventory(text, "targets.yml").warnings
    assert (warning.line, warning.path) == (4, "hours")
    assert "around the clock" in str(warning)
