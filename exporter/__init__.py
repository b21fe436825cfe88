"""The exporter: probes every VPN target, judges its state and exposes it. See docs/architecture.md."""
