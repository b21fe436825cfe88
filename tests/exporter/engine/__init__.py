"""Tests of the probing engine."""
