"""Measurements, side by side with others in one run; `make bench` writes bench/results.md."""
