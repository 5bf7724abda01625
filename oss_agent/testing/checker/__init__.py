"""Judges what is left after crashes: durable facts in, violations out, each with the rows that prove it."""
