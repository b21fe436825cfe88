"""What both daemons share: web-config (TLS, basic auth), access rules, logging, health and the clock."""
