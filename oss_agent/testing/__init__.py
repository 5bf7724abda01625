"""For drivers, ours and others: contract suite, simulated devices, deterministic motor."""
