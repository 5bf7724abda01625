"""Planned, configured and observed side by side: what disagrees is a case."""
