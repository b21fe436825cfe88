"""Tests of the bridge, and what they share: peers that answer as told, a bridge to try."""
