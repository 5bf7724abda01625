"""Decides what can be ordered and what an order means: versioned specifications, as data."""
