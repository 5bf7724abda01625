"""The simulated command-line router."""
