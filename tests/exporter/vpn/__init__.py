"""Tests of tunnel facts."""
