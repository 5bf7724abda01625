"""A Linux host with SSH: a test point."""
