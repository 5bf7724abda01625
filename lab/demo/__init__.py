"""The demonstration: one order's whole story, told by what really happens."""
