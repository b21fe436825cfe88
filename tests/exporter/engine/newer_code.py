"""The ICMP process as an upgrade on disk would start it: with one more column than the running exporter has."""

from exporter.engine import board
from exporter.engine.icmp import main

board.SLOT_FIELDS["new"] = ("u1", ())

if __name__ == "__main__":
    main()
