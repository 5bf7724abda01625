"""Configuration as trees: how two differ, whose each node is, what a half-done change is. Pure."""
