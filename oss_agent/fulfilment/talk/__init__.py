"""Talking to devices: one login each, shared, every call bounded and on a known rung."""
