"""`python -m exporter` is `vpn-exporter`."""

from exporter.cli import main

main()
