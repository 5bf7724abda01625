"""Whose turn it is: the feeder, leases, groups, and whatever keeps a transaction waiting."""
