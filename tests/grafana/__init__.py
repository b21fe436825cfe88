"""Tests of the dashboards: their JSON, and every query against a real Prometheus."""
