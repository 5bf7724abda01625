"""Configurations as devices tell them, with their history; believed only when whole."""
