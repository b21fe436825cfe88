"""The bridge: Alertmanager webhooks in, Telegram messages out. See docs/architecture.md."""
