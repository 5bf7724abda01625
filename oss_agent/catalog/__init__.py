"""Versioned specifications (data) and decomposition (pure)."""
