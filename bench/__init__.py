"""Timings and qualities as ratios within one run: `python -m bench [name ...]`."""
