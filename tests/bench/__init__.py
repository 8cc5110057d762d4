"""Measurements, not tests: `python -m tests.bench` lists them. Nothing here passes or fails."""
