"""The simulated country that `make demo` plays: sites on loopback that close, slow down, flap and come back."""
