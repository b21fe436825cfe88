"""Tests of the exporter; the tree mirrors the package."""
