"""`python -m alertbridge`."""

from __future__ import annotations

from alertbridge.cli import main

main()
