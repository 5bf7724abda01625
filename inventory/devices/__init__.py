"""Which devices are ours: how each is reached, what it is called, what may be written to it."""
