"""The operator API under /api/v1: thin, over the same Ports as the bridge."""
